"""Sources that are no NAS: what is noted of them, and that a flood costs little."""

from datetime import UTC, datetime, timedelta

import pytest

from radius.messages import Door
from radius.strangers import LOOKS_PER_SECOND, Strangers
from tests.radius.packets import accounting, signed, status, vendor

NOW = datetime(2026, 3, 10, 9, 20, tzinfo=UTC)
REQUEST = signed(
    1, [(32, b"library-7"), (30, b"02-AA-00-00-00-01:Town"), vendor(14122, 1, b"x"), vendor(14988, 1, b"y")]
)


def test_what_it_claims_is_noted() -> None:
    strangers = Strangers()
    strangers.note("192.0.2.9", Door.AUTHENTICATION, REQUEST, NOW)

    knock = strangers.take()["192.0.2.9"]

    assert (knock.nas_identifier, knock.called_station_id) == ("library-7", "02-AA-00-00-00-01:Town")
    assert (knock.vendor, knock.code, knock.door, knock.packets) == ("mikrotik", 1, "authentication", 1)
    assert strangers.take() == {}


@pytest.mark.parametrize("rubbish", [b"", b"\x01", b"\x01\x01\x00\x16" + bytes(16) + b"\x20\x09"])
def test_rubbish_is_noted_as_such(rubbish: bytes) -> None:
    strangers = Strangers()
    strangers.note("192.0.2.9", Door.ACCOUNTING, rubbish, NOW)

    assert strangers.take()["192.0.2.9"].code is None


def test_it_is_looked_into_once_and_counted_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[bytes] = []
    monkeypatch.setattr("radius.strangers._look", lambda knock, datagram: looks.append(datagram))
    strangers = Strangers()
    for _ in range(10_000):
        strangers.note("192.0.2.9", Door.ACCOUNTING, b"rubbish", NOW)
    for at in range(100):
        strangers.note(f"198.51.100.{at}", Door.ACCOUNTING, b"rubbish", NOW)

    assert len(looks) == LOOKS_PER_SECOND
    strangers.note("203.0.113.1", Door.ACCOUNTING, accounting(status(1)), NOW + timedelta(seconds=1))
    assert len(looks) == LOOKS_PER_SECOND + 1
    assert strangers.take()["192.0.2.9"].packets == 10_000
