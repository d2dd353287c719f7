"""Ending connections from "Online now" and from a batch of vouchers; what the gateways make of it, in words."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from hotspot.db import Database
from hotspot.error_causes import ERROR_CAUSES
from hotspot.models import (
    AuditEntry,
    ChangeRecord,
    Grant,
    SessionWish,
    Site,
    WifiSession,
    WishKind,
    WishReason,
    WishState,
)
from hotspot.values import RefusalReason, Way
from hotspot_admin.wish_wording import REASONS, STATES
from tests import factories
from tests.hotspot_admin.conftest import LIBRARIAN, Browser, Clock, Town
from tests.page_client import Form


@pytest.fixture
def reader(database: Database, town: Town) -> UUID:
    """Online at the library."""
    with database.transaction() as db:
        grant = factories.make_grant(db, site=db.get_one(Site, town.library))
        return factories.make_wifi_session(db, grant=grant).id


def wishes(database: Database) -> list[SessionWish]:
    with database.reading() as db:
        return list(db.scalars(select(SessionWish).order_by(SessionWish.id)))


def answered(database: Database, state: WishState, error_cause: int | None = None) -> None:
    with database.transaction() as db:
        wish = db.scalars(select(SessionWish)).one()
        wish.state, wish.error_cause, wish.due_at = state, error_cause, None


def end(browser: Browser, path: str, button: str) -> None:
    page = browser.get(path)
    form = next(each for each in page.root.one("main").all("form") if button in each.text)
    assert browser.submit(Form(page, form), button=button).status == 303


def test_one_connection_is_ended_after_a_question(librarian: Browser, database: Database, reader: UUID) -> None:
    path = librarian.get("/online").link("Couper")
    end(librarian, path, "Mettre fin à la connexion")

    (wish,) = wishes(database)
    assert path == f"/online/{reader}/end"
    assert (wish.kind, wish.why, wish.asked_by) == (WishKind.DISCONNECT, WishReason.STAFF, LIBRARIAN)
    page = librarian.get("/online")
    assert "On demande à la passerelle de couper cette connexion." in page.text
    assert "Demandé La passerelle sera sollicitée dans un instant." in page.root.one("tbody").text
    assert "Couper" not in [each.text for each in page.root.all("a")]
    with database.reading() as db:
        assert db.scalars(select(Grant)).one().ends_because is RefusalReason.GRANT_ENDED


def test_the_visit_can_be_ended_too(librarian: Browser, database: Database, reader: UUID, clock: Clock) -> None:
    end(librarian, f"/online/{reader}/end", "Mettre fin à la visite")

    assert [wish.why for wish in wishes(database)] == [WishReason.ENDED_BY_STAFF]
    with database.reading() as db:
        grant = db.scalars(select(Grant)).one()
        assert grant.ends_because is RefusalReason.ENDED_BY_STAFF
        assert grant.ends_at <= clock.now + timedelta(seconds=1)
        assert db.scalars(select(AuditEntry.facts)).all()[-1] == {"connections": 1, "visits_too": "yes"}


@pytest.mark.parametrize(
    ("state", "cause", "said", "may_ask_again"),
    [
        (WishState.SENT, None, "sa réponse peut prendre une demi-minute", False),
        (WishState.ACCEPTED, None, "Son dernier relevé n’est pas encore arrivé", False),
        (WishState.GONE, None, "La passerelle ne connaît plus cette connexion", False),
        (WishState.REFUSED, 501, "autorisez-y l’adresse de ce serveur", True),
        (WishState.REFUSED, 999, "Error-Cause 999", True),
        (WishState.NO_ANSWER, None, "La passerelle n’a pas répondu", True),
        (WishState.NOT_POSSIBLE, None, "On ne connaît aucun moyen", True),
    ],
)
def test_what_the_gateway_makes_of_it_is_said(
    librarian: Browser,
    database: Database,
    reader: UUID,
    state: WishState,
    cause: int | None,
    said: str,
    may_ask_again: bool,
) -> None:
    end(librarian, f"/online/{reader}/end", "Mettre fin à la connexion")
    answered(database, state, cause)

    page = librarian.get("/online")

    assert said in page.root.one("tbody").text
    assert ("Couper de nouveau" in page.text) is may_ask_again


def test_it_is_called_ended_only_when_it_has_ended(
    librarian: Browser, database: Database, reader: UUID, clock: Clock
) -> None:
    end(librarian, f"/online/{reader}/end", "Mettre fin à la connexion")
    answered(database, WishState.ACCEPTED)
    assert "Coupée" not in librarian.get("/online").root.one("tbody").text
    with database.transaction() as db:
        db.get_one(WifiSession, reader).ended_at = clock.now
        db.scalars(select(SessionWish)).one().state = WishState.CONFIRMED

    page = librarian.get("/online")

    assert "Personne n’est en ligne" in page.text
    row = page.root.one("tbody").one("tr").text
    assert "Médiathèque" in row
    assert "Coupée par le personnel" in row
    clock.now += timedelta(minutes=16)
    assert not librarian.get("/online").root.all("tbody")


def test_all_connections_of_a_site_are_ended(
    administrator: Browser, database: Database, reader: UUID, town: Town
) -> None:
    with database.transaction() as db:
        factories.make_wifi_session(db, grant=factories.make_grant(db, site=db.get_one(Site, town.square)))
    assert "Couper toutes les connexions de ce site" not in administrator.get("/online").text
    path = administrator.get(f"/online?site={town.library}").link("Couper toutes les connexions de ce site")
    assert "1 appareil y est en ligne" in administrator.get(path).text

    end(administrator, path, "Mettre fin à la connexion")

    assert [wish.wifi_session_id for wish in wishes(database)] == [reader]


def test_the_connections_of_a_voucher_are_ended(librarian: Browser, database: Database, town: Town) -> None:
    with database.transaction() as db:
        offer = factories.make_offer(db, site=db.get_one(Site, town.library), way=Way.VOUCHER)
        voucher = factories.make_voucher(db, offer=offer)
        grant = factories.make_grant(db, offer=offer, voucher=voucher)
        factories.make_wifi_session(db, grant=grant)
        batch_id = voucher.batch_id
    path = librarian.get(f"/vouchers/{batch_id}").link("Couper")

    end(librarian, path, "Mettre fin à la connexion")

    assert path == f"/vouchers/{batch_id}/1/end"
    assert [wish.why for wish in wishes(database)] == [WishReason.STAFF]


def test_the_connections_of_a_card_are_ended(administrator: Browser, database: Database, town: Town) -> None:
    with database.transaction() as db:
        library = db.get_one(Site, town.library)
        patron = factories.make_patron(db, organisation=library.organisation)
        grant = factories.make_grant(db, site=library, patron=patron)
        here = factories.make_wifi_session(db, grant=grant).id
        elsewhere = factories.make_grant(db, site=db.get_one(Site, town.elsewhere_site), patron=patron)
        factories.make_wifi_session(db, grant=elsewhere)
        patron_id = patron.id
    page = administrator.get(f"/patrons/{patron_id}")
    assert "1 appareil est en ligne avec cette carte sur vos sites." in page.text
    path = page.link("Mettre fin à la connexion")

    end(administrator, path, "Mettre fin à la connexion")

    assert path == f"/patrons/{patron_id}/end"
    assert [(wish.wifi_session_id, wish.why) for wish in wishes(database)] == [(here, WishReason.STAFF)]
    with database.reading() as db:
        assert db.scalars(select(AuditEntry.facts)).all()[-1] == {"connections": 1, "visits_too": "no"}


def test_a_card_with_nobody_online_has_nothing_to_end(administrator: Browser, database: Database, town: Town) -> None:
    with database.transaction() as db:
        organisation = db.get_one(Site, town.library).organisation
        patron_id = factories.make_patron(db, organisation=organisation).id

    assert "en ligne avec cette carte" not in administrator.get(f"/patrons/{patron_id}").text
    assert "Plus personne n’est en ligne ici." in administrator.get(f"/patrons/{patron_id}/end").text


def test_who_may_not_see_cards_ends_nothing_of_one(librarian: Browser, stranger: Browser, database: Database) -> None:
    with database.transaction() as db:
        path = f"/patrons/{factories.make_patron(db).id}/end"

    for browser, status in ((librarian, 403), (stranger, 404)):
        assert browser.get(path).status == status
        assert browser.post_bare(path, {"visits_too": "yes"}).status == status


def test_nobody_ends_what_is_elsewhere(
    librarian: Browser, stranger: Browser, database: Database, town: Town, reader: UUID
) -> None:
    with database.transaction() as db:
        square = db.get_one(Site, town.square)
        elsewhere = factories.make_wifi_session(db, grant=factories.make_grant(db, site=square)).id

    for path in (
        f"/online/{elsewhere}/end",
        f"/online/site/{town.square}/end",
        f"/online/{UUID(int=7)}/end",
    ):
        for browser in (librarian, stranger):
            assert browser.get(path).status == 404
            assert browser.post_bare(path, {"visits_too": "yes"}).status == 404
    assert wishes(database) == []


def test_what_has_ended_meanwhile_is_a_conflict(
    librarian: Browser, database: Database, reader: UUID, clock: Clock
) -> None:
    with database.transaction() as db:
        db.get_one(WifiSession, reader).ended_at = clock.now

    page = librarian.get(f"/online/{reader}/end")

    assert page.status == 409
    assert "Cette connexion est déjà terminée." in page.text


def test_the_question_for_an_empty_site_has_no_button(librarian: Browser, town: Town) -> None:
    page = librarian.get(f"/online/site/{town.library}/end")

    assert "Plus personne n’est en ligne ici." in page.text
    assert "Mettre fin" not in page.text


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (None, "Pas encore demandé"),
        ({"unanswered_in_a_row": 1}, "N’a jamais répondu sur le port 3799"),
        ({"unanswered_in_a_row": 2, "accepted_at": factories.NOW}, "Pas de réponse aux 2 dernières demandes"),
        ({"accepted_at": factories.NOW}, "Obéi il y a 0 s"),
        ({"refused_at": factories.NOW, "refused_because": 406}, "Son logiciel ne connaît pas ce genre de demande"),
    ],
    ids=["never asked", "never answered", "silent lately", "obeys", "refuses"],
)
def test_a_gateways_page_says_whether_it_obeys(
    administrator: Browser, database: Database, town: Town, record: dict[str, object] | None, said: str
) -> None:
    with database.transaction() as db:
        nas_id = factories.make_nas(db, site=db.get_one(Site, town.library)).id
        if record is not None:
            db.add(ChangeRecord(nas_id=nas_id, kind=WishKind.DISCONNECT, **record))

    section = administrator.get(f"/gateways/{nas_id}").root.one("section", id="changes").text

    assert said in section
    assert ("HS_COAPORT" in section) is ("unanswered_in_a_row" in (record or {}))


def test_a_deaf_gateway_on_radsec_is_told_about_its_connection(
    administrator: Browser, database: Database, town: Town
) -> None:
    with database.transaction() as db:
        nas_id = factories.make_nas(db, site=db.get_one(Site, town.library), certificate_name="nas-1").id
        db.add(ChangeRecord(nas_id=nas_id, kind=WishKind.DISCONNECT, unanswered_in_a_row=1))

    section = administrator.get(f"/gateways/{nas_id}").root.one("section", id="changes").text

    assert "sur la connexion qu’elle a ouverte" in section


def test_every_state_and_every_reason_to_end_has_its_word() -> None:
    assert set(STATES) == set(WishState)
    assert set(REASONS) == set(WishReason) - {WishReason.LENGTHENED}


def test_every_error_cause_of_rfc_5176_has_its_sentence() -> None:
    assert {201, 202, *range(401, 408), *range(501, 509)} <= set(ERROR_CAUSES)
