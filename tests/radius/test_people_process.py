"""People and a real `python -m radius`: while PostgreSQL hangs, and when it is told to stop meanwhile; and what
MS-CHAPv2 wants to read in an Accept, whichever process gives it."""

import os
import signal
import socket
import statistics
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import select

from hotspot.adapters.one_time_login import OneTimeLogin
from hotspot.db import Base, Database, open_database
from hotspot.models import Grant, Nas
from hotspot.policy.voucher_codes import print_code
from hotspot.settings import Settings
from hotspot.values import Way
from radius.mschap import authenticator_response, challenge_digest, challenge_response, password_hash
from tests import factories
from tests.fixtures.postgresql import PostgreSql
from tests.radius.conftest import RadiusProcess, eventually, given_login, process_for, started
from tests.radius.packets import Attributes, attributes_of, hidden_password, integer, is_authentic_reply, signed, vendor

ACCEPT = 2
PHONE = "02-00-00-00-00-01"
AT_ONCE = 0.25
"""Seconds, on a machine that runs other tests beside this one."""


class AccessPoint:
    """Asks for many devices through one socket, and knows each request by its identifier."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(("127.0.0.1", port))
        self._identifier = 0

    def __enter__(self) -> "AccessPoint":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, *attributes: tuple[int, bytes], password: str = "") -> int:
        """The identifier of its answer."""
        self._identifier = (self._identifier + 1) % 256
        authenticator = os.urandom(16)
        hidden = (2, hidden_password(password.encode(), authenticator=authenticator))
        request = signed(1, [*attributes, hidden], identifier=self._identifier, authenticator=authenticator)
        self._socket.send(request)
        return self._identifier

    def types(self, name: str, device: int, password: str = "") -> int:
        mac = f"02-00-00-00-01-{device:02X}"
        return self.send((1, name.encode()), (31, mac.encode()), password=password)

    def connects(self, mac: str = PHONE) -> int:
        return self.send((1, mac.encode()), (31, mac.encode()), (6, integer(10)))

    def logs_on(self, login: OneTimeLogin) -> int:
        return self.send((1, login.user_name.encode()), (31, login.device_mac.encode()), password=login.password)

    def hears(self, seconds: float) -> dict[int, int]:
        """Codes by identifier, of what comes until then."""
        heard: dict[int, int] = {}
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                answer = self._socket.recv(4096)
            except TimeoutError:
                break
            heard[answer[1]] = answer[0]
        return heard

    def is_accepted(self, identifier: int, seconds: float) -> bool:
        """What is heard of others meanwhile is not looked at."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                answer = self._socket.recv(4096)
            except TimeoutError:
                return False
            if answer[1] == identifier:
                return answer[0] == ACCEPT
        return False


@dataclass
class Town:
    """A library whose access point has a page of its own, and a phone whose visit there goes on."""

    postgresql: PostgreSql
    process: RadiusProcess
    card: str

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Every table is locked: whoever asks for a row waits, and no error comes."""
        tables = ", ".join(Base.metadata.tables)
        with self.postgresql.connect("parvis") as connection, connection.transaction():
            connection.execute(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE")
            yield

    def discarded(self, reason: str) -> float:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.process.status_port}/metrics") as page:
            lines = page.read().decode().splitlines()
        name = f'parvis_radius_discards_total{{reason="{reason}"}} '
        return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))


@pytest.fixture
def town(
    postgresql: PostgreSql, postgresql_url: str, settings: Settings, redis: "Redis", tmp_path: Path
) -> Iterator[Town]:
    database = open_database(settings.model_copy(update={"database_url": postgresql_url}))
    now = datetime.now(UTC)
    with started(database, settings, tmp_path) as process:
        with database.transaction() as db:
            site = db.get_one(Nas, process.nas_id).site
            factories.make_offer(db, site=site, way=Way.LIBRARY_CARD, devices_at_once=200)
            codes = factories.make_offer(db, site=site, way=Way.VOUCHER)
            batch = factories.make_voucher_batch(db, offer=codes, created_at=now, expires_at=now + timedelta(days=30))
            code = print_code(factories.VAULT.open(factories.make_voucher(db, batch=batch).code_sealed))
            card = factories.make_patron(db, organisation=site.organisation).card_number
        with AccessPoint(process.auth_port) as access_point:
            assert access_point.is_accepted(access_point.send((1, code.encode()), (31, PHONE.encode())), 5)
        yield Town(postgresql, process, card)
    database.dispose()


def test_a_database_that_hangs_keeps_only_those_waiting_who_need_it(town: Town, settings: Settings) -> None:
    logins = [given_login(town.process, settings) for _ in range(30)]
    took = []
    with AccessPoint(town.process.auth_port) as typed, AccessPoint(town.process.auth_port) as others:
        with town.hanging():
            asked = [typed.types(town.card, device, factories.PIN) for device in range(40)]
            for login in logins:  # the portal's
                began = time.monotonic()
                assert others.is_accepted(others.logs_on(login), 2)
                took.append(time.monotonic() - began)
            known = others.is_accepted(others.connects(), 2)
            began = time.monotonic()
            known_later = others.is_accepted(others.connects(), 2)
            took_known = time.monotonic() - began
            unknown = others.is_accepted(others.connects("02-00-00-00-00-99"), 2)
            answered = typed.hears(2)
            slow = eventually(lambda: town.discarded("back_end_too_slow"))
            away = town.discarded("database_away")

        def is_there_again() -> bool:
            return typed.is_accepted(typed.types(town.card, 0x99, factories.PIN), 1)

        assert eventually(is_there_again, patience=12), town.process.log.read_text()
        assert others.is_accepted(others.connects(), 2)
    assert answered == {}
    assert slow + away >= len(asked)
    assert 0 < slow < len(asked)
    assert max(took) < AT_ONCE
    assert statistics.median(took) < 0.02
    assert known
    assert known_later
    assert took_known < AT_ONCE
    assert not unknown
    with town.process.database.reading() as db:
        assert len(db.scalars(select(Grant.id).where(Grant.device_mac == "020000000199")).all()) == 1


def test_it_stops_within_seconds_while_everybody_waits_for_the_database(town: Town) -> None:
    popen = town.process.popen
    assert popen is not None
    with AccessPoint(town.process.auth_port) as access_point, town.hanging():
        for device in range(40):
            access_point.types(town.card, device, factories.PIN)
        access_point.hears(0.5)

        popen.send_signal(signal.SIGTERM)

        assert popen.wait(timeout=10) == 0
    assert "Traceback" not in town.process.log.read_text()


# ---- MS-CHAPv2 ----


@dataclass(frozen=True)
class MsChap:
    """A device's response, and what it has to read in the Accept (RFC 2759 section 8.7)."""

    request: bytes
    expected: bytes


def ms_chap(login: OneTimeLogin, password: str, identifier: int = 7) -> MsChap:
    challenge, peer_challenge = os.urandom(16), os.urandom(16)
    digest, hashed = challenge_digest(peer_challenge, challenge, login.user_name.encode()), password_hash(password)
    response = challenge_response(digest, hashed)
    attributes: Attributes = [
        (1, login.user_name.encode()),
        (31, login.device_mac.encode()),
        vendor(311, 11, challenge),
        vendor(311, 25, b"\x2a\0" + peer_challenge + bytes(8) + response),
    ]
    expected = b"\x2a" + authenticator_response(hashed, response, digest).encode()
    return MsChap(signed(1, attributes, identifier=identifier, authenticator=os.urandom(16)), expected)


def microsoft(answer: bytes, number: int) -> list[bytes]:
    """MS-CHAP2-Success is 26, MS-CHAP-Error 2 (RFC 2548 sections 2.3.3 and 2.1.5)."""
    inner = [value[4:] for kind, value in attributes_of(answer) if kind == 26 and value[:4] == integer(311)]
    return [each[2:] for each in inner if each[0] == number]


def asked(port: int, request: bytes, client: socket.socket) -> bytes:
    client.sendto(request, ("127.0.0.1", port))
    answer = client.recv(4096)
    assert is_authentic_reply(answer, request)
    return answer


@pytest.fixture
def client() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.settimeout(3)
        yield opened


def test_each_process_proves_itself_to_a_login_by_ms_chap_v2_that_is_used_once(
    radius_process: RadiusProcess,
    database: Database,
    settings: Settings,
    tmp_path: Path,
    login: OneTimeLogin,
    client: socket.socket,
) -> None:
    """The first Accept is lost; the request comes again, to another process. Then somebody else tries."""
    folder = tmp_path / "second"
    folder.mkdir()
    first = ms_chap(login, login.password)
    stolen = ms_chap(login, login.password, identifier=8)
    with process_for(database, settings, folder, radius_process.nas_id) as other:
        answers = [asked(process.auth_port, first.request, client) for process in (radius_process, other)]
        late = asked(other.auth_port, stolen.request, client)

    assert [answer[0] for answer in answers] == [2, 2]
    assert [microsoft(answer, 26) for answer in answers] == [[first.expected], [first.expected]]
    assert late[0] == 3
    assert microsoft(late, 26) == []


def test_a_wrong_password_by_ms_chap_v2_is_told_so_and_proves_nothing(
    radius_process: RadiusProcess, login: OneTimeLogin, client: socket.socket
) -> None:
    answer = asked(radius_process.auth_port, ms_chap(login, "wrong").request, client)

    assert answer[0] == 3
    assert microsoft(answer, 2)[0].startswith(b"\x2aE=691 R=0 C=")
    assert microsoft(answer, 26) == []
