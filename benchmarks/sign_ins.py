"""Sign-ins at the portal, by each way: how many per second, beside one tap, over PostgreSQL and Redis.

A sign-in is one POST by a device that has never been here: form, limits, the check of what was typed, a grant in the
database, a one-time login in Redis, and the redirect back to the access point.
"""

import http.client
import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count, cycle
from pathlib import Path
from socket import SOCK_STREAM
from urllib.parse import urlencode

from sqlalchemy import insert

import migrations
from benchmarks.servers import free_port, postgresql, python, redis_server
from hotspot.db import Database, open_database
from hotspot.models import Voucher
from hotspot.passwords import hash_password
from hotspot.policy.voucher_codes import make_code, print_code
from hotspot.settings import load_settings
from hotspot.values import MacAddress, Way
from portal.arrival import Arrival
from tests import factories

ONE_TAP, VOUCHER = "one tap", "voucher"
CARD_OF_FILE, CARD_BY_SIP2 = "library card, of a file", "library card, asked over SIP2"
CARD_AWAY = "library card, its system away"
WAYS = (ONE_TAP, VOUCHER, CARD_OF_FILE, CARD_BY_SIP2, CARD_AWAY)
_CLIENTS = 8
_VOUCHERS = 20_000
_CARDS, _PIN = [f"2026{number:04}" for number in range(1, 25)], "1234"
"""More than there are clients: only so many attempts at a time are made with one card."""


@dataclass
class SignInResults:
    rates: dict[str, list[float]] = field(default_factory=lambda: {way: [] for way in WAYS})


Fields = Callable[[], dict[str, object]]
"""What the form of one sign-in holds."""


def run(folder: Path, *, rounds: int, seconds: float, say: Callable[[str], None]) -> SignInResults:
    say("Sign-ins: starting PostgreSQL, Redis, a library and the portal")
    results = SignInResults()
    with ExitStack() as stack:
        server = stack.enter_context(postgresql(folder / "postgresql-sign-ins"))
        redis_url, _ = stack.enter_context(redis_server(folder / "redis-sign-ins"))
        port, library_port = free_port(SOCK_STREAM), free_port(SOCK_STREAM)
        environ = {
            "PARVIS_SECRET_KEY": factories.SECRET_KEY,
            "PARVIS_DATABASE_URL": server.create("parvis"),
            "PARVIS_REDIS_URL": redis_url,
            "PARVIS_VAR_DIR": str(folder),
            "PARVIS_PORTAL_PORT": str(port),
            "PARVIS_PORTAL_URL": f"http://127.0.0.1:{port}",
        }
        town = _Town(environ, library_port)
        file = folder / "library.json"
        readers = [{"card": card, "pin": _PIN, "category": "ADULTE"} for card in _CARDS]
        file.write_text(json.dumps({"user": "bench", "password": "hush", "readers": readers}))
        with python("simulator.library", str(file), "--port", str(library_port), log=folder / "library.log",
                    port=library_port):  # fmt: skip
            stack.enter_context(
                python("parvis", "serve", "--only", "portal", log=folder / "sign-ins.log", port=port, environ=environ)
            )
            _sign_in_times(port, town, CARD_BY_SIP2, len(_CARDS))  # the library is to have confirmed every one of them
            for number in range(rounds):
                for way in WAYS[:-1]:
                    results.rates[way].append(_load(port, town, way, seconds))
                say(f"round {number + 1} of {rounds}, sign-ins: " + _told(results))
        for _ in range(rounds):  # the library is gone
            results.rates[CARD_AWAY].append(_load(port, town, CARD_AWAY, seconds))
        town.database.dispose()
    return results


def _told(results: SignInResults) -> str:
    return ", ".join(f"{way} {rates[-1]:,.0f}/s" for way, rates in results.rates.items() if rates)


class _Town:
    """A library with every way in, without a limit on devices."""

    def __init__(self, environ: dict[str, str], library_port: int) -> None:
        settings = load_settings(environ)
        migrations.upgrade(settings.database_address)
        self.database: Database = open_database(settings)
        self._numbers = count(1)
        with self.database.transaction() as db:
            site = factories.make_site(db)
            self.nas_id, self.site_id = factories.make_nas(db, site=site).id, site.id
            account = {"host": "127.0.0.1", "port": library_port, "user": "bench", "password": "hush", "connections": 8}
            system = factories.make_library_system(
                db, organisation=site.organisation, settings_sealed=factories.VAULT.seal(json.dumps(account))
            )
            many = {"site": site, "devices_at_once": 10**6, "visit_time": None}
            tap = factories.make_offer(db, way=Way.ONE_TAP, **many).id
            code_offer = factories.make_offer(db, way=Way.VOUCHER, **many)
            of_file = factories.make_offer(db, way=Way.LIBRARY_CARD, **many).id
            by_sip2 = factories.make_offer(db, way=Way.LIBRARY_CARD, library_system_id=system.id, **many).id
            pin_hash = hash_password(_PIN)
            for card in _CARDS:
                factories.make_patron(db, organisation=site.organisation, card_number=card, pin_hash=pin_hash)
            batch = factories.make_voucher_batch(db, offer=code_offer, expires_at=datetime(2100, 1, 1, tzinfo=UTC))
            made = [make_code(random.Random(number).choice) for number in range(_VOUCHERS)]
            vault = factories.VAULT
            db.execute(
                insert(Voucher),
                [
                    {"batch_id": batch.id, "code_digest": vault.digest(each), "code_sealed": vault.seal(each)}
                    for each in made
                ],
            )
            codes: Iterator[str] = map(print_code, made)
            codes_offer = code_offer.id
        cards = cycle(_CARDS)
        self.forms: dict[str, Fields] = {
            ONE_TAP: lambda: {"offer": tap},
            VOUCHER: lambda: {"offer": codes_offer, "voucher_code": next(codes)},
            CARD_OF_FILE: lambda: {"offer": of_file, "card_number": next(cards), "pin": _PIN},
            CARD_BY_SIP2: lambda: {"offer": by_sip2, "card_number": next(cards), "pin": _PIN},
            CARD_AWAY: lambda: {"offer": by_sip2, "card_number": next(cards), "pin": _PIN},
        }

    def body(self, way: str) -> str:
        """Of a device that has never been here."""
        device_mac = MacAddress(f"02{next(self._numbers):010x}")
        login, challenge = "http://10.1.0.1:3990/logon", "0123456789abcdef0123456789abcdef"
        now = datetime.now(UTC)
        arrival = Arrival(self.nas_id, "coovachilli", self.site_id, device_mac, login, challenge, "", now)
        return urlencode({"arrival": arrival.to_token(factories.VAULT), "accept_terms": 0, **self.forms[way]()})


def _sign_in_times(port: int, town: _Town, way: str, times: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for _ in range(times):
        _sign_in(connection, town, way)
    connection.close()


def _sign_in(connection: http.client.HTTPConnection, town: _Town, way: str) -> None:
    connection.request("POST", "/sign-in", town.body(way), {"Content-Type": "application/x-www-form-urlencoded"})
    answer = connection.getresponse()
    answer.read()
    if answer.status != 303:
        raise RuntimeError(f"{way}: {answer.status}")


def _load(port: int, town: _Town, way: str, seconds: float) -> float:
    done, until = [0] * _CLIENTS, time.perf_counter() + seconds

    def sign_in(at: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while time.perf_counter() < until:
            _sign_in(connection, town, way)
            done[at] += 1
        connection.close()

    began = time.perf_counter()
    threads = [threading.Thread(target=sign_in, args=(at,)) for at in range(_CLIENTS)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return sum(done) / (time.perf_counter() - began)
