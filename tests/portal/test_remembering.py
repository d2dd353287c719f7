"""A visitor has a device remembered: the box on the form, and the list on the page of the visit."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import select

from hotspot.adapters.known_devices import KnownDevices
from hotspot.db import Database
from hotspot.models import Grant, Nas, Offer, Patron, RememberedDevice
from hotspot.portal_links import online_url
from hotspot.services.remembering import MOST_REMEMBERED, remember_device
from hotspot.settings import Settings
from hotspot.values import RefusalReason
from tests import factories
from tests.page_client import Page, PageClient
from tests.portal.conftest import Clock, Town, redirect_of
from tests.portal.test_sign_in import CARD, Asking, ask

BOX = "Se souvenir de cet appareil pendant 30 jours"


@pytest.fixture
def remembering(database: Database, town: Town) -> Town:
    """The town's library remembers devices of its readers."""
    with database.transaction() as db:
        db.get_one(Offer, town.card_offer_id).remember_for = timedelta(days=30)
    return town


@pytest.fixture
def visit(database: Database, settings: Settings, remembering: Town) -> Callable[..., str]:
    """Begins one on some device of the reader; the address of its page."""

    def begin(number: int = 1, *, remember: bool = False, card: str = "", **overrides: Any) -> str:
        with database.transaction() as db:
            nas, offer = db.get_one(Nas, remembering.nas_id), db.get_one(Offer, remembering.card_offer_id)
            patron = db.scalars(select(Patron).where(Patron.card_number == (card or remembering.card_number))).one()
            factories.make_device(db, f"02000000{number:04x}", family="android")
            mac = f"02000000{number:04x}"
            grant = factories.make_grant(db, nas=nas, offer=offer, patron=patron, device_mac=mac, **overrides)
            if remember:
                assert remember_device(db, grant, factories.NOW)
        return online_url(settings, factories.VAULT, grant.id).removeprefix(settings.public_portal)

    return begin


def remembered(database: Database) -> list[str]:
    with database.reading() as db:
        return list(db.scalars(select(RememberedDevice.device_mac).order_by(RememberedDevice.device_mac)))


def test_the_box_is_there_unticked_where_it_is_offered(pages: PageClient, remembering: Town) -> None:
    page = pages.get(redirect_of(remembering))

    (box,) = page.root.all("input", name="remember")
    assert "checked" not in box.attributes
    assert BOX in page.text


def test_it_is_nowhere_else(pages: PageClient, town: Town) -> None:
    assert pages.get(redirect_of(town)).root.all("input", name="remember") == []


@pytest.mark.parametrize(("ticked", "devices"), [({"remember": "1"}, [factories.DEVICE_MAC]), ({}, [])])
def test_a_ticked_box_remembers(
    pages: PageClient, remembering: Town, database: Database, ticked: dict[str, str], devices: list[str]
) -> None:
    assert ask(pages, remembering, CARD, **ticked).status == 303

    assert remembered(database) == devices


def test_a_box_that_was_not_offered_does_nothing(pages: PageClient, town: Town, database: Database) -> None:
    assert ask(pages, town, CARD, remember="1").status == 303

    assert remembered(database) == []


def test_a_wrong_pin_keeps_the_tick(pages: PageClient, remembering: Town) -> None:
    page = ask(pages, remembering, Asking(CARD.way, pin="0000"), remember="1")

    (box,) = page.root.all("input", name="remember")
    assert "checked" in box.attributes


def test_whoever_signs_in_is_known_to_redis_for_an_outage(
    pages: PageClient, town: Town, database: Database, redis: "Redis"
) -> None:
    ask(pages, town, CARD)

    known = KnownDevices(redis).find(town.site_id, factories.DEVICE_MAC)
    assert known is not None
    with database.reading() as db:
        assert known.terms.grant_id == db.scalars(select(Grant.id)).one()


# ---- the page of the visit ----


def test_a_page_without_the_offer_says_nothing_of_it(
    pages: PageClient, visit: Callable[..., str], database: Database
) -> None:
    address = visit()
    with database.transaction() as db:
        db.scalars(select(Offer).where(Offer.remember_for.is_not(None))).one().remember_for = None

    assert "mémorisés" not in pages.get(address).text


def test_a_device_can_be_remembered_later(pages: PageClient, visit: Callable[..., str], database: Database) -> None:
    address = visit()

    page = pages.follow(pages.submit(pages.get(address).form(f"{address}/remember")))

    assert remembered(database) == ["020000000001"]
    assert "Android · cet appareil" in page.text
    assert "du 10 mars 2026 au 9 avr. 2026" in page.text.replace("\xa0", " ")


def test_not_when_the_visit_is_over(
    pages: PageClient, visit: Callable[..., str], clock: Clock, database: Database
) -> None:
    address = visit()
    clock.now += timedelta(hours=3)

    assert pages.post(f"{address}/remember").status == 303
    assert remembered(database) == []


def test_one_is_forgotten(pages: PageClient, visit: Callable[..., str], database: Database) -> None:
    address = visit(1, remember=True)
    visit(2, remember=True)
    (other,) = [each for each in _buttons(pages.get(address)) if each != _own(database)]

    page = pages.follow(pages.post(f"{address}/forget", {"device": other}))

    assert remembered(database) == ["020000000001"]
    assert len(_buttons(page)) == 1


def test_all_are_forgotten(pages: PageClient, visit: Callable[..., str], database: Database) -> None:
    address = visit(1, remember=True)
    visit(2, remember=True)

    page = pages.follow(pages.submit(pages.get(address).form(f"{address}/forget", all="1")))

    assert remembered(database) == []
    assert "cet appareil" in page.text  # it can be remembered again


@pytest.mark.parametrize("device", ["", "x", "0", "999999999999999999999"])
def test_rubbish_forgets_nothing(pages: PageClient, visit: Callable[..., str], database: Database, device: str) -> None:
    address = visit(1, remember=True)

    assert pages.post(f"{address}/forget", {"device": device}).status == 303
    assert remembered(database) == ["020000000001"]


def test_a_person_sees_and_forgets_only_their_own(
    pages: PageClient, visit: Callable[..., str], database: Database, remembering: Town
) -> None:
    with database.transaction() as db:
        offer = db.get_one(Offer, remembering.card_offer_id)
        other = factories.make_patron(db, organisation=offer.organisation).card_number
    theirs = visit(1, remember=True, card=other)
    mine = visit(2)

    assert _buttons(pages.get(mine)) == []
    pages.post(f"{mine}/forget", {"device": _own(database)})
    pages.post(f"{mine}/forget", {"all": "1"})

    assert remembered(database) == ["020000000001"]
    assert len(_buttons(pages.get(theirs))) == 1


def test_the_most_is_said_with_the_list_to_choose_from(
    pages: PageClient, visit: Callable[..., str], database: Database
) -> None:
    for number in range(2, MOST_REMEMBERED + 2):
        visit(number, remember=True)
    address = visit(1)

    page = pages.get(address)

    assert f"{MOST_REMEMBERED} appareils sont mémorisés" in page.text
    assert len(_buttons(page)) == MOST_REMEMBERED
    pages.post(f"{address}/remember")
    assert "020000000001" not in remembered(database)


def test_a_forged_address_is_not_found(pages: PageClient, remembering: Town) -> None:
    assert pages.post("/online/forged/remember").status == 404
    assert pages.post("/online/forged/forget", {"all": "1"}).status == 404


def test_a_refusal_of_a_device_has_its_page(pages: PageClient) -> None:
    assert pages.get(f"/refused/{RefusalReason.DEVICE_NOT_REMEMBERED}").status == 403


def _buttons(page: Page) -> list[str]:
    return [each["value"] for each in page.root.all("button", name="device")]


def _own(database: Database) -> str:
    with database.reading() as db:
        return str(db.scalars(select(RememberedDevice.id).order_by(RememberedDevice.device_mac)).first())


# ---- another address of the same device ----

OTHER_MAC = "0a00000000aa"


def cookie_of(page: Page) -> str:
    return page.headers.get("Set-Cookie", "").partition(";")[0]


def test_remembering_gives_the_browser_one_cookie_that_scripts_cannot_read(
    pages: PageClient, remembering: Town
) -> None:
    answer = ask(pages, remembering, CARD, remember="1")

    (cookie,) = answer.headers.getlist("Set-Cookie")
    assert cookie.startswith("parvis_return=")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert f"Max-Age={30 * 86400}" in cookie


def test_a_device_whose_address_has_changed_comes_back_with_one_tap(
    pages: PageClient, remembering: Town, database: Database, clock: Clock
) -> None:
    ask(pages, remembering, CARD, remember="1")
    clock.now += timedelta(days=1)

    page = pages.get(redirect_of(remembering, mac=OTHER_MAC))
    assert "Cet appareil est mémorisé" in page.text
    token = page.root.all("input", name="arrival")[0]["value"]
    answer = pages.post("/return", data={"arrival": token})

    assert answer.status == 303
    assert answer.headers["Location"].startswith("http://10.1.0.1:3990/")
    assert remembered(database) == [OTHER_MAC]
    with database.reading() as db:
        grant = db.scalars(select(Grant).where(Grant.device_mac == OTHER_MAC)).one()
        assert grant.patron is not None
        assert grant.by_mac


def test_without_the_cookie_another_address_is_another_device(
    app: Flask, pages: PageClient, remembering: Town, database: Database
) -> None:
    ask(pages, remembering, CARD, remember="1")
    stranger = PageClient(app.test_client())

    page = stranger.get(redirect_of(remembering, mac=OTHER_MAC))
    assert "Cet appareil est mémorisé" not in page.text
    token = page.root.all("input", name="arrival")[0]["value"]

    assert stranger.post("/return", data={"arrival": token}).status == 403
    assert remembered(database) == [factories.DEVICE_MAC]


@pytest.mark.parametrize("forged", ["", "x", "AAAA", "A" * 48, "é", "A" * 4000])
def test_a_cookie_that_we_did_not_make_is_taken_away(app: Flask, remembering: Town, forged: str) -> None:
    browser = app.test_client()
    browser.set_cookie("parvis_return", forged)

    page = PageClient(browser).get(redirect_of(remembering))

    assert "Cet appareil est mémorisé" not in page.text
    assert "parvis_return=;" in page.headers["Set-Cookie"]


def test_a_device_that_was_forgotten_is_forgotten_under_every_address(
    pages: PageClient, remembering: Town, database: Database
) -> None:
    ask(pages, remembering, CARD, remember="1")
    with database.transaction() as db:
        db.delete(db.scalars(select(RememberedDevice)).one())

    page = pages.get(redirect_of(remembering, mac=OTHER_MAC))

    assert "Cet appareil est mémorisé" not in page.text
    assert "parvis_return=;" in page.headers["Set-Cookie"]


def test_elsewhere_the_cookie_is_kept_and_opens_nothing(
    pages: PageClient, remembering: Town, database: Database
) -> None:
    ask(pages, remembering, CARD, remember="1")
    with database.transaction() as db:
        square = factories.make_nas(db, site=factories.make_site(db))

    page = pages.get(redirect_of(square, mac=OTHER_MAC))

    assert "Cet appareil est mémorisé" not in page.text
    assert "Set-Cookie" not in page.headers


def test_a_card_that_was_blocked_since_does_not_come_back(
    pages: PageClient, remembering: Town, database: Database
) -> None:
    ask(pages, remembering, CARD, remember="1")
    with database.transaction() as db:
        db.scalars(select(Patron)).one().blocked = True
    page = pages.get(redirect_of(remembering, mac=OTHER_MAC))

    answer = pages.post("/return", data={"arrival": page.root.all("input", name="arrival")[0]["value"]})

    assert answer.status == 403
    assert "ne peut pas être utilisée" in answer.text


def test_a_device_in_other_hands_is_not_led_back_to_by_an_older_cookie(
    app: Flask, pages: PageClient, remembering: Town, database: Database, clock: Clock, redis: "Redis"
) -> None:
    with database.transaction() as db:
        organisation = db.get_one(Nas, remembering.nas_id).organisation
        another = factories.make_patron(db, organisation=organisation).card_number
    ask(pages, remembering, CARD, remember="1")
    clock.now += timedelta(days=1)
    assert "Cet appareil est mémorisé" in pages.get(redirect_of(remembering, mac=OTHER_MAC)).text

    redis.flushdb()  # the first login, which is not waiting any more
    sibling = PageClient(app.test_client())
    assert ask(sibling, remembering, Asking(CARD.way, card_number=another), remember="1").status == 303

    assert "Cet appareil est mémorisé" not in pages.get(redirect_of(remembering, mac=OTHER_MAC)).text
