"""A host is asked, says yes or no, once and in time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.db import Database
from hotspot.models import OutgoingMail, PassRequest, PassState, Visitor
from hotspot.policy.contacts import parse_mail_address
from hotspot.sealing import Vault
from hotspot.services.passes import PassAsk
from hotspot.services.proving import Codes
from hotspot.services.sponsoring import (
    HOST_LIFE,
    Standing,
    answer_as_host,
    ask_host,
    show_to_host,
    why_not_sponsored,
)
from hotspot.settings import Settings
from hotspot.values import MacAddress, RefusalReason, Refuse, Way
from tests import factories

PHONE = MacAddress("020000000001")
MINUTE = timedelta(minutes=1)


@dataclass
class TownHall:
    db: Session
    now: datetime
    codes: Codes
    asks: PassAsk

    def ask(self, name: str = "Jeanne Petit", host: str = "maire@ville.fr") -> PassRequest | Refuse:
        address = parse_mail_address(host)
        assert address is not None
        return ask_host(self.db, self.asks, name, address, self.now, self.codes)

    def asked(self, **typed: str) -> PassRequest:
        request = self.ask(**typed)
        assert isinstance(request, PassRequest), request
        self.db.flush()
        return request

    def answer(self, request: PassRequest, *, approves: bool) -> None:
        answer_as_host(self.db, request.id, self.now, self.codes, approves=approves)

    def standing(self, request: PassRequest) -> Standing:
        view = show_to_host(self.db, request.id, self.now, self.codes)
        assert view is not None
        return view.standing


@pytest.fixture
def hall(any_database: Database, now: datetime, vault: Vault, settings: Settings) -> Any:
    with any_database.transaction() as db:
        site = factories.make_site(db, name="Hôtel de ville")
        nas = factories.make_nas(db, site=site)
        offer = factories.make_offer(db, site=site, way=Way.SPONSOR, sponsor_domains="agglo.fr ville.fr")
        yield TownHall(db, now, Codes(vault, settings), PassAsk(nas.id, site.id, PHONE, offer.id, 1, "en"))


def test_the_host_gets_a_mail_in_the_language_of_the_place(hall: TownHall) -> None:
    hall.asked()
    mail = hall.db.scalars(select(OutgoingMail)).one()
    assert mail.recipient == "maire@ville.fr"
    assert mail.subject == "Jeanne Petit vous demande un accès Wi-Fi"
    assert "Hôtel de ville" in mail.body
    assert "http://localhost:8080/host/" in mail.body
    assert mail.give_up_at == hall.now + HOST_LIFE


@pytest.mark.parametrize("host", ["maire@evil.ville.fr", "maire@ville.fr.evil.org", "maire@example.org"])
def test_nobody_else_is_asked(hall: TownHall, host: str) -> None:
    assert hall.ask(host=host) == Refuse(RefusalReason.HOST_NOT_ALLOWED)
    assert hall.db.scalars(select(OutgoingMail)).all() == []


def test_the_same_question_twice_is_one_mail(hall: TownHall) -> None:
    assert hall.asked().id == hall.asked(host="MAIRE@ville.fr").id
    assert len(hall.db.scalars(select(OutgoingMail)).all()) == 1


def test_there_is_no_opening(hall: TownHall) -> None:
    assert hall.asked().grant is None


def test_looking_at_the_page_changes_nothing(hall: TownHall) -> None:
    request = hall.asked()
    assert [hall.standing(request) for _ in range(2)] == [Standing.ASKED] * 2
    assert request.state is PassState.WAITING


def test_with_a_yes_the_visitor_is_known_with_who_answers_for_them(hall: TownHall) -> None:
    request = hall.asked()
    hall.answer(request, approves=True)
    assert (request.state, hall.standing(request)) == (PassState.PROVEN, Standing.APPROVED)
    visitor = hall.db.scalars(select(Visitor)).one()
    assert hall.codes.vault.open(visitor.contact_sealed) == "Jeanne Petit (maire@ville.fr)"


def test_with_a_no_the_visitor_is_told(hall: TownHall) -> None:
    request = hall.asked()
    assert why_not_sponsored(request, hall.now) is None
    hall.answer(request, approves=False)
    assert why_not_sponsored(request, hall.now) == Refuse(RefusalReason.HOST_REFUSED)
    assert hall.standing(request) is Standing.REFUSED


@pytest.mark.parametrize("first", [True, False], ids=["yes", "no"])
def test_the_first_answer_counts(hall: TownHall, first: bool) -> None:
    request = hall.asked()
    hall.answer(request, approves=first)
    settled_at, hall.now = request.settled_at, hall.now + MINUTE
    hall.answer(request, approves=not first)
    assert hall.standing(request) is (Standing.APPROVED if first else Standing.REFUSED)
    assert request.settled_at == settled_at


def test_after_a_quarter_of_an_hour_it_is_too_late(hall: TownHall) -> None:
    request = hall.asked()
    hall.now += HOST_LIFE
    hall.answer(request, approves=True)
    assert (request.state, hall.standing(request)) == (PassState.WAITING, Standing.LATE)
    assert why_not_sponsored(request, hall.now) == Refuse(RefusalReason.HOST_SILENT)


def test_a_question_that_was_asked_anew_is_answered_anew(hall: TownHall) -> None:
    first = hall.asked()
    second = hall.asked(name="Jeanne Grand")
    hall.db.expire_all()
    hall.answer(first, approves=True)
    assert (hall.standing(first), hall.standing(second)) == (Standing.LATE, Standing.ASKED)


def test_a_request_of_another_way_is_not_for_hosts(hall: TownHall) -> None:
    request = hall.asked()
    request.way = Way.EMAIL_CODE
    hall.answer(request, approves=True)
    assert request.state is PassState.WAITING
    assert show_to_host(hall.db, request.id, hall.now, hall.codes) is None


def test_the_page_says_until_when_it_would_be(hall: TownHall) -> None:
    view = show_to_host(hall.db, hall.asked().id, hall.now, hall.codes)
    assert view is not None
    assert (view.visitor, view.site_name, view.ends_at) == (
        "Jeanne Petit",
        "Hôtel de ville",
        hall.now + timedelta(hours=2),
    )
