"""Something knocks that nobody has announced: two clicks, its secret, and it is answered."""

import re
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest
from playwright.sync_api import expect

from tests.journeys.town import Town
from tests.journeys.visitor import Desk, expect_accessible, expect_no_sideways_scroll
from tests.radius.conftest import eventually
from tests.radius.packets import accounting, is_authentic_reply, status

NOTED_MILLISECONDS = 15_000
"""The RADIUS process writes down every ten seconds what it has learned."""
IDENTIFIER = "halle-7"


@pytest.fixture
def stranger(town: Town) -> Iterator[socket.socket]:
    """At an address that is no gateway's."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind(("127.0.0.7", 0))
        opened.connect(("127.0.0.1", int(town.environment["PARVIS_RADIUS_ACCT_PORT"])))
        opened.settimeout(0.5)
        yield opened


def ask(stranger: socket.socket, secret: bytes) -> bool:
    """Is it answered, by somebody who has the secret?"""
    request = accounting(status(1, session=b"stranger", more=[(32, IDENTIFIER.encode())]), secret=secret)
    with suppress(TimeoutError):
        stranger.send(request)
        return is_authentic_reply(stranger.recv(4096), request, secret)
    return False


def test_an_unknown_access_point_is_taken_in_and_answered(stranger: socket.socket, desk: Desk) -> None:
    assert not ask(stranger, b"nobody knows yet")
    desk.open("/unknown-access-points")
    card = desk.page.locator("section").filter(has_text="127.0.0.7")
    give_up = NOTED_MILLISECONDS
    while card.count() == 0 and give_up > 0:
        desk.page.wait_for_timeout(500)
        desk.page.reload()
        give_up -= 500
    expect(card).to_contain_text(IDENTIFIER)
    expect_accessible(desk.page)

    card.get_by_role("link", name="Ajouter cette passerelle").click()
    desk.page.get_by_role("button", name="Ajouter la passerelle").click()

    secret = re.search(r'HS_RADSECRET="([A-Za-z0-9]{32})"', desk.page.locator("main").inner_text())
    assert secret is not None
    assert eventually(lambda: ask(stranger, secret[1].encode()), patience=5)
    desk.open("/unknown-access-points")
    expect(card).to_have_count(0)
    expect_no_sideways_scroll(desk.page)
