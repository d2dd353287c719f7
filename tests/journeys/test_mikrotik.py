"""A second brand, registered by the administrator and set up as its page says."""

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.journeys.town import Town, an_access_point, free_port
from tests.journeys.visitor import Desk, Visitor

ADDRESS = "127.0.0.2"
"""Its RADIUS packets come from here: the pocket of the demonstration has 127.0.0.1."""


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    with ExitStack() as stack:
        return {"port": free_port(stack), "coa_port": free_port(stack, socket.SOCK_DGRAM)}


@pytest.fixture
def access_point(desk: Desk, town: Town, ports: dict[str, int], tmp_path: Path) -> Iterator[str]:
    settings = register(desk, f"localhost:{ports['port']}")
    config = {
        "brand": "mikrotik",
        "portal_url": found(r"url=([^?\"]+)\?", settings),
        "nas_identifier": found(r"identity set name=(\S+)", settings),
        "secret": found(r"secret=(\S+)", settings),
        "auth_port": int(found(r"authentication-port=(\d+)", settings)),
        "acct_port": int(found(r"accounting-port=(\d+)", settings)),
        "radius_host": town.demo["radius"]["host"],
        "source_address": ADDRESS,
        "places": [{"name": "Square", "called_station_id": "hotspot1"}],
        "interim_every": 2,
        **ports,
    }
    with an_access_point(tmp_path, config) as address:
        yield address


def register(desk: Desk, login_host: str) -> str:
    """Fill in the form; what the administrator is then told to type on the router."""
    desk.open("/gateways/new")
    page = desk.page
    page.locator("[name=vendor]").select_option("mikrotik")
    page.locator("[name=name]").fill("Kiosque")
    page.locator("[name=site_id]").select_option(label="Place de la République")
    page.locator("[name=networks]").fill(ADDRESS)
    page.locator("[name=nas_identifier]").fill("kiosque")
    page.locator("[name=login_hosts]").fill(login_host)
    page.locator("form.card button.primary").click()
    expect(page.locator("pre").first).to_be_visible()
    return "\n".join(page.locator("pre").all_inner_texts())


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match, f"{pattern} is not in:\n{text}"
    return match.group(1)


def test_from_the_router_to_the_internet_and_out_again(
    access_point: str, new_visitor: Callable[..., Visitor], desk: Desk
) -> None:
    visitor = new_visitor(access_point)
    visitor.arrive()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Place de la République")
    visitor.sign_in_by_one_tap()
    visitor.see_the_announcement()
    visitor.expect_online()
    online = visitor.page.url
    visitor.expect_pretend_internet()
    desk.expect_download_to_grow(visitor.mac)
    visitor.page.goto(online)
    visitor.page.get_by_role("button", name="Se déconnecter").click()
    expect(visitor.page).to_have_url(re.compile(r"/hotspot\?"))
    visitor.expect_captured()
