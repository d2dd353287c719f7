"""Where somebody may be asked."""

from datetime import timedelta

import pytest

from hotspot.adapters.addresses import may_be_asked
from hotspot.adapters.wire import Deadline, NoAnswer, connect

SOON = timedelta(seconds=2)


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1%eth0", "::ffff:169.254.169.254", "[fe80::1]"])
def test_nothing_link_local(address: str) -> None:
    assert not may_be_asked(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "192.0.2.7", "fd00::7", "2001:db8::7"])
def test_a_machine_of_the_town(address: str) -> None:
    assert may_be_asked(address)


def test_no_connection_goes_there() -> None:
    with pytest.raises(NoAnswer, match="no address that may be asked"):
        connect("169.254.169.254", 80, Deadline(SOON))
