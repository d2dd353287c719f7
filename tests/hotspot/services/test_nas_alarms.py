"""Alarms: raised once, ended once, told once each time, to whom it concerns."""

from datetime import datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.db import Database
from hotspot.models import (
    AlarmKind,
    Nas,
    NasAlarm,
    NasDiscard,
    NasSilence,
    NasState,
    OpeningInterval,
    OutgoingMail,
    RadiusListener,
    Role,
    Site,
)
from hotspot.services.nas_alarms import watch_nases
from hotspot.settings import Settings
from tests import factories

NOW = factories.NOW
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
READER = "accueil@commune.test"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """With a mail server."""
    named = {"mail_host": "mail.test", "mail_from": "parvis@commune.test", "default_language": "en"}
    return settings.model_copy(update=named)


def listen(db: Session, at: datetime = NOW, *, name: str = "here", since: datetime = NOW - 90 * DAY) -> None:
    db.merge(RadiusListener(name=name, started_at=since, seen_at=at))


def a_nas(db: Session, *, silent_for: timedelta = 2 * HOUR, site: Site | None = None, **overrides: Any) -> Nas:
    """Known for long, at a site whose organisation has an administrator."""
    site = site or a_site(db)
    heard = {"last_packet_at": NOW - silent_for, "created_at": NOW - 90 * DAY, "name": "Hall"}
    return factories.make_nas(db, site=site, **heard | overrides)


def a_site(db: Session, email: str = READER, **overrides: Any) -> Site:
    site = factories.make_site(db, name="Library", **overrides)
    factories.make_staff(db, organisation=site.organisation, email=email, language="en")
    return site


def watch(database: Database, settings: Settings, at: datetime = NOW, *, listens: bool = True) -> int:
    """What the worker does each minute."""
    with database.transaction() as db:
        if listens:
            listen(db, at)
        return watch_nases(db, settings, at)


def hear(database: Database, nas_id: int, at: datetime) -> None:
    with database.transaction() as db:
        db.get_one(Nas, nas_id).last_packet_at = at


def mails(database: Database) -> list[tuple[str, str]]:
    with database.reading() as db:
        return [(each.recipient, each.subject) for each in db.scalars(select(OutgoingMail).order_by(OutgoingMail.id))]


def bodies(database: Database) -> list[str]:
    with database.reading() as db:
        return list(db.scalars(select(OutgoingMail.body).order_by(OutgoingMail.id)))


def alarms(database: Database) -> list[NasAlarm]:
    with database.reading() as db:
        return list(db.scalars(select(NasAlarm).order_by(NasAlarm.id)))


SILENT = (READER, "Parvis: Hall is silent")
WELL = (READER, "Parvis: Hall is well again")


def test_a_silence_is_told_once(any_database: Database, settings: Settings) -> None:
    with any_database.transaction() as db:
        nas_id = a_nas(db).id

    counted = [watch(any_database, settings, NOW + minutes * MINUTE) for minutes in (0, 1, 60)]

    assert counted == [1, 1, 1]
    assert mails(any_database) == [SILENT]
    (alarm,) = alarms(any_database)
    assert (alarm.nas_id, alarm.kind, alarm.since, alarm.raised_at, alarm.ended_at) == (
        nas_id,
        AlarmKind.SILENT,
        NOW - 2 * HOUR,
        NOW,
        None,
    )


def test_the_mail_says_what_where_since_when_and_what_to_do(any_database: Database, settings: Settings) -> None:
    with any_database.transaction() as db:
        nas_id = a_nas(db).id

    watch(any_database, settings)

    (body,) = bodies(any_database)
    assert body.split("\n")[:5] == [
        "Hall (Library)",
        "Nothing has come from it for 2 h 00: longer than is usual for it.",
        "Since: 10/03/2026, 08:00",  # Paris
        "Is it powered, and does its line to the internet work? Restart it; then check its RADIUS settings.",
        f"http://localhost:8081/gateways/{nas_id}",
    ]


def test_it_is_over_when_it_has_been_heard_for_a_quarter_of_an_hour(any_database: Database, settings: Settings) -> None:
    with any_database.transaction() as db:
        nas_id = a_nas(db).id
    watch(any_database, settings)
    told = []
    for minutes in (1, 15, 16, 17):
        hear(any_database, nas_id, NOW + minutes * MINUTE)
        watch(any_database, settings, NOW + minutes * MINUTE)
        told.append(len(mails(any_database)))

    assert told == [1, 1, 2, 2]
    assert mails(any_database) == [SILENT, WELL]
    assert alarms(any_database)[0].ended_at == NOW + 16 * MINUTE


def test_one_that_comes_and_goes_is_one_alarm(any_database: Database, settings: Settings) -> None:
    """Ten minutes are too long a silence while visitors are reported every three; it is never well for fifteen."""
    settings = settings.model_copy(update={"interim_interval": 3 * MINUTE})
    with any_database.transaction() as db:
        nas_id = a_nas(db).id
        db.add(NasState(nas_id=nas_id, last_interim_at=NOW, counted_on=NOW.date(), requests=0, repeats=0))
    watch(any_database, settings)
    silent = 0
    for minutes in range(120):
        at = NOW + minutes * MINUTE
        if minutes % 24 == 0:
            hear(any_database, nas_id, at)
            with any_database.transaction() as db:
                factories.make_wifi_session(db, nas=db.get_one(Nas, nas_id), started_at=at, updated_at=at)
        silent += watch(any_database, settings, at)

    assert 60 < silent < 80
    assert mails(any_database) == [SILENT]
    assert [each.ended_at for each in alarms(any_database)] == [None]


def test_visitors_who_were_online_are_told_of(any_database: Database, settings: Settings) -> None:
    with any_database.transaction() as db:
        nas = a_nas(db, silent_for=16 * MINUTE)
        db.add(NasState(nas_id=nas.id, last_interim_at=NOW, counted_on=NOW.date(), requests=0, repeats=0))
        factories.make_wifi_session(db, nas=nas, started_at=NOW - HOUR, updated_at=NOW - 17 * MINUTE)

    watch(any_database, settings)

    assert "though visitors were online (1)" in bodies(any_database)[0]


def test_a_new_event_after_the_end_is_a_new_alarm(any_database: Database, settings: Settings) -> None:
    with any_database.transaction() as db:
        nas_id = a_nas(db).id
    watch(any_database, settings)
    for minutes in (1, 16):
        hear(any_database, nas_id, NOW + minutes * MINUTE)
        watch(any_database, settings, NOW + minutes * MINUTE)

    watch(any_database, settings, NOW + 3 * HOUR)

    assert mails(any_database) == [SILENT, WELL, SILENT]


def test_longer_than_usual_is_what_counts(any_database: Database, settings: Settings) -> None:
    with any_database.transaction() as db:
        nas = a_nas(db, silent_for=5 * HOUR)
        for day in (2, 3, 4):
            began_at = NOW - day * DAY
            db.add(NasSilence(nas_id=nas.id, began_at=began_at, ended_at=began_at + 3 * HOUR))

    watch(any_database, settings)
    assert mails(any_database) == []

    watch(any_database, settings, NOW + HOUR + MINUTE)
    assert mails(any_database) == [SILENT]


def test_a_closed_site_is_silent_and_nobody_is_told(any_database: Database, settings: Settings) -> None:
    """The library opened an hour ago: from one on, it is more than its NAS may be silent for."""
    with any_database.transaction() as db:
        hours = [OpeningInterval(weekday=day, opens_at=time(9), closes_at=time(18)) for day in range(6)]
        a_nas(db, silent_for=15 * HOUR, site=a_site(db, opening_intervals=hours))

    watch(any_database, settings)
    assert mails(any_database) == []

    watch(any_database, settings, NOW + MINUTE)
    assert mails(any_database) == [SILENT]


def test_that_the_site_closes_does_not_end_an_alarm(any_database: Database, settings: Settings) -> None:
    with any_database.transaction() as db:
        hours = [OpeningInterval(weekday=day, opens_at=time(9), closes_at=time(12)) for day in range(6)]
        a_nas(db, silent_for=30 * MINUTE, site=a_site(db, opening_intervals=hours))
    for minutes in range(0, 24 * 60, 15):
        watch(any_database, settings, NOW + minutes * MINUTE)

    assert mails(any_database) == [SILENT]
    assert [each.ended_at for each in alarms(any_database)] == [None]


# ---- our own fault ----


def test_while_no_process_of_ours_listens_nobody_is_to_blame(any_database: Database, settings: Settings) -> None:
    """Nor in the first hour after it is back."""
    with any_database.transaction() as db:
        site = a_site(db)
        for _ in range(3):
            a_nas(db, silent_for=5 * HOUR, site=site)
        listen(db, NOW - 5 * HOUR)

    assert watch(any_database, settings, listens=False) == 0
    with any_database.transaction() as db:
        listen(db, NOW + MINUTE, name="again", since=NOW + MINUTE)
    assert watch(any_database, settings, NOW + MINUTE, listens=False) == 0
    with any_database.transaction() as db:
        listen(db, NOW + 62 * MINUTE, name="again", since=NOW + MINUTE)
    assert watch(any_database, settings, NOW + 62 * MINUTE, listens=False) == 3


def test_our_own_absence_ends_no_alarm(any_database: Database, settings: Settings) -> None:
    with any_database.transaction() as db:
        a_nas(db)
    watch(any_database, settings)
    for minutes in range(2, 60, 5):
        watch(any_database, settings, NOW + minutes * MINUTE, listens=False)

    assert mails(any_database) == [SILENT]
    assert [each.ended_at for each in alarms(any_database)] == [None]


def test_one_of_several_processes_is_enough(any_database: Database, settings: Settings) -> None:
    """One that was restarted a moment ago does not make the others deaf."""
    with any_database.transaction() as db:
        a_nas(db)
        listen(db, name="new", since=NOW - MINUTE)
        listen(db, NOW - 10 * MINUTE, name="gone", since=NOW - 99 * DAY)

    watch(any_database, settings)

    assert mails(any_database) == [SILENT]


def test_when_nobody_at_all_is_heard_the_mail_says_to_look_here_first(
    any_database: Database, settings: Settings
) -> None:
    with any_database.transaction() as db:
        site = a_site(db)
        a_nas(db, silent_for=2 * HOUR, site=site)
        a_nas(db, silent_for=20 * MINUTE, site=site)

    watch(any_database, settings)

    assert bodies(any_database)[0].startswith("Nothing has come from any gateway for 20 min. Unless that is usual")


@pytest.mark.parametrize("others", [(), (timedelta(minutes=1),)], ids=["the only one", "another is heard"])
def test_else_it_does_not(any_database: Database, settings: Settings, others: tuple[timedelta, ...]) -> None:
    with any_database.transaction() as db:
        site = a_site(db)
        for silent_for in (2 * HOUR, *others):
            a_nas(db, silent_for=silent_for, site=site)

    watch(any_database, settings)

    assert "from any gateway" not in bodies(any_database)[0]


# ---- a wrong secret ----


def test_a_wrong_secret_is_an_alarm_until_it_is_put_right(any_database: Database, settings: Settings) -> None:
    with any_database.transaction() as db:
        nas = a_nas(db, silent_for=30 * MINUTE)
        db.add(NasState(nas_id=nas.id, wrong_secret_at=NOW, counted_on=NOW.date(), requests=0, repeats=0))
        db.add(NasDiscard(nas_id=nas.id, hour_at=NOW, reason="message_authenticator_wrong", number=3))
        nas_id = nas.id
    watch(any_database, settings)
    for minutes in (1, 16):
        hear(any_database, nas_id, NOW + minutes * MINUTE)
        watch(any_database, settings, NOW + minutes * MINUTE)

    assert mails(any_database) == [(READER, "Parvis: Hall has a wrong secret"), WELL]
    assert [each.kind for each in alarms(any_database)] == [AlarmKind.SECRET_WRONG]


# ---- who is told ----


def test_what_happened_at_one_look_is_one_mail_for_each_reader(any_database: Database, settings: Settings) -> None:
    with any_database.transaction() as db:
        for silent_for in (2 * HOUR, 3 * HOUR):
            a_nas(db, silent_for=silent_for, site=a_site(db, email=f"{silent_for.seconds}@commune.test"))
        a_nas(db, site=db.scalars(select(Site)).first())

    watch(any_database, settings)

    assert sorted(mails(any_database)) == [
        ("10800@commune.test", "Parvis: Hall is silent"),
        ("7200@commune.test", "Parvis: 2 gateways in trouble"),
    ]


def test_trouble_and_its_end_share_a_mail(any_database: Database, settings: Settings) -> None:
    with any_database.transaction() as db:
        site = a_site(db)
        first, _second = a_nas(db, site=site), a_nas(db, silent_for=45 * MINUTE, site=site, name="Second")
        nas_id = first.id
    watch(any_database, settings)
    for minutes in (1, 16):
        hear(any_database, nas_id, NOW + minutes * MINUTE)
        watch(any_database, settings, NOW + minutes * MINUTE)

    assert mails(any_database)[1:] == [(READER, "Parvis: 1 gateway in trouble, 1 gateway well again")]


def test_a_district_without_administrators_is_looked_after_from_above(
    any_database: Database, settings: Settings
) -> None:
    with any_database.transaction() as db:
        metropolis = factories.make_organisation(db)
        commune = factories.make_organisation(db, parent=metropolis)
        elsewhere = factories.make_organisation(db)
        site = factories.make_site(db, organisation=factories.make_organisation(db, parent=commune))
        factories.make_staff(db, sites=(site,), email="librarian@commune.test", role=Role.LIBRARIAN)
        factories.make_staff(db, organisation=commune, email="retired@commune.test", retired_at=NOW)
        factories.make_staff(db, organisation=metropolis, email="above@metropolis.test", language="fr")
        factories.make_staff(db, organisation=elsewhere, email="elsewhere@town.test")
        a_nas(db, site=site)

    watch(any_database, settings)

    assert mails(any_database) == [("above@metropolis.test", "Parvis: Hall ne répond plus")]


def test_whom_the_settings_name_is_told_instead_and_once(any_database: Database, settings: Settings) -> None:
    with any_database.transaction() as db:
        a_nas(db)
    named = settings.model_copy(update={"alerts_to": ("a@town.test", "b@town.test", "a@town.test")})

    watch(any_database, named)

    assert mails(any_database) == [("a@town.test", SILENT[1]), ("b@town.test", SILENT[1])]


def test_without_a_mail_server_the_alarm_is_kept_and_nobody_is_written_to(
    any_database: Database, settings: Settings
) -> None:
    with any_database.transaction() as db:
        a_nas(db)

    assert watch(any_database, settings.model_copy(update={"mail_host": None})) == 1

    assert (len(alarms(any_database)), mails(any_database)) == (1, [])


def test_a_name_cannot_add_a_header(any_database: Database, settings: Settings) -> None:
    with any_database.transaction() as db:
        a_nas(db, name="Hall\r\nBcc: everybody@town.test")

    watch(any_database, settings)

    assert mails(any_database) == [(READER, "Parvis: Hall Bcc: everybody@town.test is silent")]
