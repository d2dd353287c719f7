"""Devices behind an access point that never rest, and a memory of every packet that was answered.

Each device signs in, begins a Wi-Fi session, reports, stops, and begins again. What stays unanswered is sent again,
unchanged, until it is answered: as a patient access point would.
"""

import hashlib
import os
import selectors
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import func, select

from hotspot.adapters.one_time_login import OneTimeLogin, OneTimeLogins, make_one_time_login
from hotspot.db import Database
from hotspot.errors import Unavailable
from hotspot.models import Admission, WifiSession, WifiSessionCounter
from hotspot.policy.admission import GrantTerms
from hotspot.policy.allowances import Usage
from hotspot.values import TerminateCause
from tests.radius.packets import Attributes, accounting, hidden_password, integer, is_authentic_reply, signed

START, STOP, INTERIM = 1, 2, 3
LOGIN = 0
_AGAIN = 0.5
"""Seconds after which what has no answer is sent again."""
_STEPS = (LOGIN, START, INTERIM, INTERIM, STOP)


@dataclass
class Device:
    number: int
    port: socket.socket
    mac: str
    visit: int = 0
    step: int = 0
    request: bytes = b""
    sent_at: float = 0.0
    login: OneTimeLogin | None = None

    @property
    def session(self) -> str:
        return f"{self.number}-{self.visit}"


@dataclass
class Fleet:
    """One NAS; `logins` are stored as the portal would."""

    nas_id: int
    grant: GrantTerms
    auth_port: int
    acct_port: int
    redis: "Redis"
    size: int = 32
    answered: dict[str, tuple[int, int]] = field(default_factory=dict)
    """By session: the last step that was answered, and the octets that it reported."""
    sent: dict[str, int] = field(default_factory=dict)
    """By session: the most octets that were ever reported."""
    admitted: set[str] = field(default_factory=set)
    """Devices (each signs in once per visit, with an address of its own) whose Accept has come."""
    refused: int = 0
    longest_silence: dict[str, float] = field(default_factory=lambda: {"login": 0.0, "accounting": 0.0})
    """Seconds without any answer, by what was asked."""

    def __post_init__(self) -> None:
        self._logins = OneTimeLogins(self.redis, timedelta(minutes=10))
        self._selector = selectors.DefaultSelector()
        self._devices = [self._device(number) for number in range(self.size)]
        self._heard = {"login": time.monotonic(), "accounting": time.monotonic()}

    def close(self) -> None:
        self._selector.close()
        for device in self._devices:
            device.port.close()

    def live(self, until: Callable[[], bool], patience: float = 90.0) -> None:
        """Go on until then; each turn a few milliseconds."""
        give_up = time.monotonic() + patience
        while not until():
            assert time.monotonic() < give_up, "the fleet waited in vain"
            self._turn()

    def live_for(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        self.live(lambda: time.monotonic() > end, patience=seconds + 10)

    def finish(self) -> None:
        """Until every device has an answer to what it has asked."""
        before = {device.number: (device.visit, device.step) for device in self._devices}
        self.live(lambda: all((each.visit, each.step) != before[each.number] for each in self._devices))

    def _device(self, number: int) -> Device:
        port = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        port.setblocking(False)
        port.bind(("127.0.0.1", 0))
        device = Device(number, port, "")
        self._selector.register(port, selectors.EVENT_READ, device)
        return device

    def _turn(self) -> None:
        now = time.monotonic()
        for device in self._devices:
            if not device.request:
                self._ask(device)
            if device.request and now - device.sent_at > _AGAIN:
                self._send(device)
        for key, _ in self._selector.select(0.01):
            self._hear(key.data)
        for kind, at in self._heard.items():
            self.longest_silence[kind] = max(self.longest_silence[kind], now - at)

    def _ask(self, device: Device) -> None:
        kind = _STEPS[device.step]
        if kind == LOGIN:
            device.mac = f"02{device.number:04x}{device.visit:06x}"
            device.login = make_one_time_login(self.nas_id, device.mac, self.grant, Usage())
            try:
                self._logins.store(device.login)
            except Unavailable:
                return  # the portal cannot give one: next turn
            device.request = _login_request(device, device.login)
        else:
            device.request = _report(device, kind)
            self.sent[device.session] = max(self.sent.get(device.session, 0), _octets(device, kind))
        self._send(device)

    def _send(self, device: Device) -> None:
        port = self.auth_port if _STEPS[device.step] == LOGIN else self.acct_port
        with suppress(OSError):  # nobody listens there at this moment
            device.port.sendto(device.request, ("127.0.0.1", port))
        device.sent_at = time.monotonic()

    def _hear(self, device: Device) -> None:
        try:
            answer = device.port.recv(4096)
        except OSError:
            return
        if answer[1] != device.request[1] or not is_authentic_reply(answer, device.request):
            return  # the answer to an earlier copy
        kind = _STEPS[device.step]
        self._heard["login" if kind == LOGIN else "accounting"] = time.monotonic()
        if kind == LOGIN:
            if answer[0] != 2:
                self.refused += 1
            else:
                self.admitted.add(device.mac)
        else:
            self.answered[device.session] = (kind, _octets(device, kind))
        device.step = (device.step + 1) % len(_STEPS)
        device.visit += device.step == 0
        device.request = b""


def _login_request(device: Device, login: OneTimeLogin) -> bytes:
    authenticator = os.urandom(16)
    attributes: Attributes = [
        (1, login.user_name.encode()),
        (2, hidden_password(login.password.encode(), authenticator=authenticator)),
        (31, device.mac.encode()),
        (44, device.session.encode()),
    ]
    return signed(1, attributes, identifier=device.visit % 256, authenticator=authenticator)


def _report(device: Device, kind: int) -> bytes:
    assert device.login is not None
    octets = _octets(device, kind)
    attributes = [
        (40, integer(kind)),
        (44, device.session.encode()),
        (1, device.login.user_name.encode()),
        (31, device.mac.encode()),
        (46, integer(device.step - 1)),
        (43, integer(octets)),
    ]
    if kind == STOP:
        attributes.append((49, integer(1)))
    return accounting(attributes, identifier=(device.visit * len(_STEPS) + device.step) % 256)


def _octets(device: Device, kind: int) -> int:
    """Different for every report, so that one that is lost shows."""
    if kind == START:
        return 0
    digest = hashlib.blake2b(device.session.encode(), digest_size=2).digest()
    return device.step * 100_000 + int.from_bytes(digest)


def faults(fleet: Fleet, database: Database) -> Sequence[str]:
    """What the database holds against what was answered: nothing lost, nothing twice, nothing invented."""
    with database.reading() as db:
        rows = {
            row.acct_session_id: row
            for row in db.execute(
                select(
                    WifiSession.acct_session_id,
                    WifiSession.ended_at,
                    WifiSession.terminate_cause,
                    (WifiSessionCounter.upload_octets + WifiSessionCounter.download_octets).label("octets"),
                ).outerjoin(WifiSessionCounter, WifiSessionCounter.id == WifiSession.id)
            )
        }
        number = db.scalar(select(func.count(WifiSession.id)))
        counters = db.scalar(select(func.count(WifiSessionCounter.id)))
        admissions = dict(
            db.execute(
                select(Admission.device_mac, func.count(Admission.id))
                .where(Admission.refusal.is_(None))
                .group_by(Admission.device_mac)
            ).all()
        )
    return [*_faults(fleet, rows, admissions), *_doubles(len(rows), number or 0, counters or 0)]


def _faults(fleet: Fleet, rows: dict[str, object], admissions: dict[str | None, int]) -> Iterator[str]:
    for session, (kind, octets) in fleet.answered.items():
        row: object = rows.get(session)
        if row is None:
            yield f"{session}: answered and lost"
            continue
        kept = row.octets or 0  # type: ignore[attr-defined]
        if not octets <= kept <= fleet.sent[session]:
            yield f"{session}: {octets} octets were answered, {kept} are kept, {fleet.sent[session]} were sent"
        if kind == STOP and row.terminate_cause is not TerminateCause.USER_REQUEST:  # type: ignore[attr-defined]
            yield f"{session}: its Stop was answered, and it is not ended"
    for session in rows.keys() - fleet.sent.keys():
        yield f"{session}: never reported"
    for mac in fleet.admitted:
        if admissions.get(mac) != 1:
            yield f"{mac}: admitted once, written down {admissions.get(mac, 0)} times"


def _doubles(sessions: int, rows: int, counters: int) -> Iterator[str]:
    if sessions != rows or rows != counters:
        yield f"{sessions} sessions have {rows} rows and {counters} counters"


def redis_answers(redis: "Redis") -> bool:
    try:
        return bool(redis.ping())
    except RedisError:
        return False


def terms(grant_id: object) -> GrantTerms:
    return GrantTerms(grant_id=grant_id, ends_at=datetime.now(UTC) + timedelta(hours=2))  # type: ignore[arg-type]
