"""The page behind a printed voucher's second QR code."""

import pytest
from sqlalchemy import event

from hotspot.db import Database
from hotspot.models import Nas, NasAddress
from hotspot.policy.voucher_codes import print_code
from tests import factories
from tests.page_client import Page, PageClient
from tests.portal.conftest import ENGLISH, Town, redirect_of


def test_it_shows_the_code_and_the_way_to_the_network(pages: PageClient, town: Town) -> None:
    page = pages.get(f"/v/{town.voucher_code}", headers=ENGLISH)

    assert page.status == 200
    assert page.h1 == "Your Wi-Fi code"
    assert print_code(town.voucher_code) in page.text
    assert "Join the public Wi-Fi" in page.text


def test_a_code_as_a_person_types_it_is_the_same(pages: PageClient, town: Town) -> None:
    page = pages.get(f"/v/{print_code(town.voucher_code).lower()}")

    assert print_code(town.voucher_code) in page.text


@pytest.mark.parametrize("text", ["x", "222222222223", "ABCD-EFGH-JKLM-NPRT", "<script>"])
def test_what_cannot_be_a_code_is_not_there(pages: PageClient, text: str) -> None:
    page = pages.get(f"/v/{text}")

    assert page.status == 404
    assert "<script>" not in page.html


def test_a_code_that_was_never_printed_looks_the_same(pages: PageClient, database: Database) -> None:
    """No query about it: neither the answer nor its time tells whether there is such a voucher."""
    asked: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))

    page = pages.get("/v/222222222222")

    assert page.status == 200
    assert not any("voucher" in query for query in asked)


def test_the_address_goes_no_further(pages: PageClient, town: Town) -> None:
    headers = pages.get(f"/v/{town.voucher_code}").headers

    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"


def onward(page: Page) -> str:
    """Where the page leads by itself, and by its button."""
    refresh = page.root.one("meta", **{"http-equiv": "refresh"})["content"]
    assert refresh == f"0;url={page.root.one('a', class_='button')['href']}"
    return str(refresh).removeprefix("0;url=")


def behind(database: Database, town: Town, network: str) -> None:
    """The gateway's packets come from there."""
    with database.transaction() as db:
        nas = db.get_one(Nas, town.nas_id)
        nas.addresses = [NasAddress(network=network)]


def test_a_phone_behind_a_gateway_that_we_know_is_led_to_it(pages: PageClient, database: Database, town: Town) -> None:
    behind(database, town, "192.0.2.0/24")

    page = pages.get(f"/v/{town.voucher_code}", environ_base={"REMOTE_ADDR": "192.0.2.7"})

    assert onward(page) == "http://10.1.0.1:3990/prelogin"


@pytest.mark.parametrize("address", ["198.51.100.7", "2001:db8::7", "unknown"])
def test_a_phone_elsewhere_is_told_what_to_do(pages: PageClient, database: Database, town: Town, address: str) -> None:
    behind(database, town, "192.0.2.0/24")

    page = pages.get(f"/v/{town.voucher_code}", headers=ENGLISH, environ_base={"REMOTE_ADDR": address})

    assert not page.root.all("meta", **{"http-equiv": "refresh"})
    assert "Join the public Wi-Fi" in page.text


def test_the_code_is_filled_in_where_the_phone_arrives(pages: PageClient, town: Town) -> None:
    pages.get(f"/v/{town.voucher_code}")

    page = pages.get(redirect_of(town))

    assert page.root.one("input", id="voucher_code")["value"] == print_code(town.voucher_code)
    assert page.root.all("form")[0].one("input", name="offer")["value"] == str(town.voucher_offer_id)
    assert page.root.one("details", open="")


def test_it_is_one_tap_then_and_the_code_is_forgotten(pages: PageClient, town: Town) -> None:
    pages.get(f"/v/{town.voucher_code}")
    form = pages.get(redirect_of(town)).form("/sign-in", offer=str(town.voucher_offer_id))

    answer = pages.submit(form)

    assert answer.location.startswith("http://10.1.0.1:3990/logon?")
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    again = pages.get(redirect_of(town, mac="02aa00000099"))
    assert not again.root.all("input", name="voucher_code")[0].get("value")


def test_the_code_is_kept_for_ten_minutes_and_for_nobody_else(pages: PageClient, town: Town) -> None:
    cookie = pages.get(f"/v/{town.voucher_code}").headers["Set-Cookie"]

    assert {"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=600"} <= set(cookie.split("; "))


@pytest.mark.parametrize("kept", ["", "x", "222222222223", "<script>", "2" * 5000, "é"])
def test_what_is_no_code_is_not_filled_in(pages: PageClient, town: Town, kept: str) -> None:
    page = pages.get(redirect_of(town), headers={"Cookie": f"voucher={kept}"})

    assert page.status == 200
    assert not page.root.all("input", name="voucher_code")[0].get("value")


def test_who_has_scanned_nothing_gets_the_page_of_everybody(pages: PageClient, town: Town) -> None:
    page = pages.get(redirect_of(town))

    assert not page.root.all("input", name="voucher_code")[0].get("value")
    assert "Set-Cookie" not in page.headers


def test_of_gateways_one_inside_the_other_the_nearer_one_is_meant(
    pages: PageClient, database: Database, town: Town
) -> None:
    behind(database, town, "192.0.2.0/24")
    with database.transaction() as db:
        site = db.get_one(Nas, town.nas_id).site
        near = factories.make_nas(db, site=site, nas_identifier="near", login_hosts="10.9.0.1:3990")
        near.addresses = [NasAddress(network="192.0.2.7/32")]

    page = pages.get(f"/v/{town.voucher_code}", environ_base={"REMOTE_ADDR": "192.0.2.7"})

    assert onward(page) == "http://10.9.0.1:3990/prelogin"
