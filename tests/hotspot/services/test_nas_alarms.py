"""Alarms: raised once, told once to each reader, ended once; nobody is woken for what is no fault of a NAS."""

from collections.abc import Callable, Sequence
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hotspot.db import Database
from hotspot.models import (
    AlarmKind,
    Nas,
    NasAlarm,
    NasDiscard,
    NasState,
    OpeningInterval,
    OutgoingMail,
    RadiusListener,
    Role,
    Site,
)
from hotspot.services.nas_alarms import BETTER_FOR, watch_nases
from hotspot.settings import Settings
from tests import factories

NOW = factories.NOW
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
DIRECTOR, DEPUTY = "director@commune.test", "deputy@commune.test"


@pytest.fixture
def mailing(settings: Settings) -> Settings:
    return settings.model_copy(update={"mail_host": "mail.commune.test", "mail_from": "wifi@commune.test"})


@pytest.fixture
def look(any_database: Database, mailing: Settings) -> Callable[[datetime], int]:
    """What the worker does each minute."""

    def at(now: datetime) -> int:
        with any_database.transaction() as db:
            return watch_nases(db, mailing, now)

    return at


def listen(db: Session, until: datetime = NOW + 30 * DAY, name: str = "here", since: datetime = NOW - 90 * DAY) -> None:
    db.add(RadiusListener(name=name, started_at=since, seen_at=until))


def a_site(db: Session, **overrides: Any) -> Site:
    """Its director and deputy are told; nobody else of the commune."""
    commune = factories.make_organisation(db)
    factories.make_staff(db, organisation=commune, email=DIRECTOR, language="en")
    factories.make_staff(db, organisation=commune, email=DEPUTY, language="fr")
    factories.make_staff(db, organisation=commune, email="left@commune.test", retired_at=NOW - DAY)
    site = factories.make_site(db, organisation=commune, **overrides)
    factories.make_staff(db, sites=(site,), role=Role.LIBRARIAN)
    return site


def a_nas(db: Session, last_packet_at: datetime | None = NOW, site: Site | None = None, **overrides: Any) -> Nas:
    """Known for long, heard now."""
    site = site or a_site(db)
    return factories.make_nas(db, site=site, last_packet_at=last_packet_at, created_at=NOW - 90 * DAY, **overrides)


def speaks(database: Database, nas_id: int, at: datetime) -> None:
    with database.transaction() as db:
        db.get_one(Nas, nas_id).last_packet_at = at


def alarms(database: Database) -> list[NasAlarm]:
    with database.reading() as db:
        return list(db.scalars(select(NasAlarm).order_by(NasAlarm.id)))


def mails(database: Database) -> list[OutgoingMail]:
    with database.reading() as db:
        return list(db.scalars(select(OutgoingMail).order_by(OutgoingMail.id)))


def count_mails(database: Database) -> int:
    with database.reading() as db:
        return db.scalar(select(func.count()).select_from(OutgoingMail)) or 0


def minutes(start: datetime, length: timedelta) -> Sequence[datetime]:
    return [start + MINUTE * each for each in range(int(length / MINUTE) + 1)]


Look = Callable[[datetime], int]


def test_a_silence_is_told_once_to_each_administrator(any_database: Database, look: Look) -> None:
    with any_database.transaction() as db:
        listen(db)
        nas_id = a_nas(db, name="Reading room").id

    silent = [look(now) for now in minutes(NOW + 55 * MINUTE, 2 * HOUR)]

    (alarm,) = alarms(any_database)
    assert (silent[0], silent[-1]) == (0, 1)
    assert (alarm.nas_id, alarm.kind, alarm.since, alarm.ended_at) == (nas_id, AlarmKind.SILENT, NOW, None)
    assert NOW + HOUR < alarm.raised_at <= NOW + HOUR + MINUTE
    told = {each.recipient: each for each in mails(any_database)}
    assert set(told) == {DIRECTOR, DEPUTY}
    assert told[DIRECTOR].subject == "Parvis: Reading room is silent"
    assert told[DEPUTY].subject == "Parvis: Reading room ne répond plus"
    assert f"/gateways/{nas_id}\n" in told[DIRECTOR].body
    assert "longer than is usual" in told[DIRECTOR].body
    assert "Restart it" in told[DIRECTOR].body


def test_it_ends_once_when_it_speaks_again_and_that_is_told_too(any_database: Database, look: Look) -> None:
    with any_database.transaction() as db:
        listen(db)
        nas_id = a_nas(db, name="Reading room").id
    look(NOW + 2 * HOUR)

    for now in minutes(NOW + 2 * HOUR, HOUR):
        speaks(any_database, nas_id, now)
        look(now)

    (alarm,) = alarms(any_database)
    assert alarm.ended_at == NOW + 2 * HOUR + BETTER_FOR
    assert [each.recipient for each in mails(any_database)].count(DIRECTOR) == 2
    last = [each for each in mails(any_database) if each.recipient == DIRECTOR][-1]
    assert last.subject == "Parvis: Reading room is well again"
    assert "The trouble began at 10/03/2026, 10:00" in last.body  # in Paris


def test_one_that_comes_and_goes_is_not_told_of_each_time(any_database: Database, look: Look) -> None:
    """Its secret is wrong, but now and then something authentic comes through, for less than a quarter of an hour."""
    with any_database.transaction() as db:
        listen(db)
        nas_id = a_nas(db, NOW - HOUR).id
        db.add(NasState(nas_id=nas_id, wrong_secret_at=NOW, counted_on=NOW.date(), requests=0, repeats=0))
    look(NOW)

    for turn in range(6):
        begins = NOW + turn * 20 * MINUTE
        for now in minutes(begins, 10 * MINUTE):
            speaks(any_database, nas_id, now)
            look(now)
        for now in minutes(begins + 16 * MINUTE, 3 * MINUTE):
            with any_database.transaction() as db:
                db.get_one(NasState, nas_id).wrong_secret_at = now
            look(now)

    (alarm,) = alarms(any_database)
    assert (alarm.kind, alarm.ended_at) == (AlarmKind.SECRET_WRONG, None)
    assert count_mails(any_database) == 2


def test_after_its_end_a_new_silence_is_a_new_alarm(any_database: Database, look: Look) -> None:
    with any_database.transaction() as db:
        listen(db)
        nas_id = a_nas(db).id
    look(NOW + 2 * HOUR)
    speaks(any_database, nas_id, NOW + 3 * HOUR)
    look(NOW + 3 * HOUR)
    look(NOW + 3 * HOUR + BETTER_FOR)

    look(NOW + 5 * HOUR)

    assert [each.since for each in alarms(any_database)] == [NOW, NOW + 3 * HOUR]


def test_a_closed_library_is_no_alarm_and_ends_none(any_database: Database, look: Look) -> None:
    """Open from nine to six in Paris; NOW is ten."""
    with any_database.transaction() as db:
        listen(db)
        hours = [OpeningInterval(weekday=day, opens_at=time(9), closes_at=time(18)) for day in range(7)]
        site = a_site(db, opening_intervals=hours)
        quiet_at_night = a_nas(db, NOW + 8 * HOUR - MINUTE, site=site).id
        broken = a_nas(db, NOW + 6 * HOUR, site=site).id

    for now in minutes(NOW + 7 * HOUR, 16 * HOUR)[::10]:
        look(now)
    speaks(any_database, quiet_at_night, NOW + 23 * HOUR)
    look(NOW + 23 * HOUR + 55 * MINUTE)

    (alarm,) = alarms(any_database)
    assert (alarm.nas_id, alarm.since, alarm.ended_at) == (broken, NOW + 6 * HOUR, None)
    assert count_mails(any_database) == 2


def test_while_no_radius_process_listens_nothing_is_raised_and_nothing_ended(
    any_database: Database, look: Look
) -> None:
    with any_database.transaction() as db:
        listen(db, until=NOW + 2 * HOUR)
        site = a_site(db)
        already = a_nas(db, site=site).id
        for _ in range(5):
            a_nas(db, NOW + 2 * HOUR, site=site)
    look(NOW + 2 * HOUR)

    away = [look(now) for now in minutes(NOW + 2 * HOUR + 2 * MINUTE, 10 * HOUR)[::10]]

    assert set(away) == {0}
    assert [(each.nas_id, each.ended_at) for each in alarms(any_database)] == [(already, None)]


def test_silence_is_counted_from_when_our_process_came_back(any_database: Database, look: Look) -> None:
    back = NOW + 12 * HOUR
    with any_database.transaction() as db:
        listen(db, since=back, name="after the outage")
        site = a_site(db)
        returns, stays_away = a_nas(db, site=site).id, a_nas(db, site=site).id

    look(back + MINUTE)
    look(back + 59 * MINUTE)
    assert alarms(any_database) == []
    speaks(any_database, returns, back + 59 * MINUTE)
    look(back + 61 * MINUTE)

    (alarm,) = alarms(any_database)
    assert (alarm.nas_id, alarm.since) == (stays_away, NOW)


def test_of_several_radius_processes_one_may_go_and_another_come(any_database: Database, look: Look) -> None:
    """As in a restart one by one: the oldest that is still there has heard everything."""
    with any_database.transaction() as db:
        listen(db, name="gone", until=NOW + 30 * MINUTE)
        listen(db, name="stays", since=NOW - DAY)
        listen(db, name="new", since=NOW + 31 * MINUTE)
        a_nas(db)

    look(NOW + 61 * MINUTE)

    assert len(alarms(any_database)) == 1


def test_visitors_without_a_word_for_three_intervals(any_database: Database, look: Look, mailing: Settings) -> None:
    with any_database.transaction() as db:
        listen(db)
        nas = a_nas(db)
        db.add(NasState(nas_id=nas.id, last_interim_at=NOW, counted_on=NOW.date(), requests=1, repeats=0))
        factories.make_wifi_session(db, nas=nas, started_at=NOW - HOUR, updated_at=NOW)

    look(NOW + 3 * mailing.interim_interval)
    assert alarms(any_database) == []
    look(NOW + 3 * mailing.interim_interval + MINUTE)

    assert len(alarms(any_database)) == 1
    assert "though visitors were online (1)" in mails(any_database)[0].body


def test_a_wrong_secret_is_told_until_something_authentic_comes(any_database: Database, look: Look) -> None:
    with any_database.transaction() as db:
        listen(db)
        nas = a_nas(db, None, name="Reading room")
        nas_id = nas.id
        db.add(NasState(nas_id=nas_id, wrong_secret_at=NOW, counted_on=NOW.date(), requests=0, repeats=0))
        reason = "request_authenticator_wrong"
        db.add(NasDiscard(nas_id=nas_id, hour_at=NOW.replace(minute=0), reason=reason, number=7))
    look(NOW)
    look(NOW + 3 * DAY)  # switched off meanwhile: that is no cure

    assert [(each.kind, each.ended_at) for each in alarms(any_database)] == [(AlarmKind.SECRET_WRONG, None)]
    assert mails(any_database)[0].subject == "Parvis: Reading room has a wrong secret"
    assert "(7 in 24 hours)" in mails(any_database)[0].body
    speaks(any_database, nas_id, NOW + 3 * DAY)
    look(NOW + 3 * DAY)
    look(NOW + 3 * DAY + BETTER_FOR)
    assert alarms(any_database)[0].ended_at == NOW + 3 * DAY + BETTER_FOR


def test_one_that_was_never_heard_wakes_nobody(any_database: Database, look: Look) -> None:
    with any_database.transaction() as db:
        listen(db)
        a_nas(db, None)

    look(NOW + 10 * DAY)

    assert alarms(any_database) == []


def test_what_happens_at_once_is_one_mail(any_database: Database, look: Look) -> None:
    """A line that serves all sites has failed."""
    with any_database.transaction() as db:
        listen(db)
        site = a_site(db)
        for number in range(60):
            a_nas(db, site=site, name=f"Gateway {number:02}")

    look(NOW + 2 * HOUR)

    assert len(alarms(any_database)) == 60
    told = {each.recipient: each for each in mails(any_database)}
    assert len(mails(any_database)) == 2
    assert told[DIRECTOR].subject == "Parvis: 60 gateways in trouble"
    assert told[DIRECTOR].body.count("Gateway ") == 50
    assert "And 10 more: " in told[DIRECTOR].body


def test_without_administrators_of_its_own_those_above_are_told_and_no_others(
    any_database: Database, look: Look
) -> None:
    with any_database.transaction() as db:
        listen(db)
        metropolis = factories.make_organisation(db)
        factories.make_staff(db, organisation=metropolis, email="metropolis@commune.test")
        village = factories.make_organisation(db, parent=metropolis)
        a_nas(db, site=factories.make_site(db, organisation=village))
        a_site(db)  # has administrators of its own, and nothing the matter

    look(NOW + 2 * HOUR)

    assert [each.recipient for each in mails(any_database)] == ["metropolis@commune.test"]


def test_those_whom_the_settings_name_are_told_instead(any_database: Database, mailing: Settings) -> None:
    named = mailing.model_copy(update={"alerts_to": ("duty@commune.test", "desk@commune.test")})
    with any_database.transaction() as db:
        listen(db)
        a_nas(db, site=a_nas(db).site)
        watch_nases(db, named, NOW + 2 * HOUR)

    assert sorted(each.recipient for each in mails(any_database)) == ["desk@commune.test", "duty@commune.test"]


def test_without_a_mail_server_the_alarm_is_kept_all_the_same(any_database: Database, settings: Settings) -> None:
    with any_database.transaction() as db:
        listen(db)
        a_nas(db)
        watch_nases(db, settings, NOW + 2 * HOUR)

    assert len(alarms(any_database)) == 1
    assert mails(any_database) == []


def test_a_name_cannot_add_lines_to_the_head_of_a_mail(any_database: Database, look: Look) -> None:
    with any_database.transaction() as db:
        listen(db)
        a_nas(db, name="Room\r\nBcc: all@commune.test %(name)s")

    look(NOW + 2 * HOUR)

    assert mails(any_database)[0].subject.startswith("Parvis: Room Bcc: all@commune.test %(name)s")
