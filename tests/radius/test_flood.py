"""Ten thousand forged packets a second from one source (flood.py), and honest access points that are served all the
while."""

import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis

from hotspot.db import Database
from hotspot.models import Nas
from radius.messages import DiscardReason
from tests import factories
from tests.radius.conftest import RadiusProcess, eventually
from tests.radius.fleet import Fleet, faults, terms

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
FLOODER = "127.0.0.9"
SECONDS = 5


@contextmanager
def flooding(process: RadiusProcess) -> Iterator[None]:
    ports = (str(process.auth_port), str(process.acct_port))
    command = [sys.executable, "-m", "tests.radius.flood", "--source", FLOODER, *ports]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as flood:
        assert flood.stdout is not None
        try:
            assert flood.stdout.readline() == b"flooding\n"
            yield
        finally:
            flood.kill()


def discards(process: RadiusProcess) -> dict[str, float]:
    """By reason."""
    with urllib.request.urlopen(f"http://127.0.0.1:{process.status_port}/metrics") as page:
        lines = page.read().decode().splitlines()
    counted = [line.split('"') for line in lines if line.startswith("parvis_radius_discards_total{")]
    return {reason: float(number.removeprefix("} ")) for _, reason, number in counted}


@pytest.fixture
def device(radius_process: RadiusProcess, database: Database, redis: "Redis") -> Iterator[Fleet]:
    """One alone, so that the longest silence is the longest that it waited for an answer."""
    with database.transaction() as db:
        nas = db.get_one(Nas, radius_process.nas_id)
        grant_id = factories.make_grant(db, nas=nas, site=nas.site).id
    ports = radius_process.auth_port, radius_process.acct_port
    fleet = Fleet(radius_process.nas_id, terms(grant_id), *ports, redis, size=1)
    yield fleet
    fleet.close()


@pytest.mark.parametrize(
    ("network", "reasons"),
    [
        pytest.param(
            f"{FLOODER}/32",
            {
                DiscardReason.MESSAGE_AUTHENTICATOR_WRONG,
                DiscardReason.REQUEST_AUTHENTICATOR_WRONG,
                DiscardReason.TOO_MANY_ATTRIBUTES,
                DiscardReason.LENGTH_WRONG,
            },
            id="with the address of an access point",
        ),
        pytest.param("192.0.2.9/32", {DiscardReason.UNKNOWN_NAS}, id="from a stranger"),
    ],
)
def test_a_flood_of_forged_packets_keeps_no_honest_one_waiting(
    radius_process: RadiusProcess, device: Fleet, network: str, reasons: set[str]
) -> None:
    with radius_process.database.transaction() as db:
        factories.make_nas(db, networks=(network,))

    with flooding(radius_process):
        assert eventually(lambda: reasons <= discards(radius_process).keys()), "the list of NASes is read again"
        device.live_for(0.5)
        before = sum(discards(radius_process).values())
        device.longest_silence.update(login=0.0, accounting=0.0)
        device.live_for(SECONDS)
        forged = sum(discards(radius_process).values()) - before

    device.finish()
    assert forged > 7_500 * SECONDS
    assert max(device.longest_silence.values()) < 5, "well before an access point gives up"
    assert len(device.admitted) > SECONDS
    assert eventually(lambda: not faults(device, radius_process.database))
