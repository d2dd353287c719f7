"""A town whose library has a SIP2 server, for the tests of the pages about library systems."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from simulator.library import LibraryServer
from tests.hotspot_admin.conftest import Browser
from tests.page_client import Page

HUSH = "hush-hush"
CARD, PIN = "20261001", "4711"
YOUNG, EXPIRED = "20261002", "20261003"
NEW = {
    "name": "Catalogue",
    "connection-host": "127.0.0.1",
    "connection-user": "parvis",
    "connection-password": HUSH,
    "connection-institution": "VDL",
}


def write_readers(path: Path) -> Path:
    readers = [
        {"card": CARD, "pin": PIN, "category": "ADULTE", "home_library": "CENTRE", "born_on": "1990-01-31"},
        {"card": YOUNG, "pin": PIN, "category": "JEUNE", "born_on": "2015-01-31", "owes": "12.50"},
        {"card": EXPIRED, "pin": PIN, "expires_on": "2026-03-03"},
    ]
    library = {"institution": "VDL", "user": "parvis", "password": HUSH, "readers": readers}
    path.write_text(json.dumps(library), encoding="utf-8")
    return path


@contextmanager
def a_library(path: Path) -> Iterator[int]:
    """The simulator's, as the port that it listens on."""
    with LibraryServer(path, port=0) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


def add(browser: Browser, **typed: Any) -> Page:
    """One by SIP2."""
    path = "/library-systems/new/sip2"
    return browser.submit(browser.get(path).form(path), **{**NEW, **typed})


def try_out(browser: Browser, system_id: int, card: str = "", pin: str = "") -> Page:
    """Test its connection."""
    path = f"/library-systems/{system_id}"
    return browser.submit(browser.get(path).form(f"{path}/test"), card=card, pin=pin)


def errors_of(page: Page) -> list[str]:
    return [each.text for each in page.root.all("p", class_="error")]
