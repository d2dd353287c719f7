"""A library's system is stopped while readers sign in by the dozen: nobody hangs, and who was known gets in."""

import json
import socket
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import count
from pathlib import Path

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import func, select

import simulator.library
from hotspot.db import Database
from hotspot.models import Grant, LibrarySystem, Offer, Site
from hotspot.settings import Settings
from portal import create_app
from tests import factories
from tests.fixtures.processes import running
from tests.page_client import PageClient
from tests.portal.conftest import Clock, Town
from tests.portal.test_sign_in import Asking, Way, ask
from tests.radius.conftest import eventually

THREADS = 6
PIN = "1234"
KNOWN = [f"3100{number:04}" for number in range(THREADS)]
NEW = [f"3200{number:04}" for number in range(400)]


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Visitors:
    """Each thread signs in with one card and one device after the other."""

    def __init__(self, app: Flask, town: Town) -> None:
        self._app, self._town = app, town
        self._numbers = count(1)
        self.answers: list[tuple[str, int]] = []
        """Whose card, and the status."""

    def sign_in(self, card: str) -> int:
        device_mac = f"02{next(self._numbers):010x}"
        asking = Asking(Way.LIBRARY_CARD, card_number=card, pin=PIN, device_mac=device_mac)
        status = ask(PageClient(self._app.test_client()), self._town, asking).status
        self.answers.append((card, status))
        return status

    @contextmanager
    def coming_and_going(self) -> Iterator[None]:
        over, strangers = threading.Event(), iter(NEW)

        def live(known: str) -> None:
            while not over.is_set():
                self.sign_in(known)
                stranger = next(strangers, None)
                if stranger is not None:
                    self.sign_in(stranger)

        threads = [threading.Thread(target=live, args=(card,)) for card in KNOWN]
        for each in threads:
            each.start()
        try:
            yield
        finally:
            over.set()
            for each in threads:
                each.join(60)

    def came_since(self, before: int, cards: list[str]) -> Counter[int]:
        return Counter(status for card, status in self.answers[before:] if card in cards)


def test_a_library_that_stops_under_load_holds_nobody_up(
    settings: Settings, database: Database, redis: "Redis", clock: Clock, town: Town, port: int, tmp_path: Path
) -> None:
    account = {"host": "127.0.0.1", "port": port, "user": "parvis", "password": "hush", "institution": "VDL"}
    readers = [{"card": card, "pin": PIN} for card in KNOWN + NEW]
    file = tmp_path / "library.json"
    file.write_text(
        json.dumps({key: account[key] for key in ("user", "password", "institution")} | {"readers": readers})
    )
    with database.transaction() as db:
        organisation = db.get_one(Site, town.site_id).organisation
        system = factories.make_library_system(
            db, organisation=organisation, settings_sealed=factories.VAULT.seal(json.dumps(account))
        )
        offer = db.get_one(Offer, town.card_offer_id)
        offer.library_system_id, offer.devices_at_once = system.id, 1000
    app = create_app(settings, database=database, redis=redis, clock=clock)
    visitors = Visitors(app, town)

    def library() -> AbstractContextManager[object]:
        command = [sys.executable, simulator.library.__file__, str(file), "--port", str(port)]
        return running(command, ready=lambda: _accepts(port), log=tmp_path / "library.log")

    with ExitStack() as outage:
        with library():
            assert {visitors.sign_in(card) for card in KNOWN} == {303}
            outage.enter_context(visitors.coming_and_going())
            assert eventually(lambda: len(visitors.answers) > 60, patience=60)
            assert {status for _, status in list(visitors.answers)} == {303}
        stopped = len(visitors.answers)
        assert eventually(lambda: len(visitors.answers) > stopped + 100, patience=60)
    assert visitors.came_since(0, KNOWN).keys() == {303}, "whoever was known got in all the while"
    strangers = visitors.came_since(stopped, NEW)
    assert strangers.keys() <= {303, 503}
    assert strangers[303] <= THREADS, "those whose answer was on its way"
    assert strangers[503] > THREADS
    with database.reading() as db:
        assert db.get_one(LibrarySystem, system.id).away_since == clock.now
        assert db.scalar(select(func.count(Grant.id)).where(Grant.unconfirmed)) > 0

    with library():
        stranger = iter(NEW[200:])
        assert eventually(lambda: visitors.sign_in(next(stranger)) == 303, patience=30)
    with database.reading() as db:
        assert db.get_one(LibrarySystem, system.id).away_since is None


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
