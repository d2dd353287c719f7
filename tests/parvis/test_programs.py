"""What the supervisor runs on one machine."""

import pytest

from hotspot.settings import Settings
from parvis.programs import programs_of
from parvis.startup import StartError, check_ports, wanted_ports


def test_the_four_processes_and_the_embedded_redis(settings: Settings) -> None:
    assert [each.name for each in programs_of(settings)] == ["redis", "portal", "staff", "radius", "worker"]


def test_several_radius_processes_have_status_ports_of_their_own(settings: Settings) -> None:
    several = settings.model_copy(update={"radius_processes": 3, "redis_url": "redis://elsewhere"})

    programs = {each.name: each.command for each in programs_of(several)}

    assert list(programs) == ["portal", "staff", "radius", "radius-2", "radius-3", "worker"]
    assert programs["radius-3"][-4:] == ["--only", "radius", "--status-port", "8102"]
    assert [each.port for each in wanted_ports(several, "radius")] == [1812, 1813, 8082, 8092, 8102]


def test_a_status_port_that_another_process_has_is_refused(settings: Settings) -> None:
    clash = settings.model_copy(update={"radius_processes": 2, "worker_status_port": 8092})

    with pytest.raises(StartError, match="8092"):
        check_ports(wanted_ports(clash))
