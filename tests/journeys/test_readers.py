"""Readers of a library with a system of its own, over SIP2: in the branch library of the demonstration."""

import json
import os
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from hotspot.models import Grant, LibrarySystem, Patron
from hotspot.values import RefusalReason
from hotspot.wording import explain
from parvis.demo_files import OWING_READER, YOUNG_READER
from tests.journeys.conftest import PIN
from tests.journeys.town import Town
from tests.journeys.visitor import Visitor, expect_accessible
from tests.radius.conftest import eventually

NewVisitor = Callable[..., Visitor]
BRANCH = "Bibliothèque des Tanneurs"


@pytest.fixture(scope="module")
def readers(town: Town) -> Iterator[dict[str, str]]:
    """Whom nobody has seen yet: the library reads its file again for each question."""
    file = Path(town.environment["PARVIS_VAR_DIR"]) / "library.json"
    library = json.loads(file.read_text(encoding="utf-8"))
    new = [{"card": f"3200{number:04}", "pin": PIN, "category": "ADULTE"} for number in range(10)]
    file.write_text(json.dumps(library | {"readers": [*library["readers"], *new]}), encoding="utf-8")
    return ({"card": each["card"], "pin": PIN} for each in new)


@pytest.fixture
def reader(readers: Iterator[dict[str, str]]) -> dict[str, str]:
    return next(readers)


def in_the_branch(visitor: Visitor) -> Visitor:
    visitor.walk_to(BRANCH)
    visitor.arrive()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text(BRANCH)
    return visitor


@contextmanager
def library_frozen(town: Town) -> Iterator[None]:
    """Its system hangs: connections are taken, and nothing is answered."""
    file = str(Path(town.environment["PARVIS_VAR_DIR"]) / "library.json")
    (pid,) = [
        each.pid
        for each in psutil.process_iter(["cmdline"])
        if {"simulator.library", file} <= set(each.info["cmdline"] or [])
    ]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def refused_with(stranger: Visitor) -> str:
    stranger.sign_in_by_card(f"{random.randrange(10**8):08}", "000000")
    return stranger.page.get_by_role("alert").get_by_role("heading").inner_text()


def test_a_reader_and_what_is_kept_of_them(new_visitor: NewVisitor, town: Town, reader: dict[str, str]) -> None:
    visitor = in_the_branch(new_visitor())
    visitor.sign_in_by_card(**reader)
    visitor.expect_online()
    visitor.expect_pretend_internet()
    with town.looked_into() as db:
        patron = db.scalars(select(Patron).where(Patron.card_number == reader["card"])).one()
        assert (patron.name, patron.born_on, patron.category) == ("", None, "ADULTE")


def test_a_young_reader_gets_what_is_for_the_young(new_visitor: NewVisitor, town: Town) -> None:
    visitor = in_the_branch(new_visitor())
    visitor.sign_in_by_card(YOUNG_READER, town.demo["reader"]["pin"])
    visitor.expect_online()
    with town.looked_into() as db:
        patron = db.scalars(select(Patron).where(Patron.card_number == YOUNG_READER)).one()
        assert db.scalars(select(Grant).where(Grant.patron_id == patron.id)).one().offer.name == "Jeunes lecteurs"


def test_a_refusal_is_in_the_librarys_own_words(new_visitor: NewVisitor, town: Town) -> None:
    visitor = in_the_branch(new_visitor())
    visitor.sign_in_by_card(OWING_READER, town.demo["reader"]["pin"])
    expect(visitor.page.get_by_role("alert")).to_contain_text("Il reste une somme à payer")
    expect_accessible(visitor.page)
    visitor.expect_captured()


def test_a_card_elsewhere_and_a_polite_sentence(new_visitor: NewVisitor) -> None:
    visitor = new_visitor()
    visitor.walk_to("Place de la République")
    visitor.arrive()
    expect(visitor.page.get_by_text("Une carte de bibliothèque ouvre le Wi-Fi dans ces lieux")).to_be_visible()


def test_a_system_that_hangs_keeps_out_strangers_only(
    new_visitor: NewVisitor, town: Town, reader: dict[str, str]
) -> None:
    known = in_the_branch(new_visitor())
    known.sign_in_by_card(**reader)
    known.expect_online()
    with library_frozen(town):
        again = in_the_branch(new_visitor())
        again.sign_in_by_card(**reader)
        again.expect_online()
        stranger = in_the_branch(new_visitor())
        stranger.sign_in_by_card("99999999", "000000")
        stranger.expect_refusal(RefusalReason.LIBRARY_AWAY)
        with town.looked_into() as db:
            assert db.scalars(select(LibrarySystem)).one().away_since is not None
            assert db.scalars(select(Grant).order_by(Grant.created_at.desc()).limit(1)).one().unconfirmed
    unknown = explain(RefusalReason.UNKNOWN_CARD_OR_PIN, "fr").title
    assert eventually(lambda: refused_with(in_the_branch(new_visitor())) == unknown, patience=30), "it answers again"
    with town.looked_into() as db:
        assert db.scalars(select(LibrarySystem)).one().away_since is None


def test_a_remembered_phone_is_known_under_another_address(new_visitor: NewVisitor, reader: dict[str, str]) -> None:
    visitor = in_the_branch(new_visitor())
    visitor.sign_in_remembered(**reader)
    former = visitor.mac
    visitor.page.context.clear_cookies(name="phone")  # the access point takes it for another phone
    in_the_branch(visitor)
    visitor.page.locator("form[action$='/return'] button").click()
    visitor.expect_online()
    assert visitor.mac != former
    expect(visitor.devices).to_have_count(1)
    expect(visitor.devices).to_contain_text("cet appareil")
