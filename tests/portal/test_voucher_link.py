"""The page behind a printed voucher's second QR code."""

import pytest
from sqlalchemy import event

from hotspot.db import Database
from hotspot.policy.voucher_codes import print_code
from tests.page_client import PageClient
from tests.portal.conftest import ENGLISH, Town


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
