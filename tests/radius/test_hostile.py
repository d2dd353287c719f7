"""Hostile packets: no octets, from whomever, come to anything but an outcome that has a name. What must hold of each
is in hostile.py."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.services.radius_clients import RadiusClients
from radius.messages import DiscardReason, Door
from radius.protocol import Ask, Discard
from tests.radius.hostile import SOURCES, Target, seeds, shot, signed_anew
from tests.radius.packets import Attributes, accounting, attribute, integer, signed, status

ROOT = Path(__file__).parents[2]
NASES = st.sampled_from(SOURCES[1:])
MEANT = [1, 2, 3, 4, 6, 8, 25, 26, 30, 31, 33, 40, 41, 42, 44, 46, 49, 52, 55, 60, 79, 80]
"""Attributes that somebody reads."""
HAS_ATHERIS = sys.platform == "linux" and platform.machine() == "x86_64" and sys.version_info < (3, 14)
"""As in pyproject.toml. There it must be installed; elsewhere the searches by hypothesis are what there is."""


@pytest.fixture(scope="module")
def target() -> Target:
    """One for all: what came before must not matter."""
    return Target()


@given(data=st.binary(max_size=300))
def test_arbitrary_octets(target: Target, data: bytes) -> None:
    target.take(*shot(data))


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A captured packet, cut short or with some octets changed, put in or left out."""
    data = bytearray(draw(st.sampled_from(seeds())))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 4))] = draw(st.binary(max_size=4))
    return bytes(data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data)


@given(data=mutated())
def test_captured_packets_that_were_tampered_with(target: Target, data: bytes) -> None:
    target.take(*shot(data))


values = st.binary(max_size=253) | st.integers(0, 2**32 - 1).map(integer) | st.just(bytes(16))


@given(
    code=st.sampled_from([1, 4, 12]),
    identifier=st.integers(0, 255),
    attributes=st.lists(st.tuples(st.sampled_from(MEANT) | st.integers(0, 255), values), max_size=16),
    source=NASES,
    door=st.sampled_from(Door),
)
def test_hostile_attributes_from_one_who_knows_the_secret(
    target: Target, code: int, identifier: int, attributes: Attributes, source: tuple[str, int], door: Door
) -> None:
    body = b"".join(attribute(number, value) for number, value in [*attributes, (80, bytes(16))])

    target.take(signed_anew(bytes((code, identifier, 0, 0)) + bytes(16) + body), source, door)


@given(octets=st.binary(min_size=20, max_size=4096), source=NASES)
def test_an_authentic_report_of_anything_is_read_or_discarded(
    target: Target, octets: bytes, source: tuple[str, int]
) -> None:
    target.take(signed_anew(b"\x04" + octets), source, Door.ACCOUNTING)


@pytest.mark.parametrize("value", [bytes(20), bytes(253)], ids=["as they are", "full"])
def test_no_reply_is_longer_than_a_packet_can_be(value: bytes) -> None:
    """It repeats every Proxy-State, and adds attributes of its own."""
    target = Target()
    most, too_many = ([(33, value)] * (size // (len(value) + 2)) for size in (1024, 4000))

    assert isinstance(target.take(signed(1, most, identifier=1), SOURCES[1], Door.AUTHENTICATION), Ask)
    for request, door in ((signed(1, too_many), Door.AUTHENTICATION), (accounting(too_many), Door.ACCOUNTING)):
        assert target.take(request, SOURCES[1], door) == Discard(DiscardReason.PROXY_STATE_TOO_LONG, nas_id=1)


def test_a_hostile_nas_fills_no_memory() -> None:
    """`take` looks at how much is remembered."""
    target = Target()
    for number in range(3000):
        step = target.take(accounting(status(3, more=[(46, integer(number))])), SOURCES[1], Door.ACCOUNTING)
        assert isinstance(step, Ask)


def test_strangers_fill_no_memory() -> None:
    clients = RadiusClients()
    for number in range(50_000):
        clients.find(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")

    assert len(clients._remembered) <= 20_000


@pytest.mark.integration
@pytest.mark.skipif(not HAS_ATHERIS, reason="decided: atheris comes ready made for Linux x86_64, Python 3.11 to 3.13")
def test_a_coverage_guided_search_finds_nothing(tmp_path: Path) -> None:
    """The same 100,000 datagrams each time; `python -m tests.fuzz --minutes 10` looks for new ones."""
    command = [sys.executable, "-m", "tests.fuzz", "--runs", "100000", "--seed", "1", "--corpus", str(tmp_path)]

    # by way of a shell: a child begins with the peak of memory of its parent, which here is that of all tests before
    done = subprocess.run(
        ["sh", "-c", '"$@"; exit $?', "sh", *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-3000:]
    assert "Done 100000 runs" in done.stderr
