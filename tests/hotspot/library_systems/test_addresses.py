"""Where a library's system may be."""

from datetime import timedelta

import pytest

from hotspot.adapters.library_systems import sip2_connection, wire
from hotspot.adapters.library_systems.addresses import may_be_asked
from hotspot.adapters.library_systems.sip2_settings import Sip2Settings
from hotspot.adapters.library_systems.trouble import Trouble

SOON = timedelta(seconds=2)


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1%eth0", "::ffff:169.254.169.254", "[fe80::1]"])
def test_nothing_link_local(address: str) -> None:
    assert not may_be_asked(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "192.0.2.7", "fd00::7", "2001:db8::7"])
def test_a_machine_of_the_town(address: str) -> None:
    assert may_be_asked(address)


def test_no_connection_goes_there() -> None:
    with pytest.raises(Trouble, match="no address that may be asked"):
        wire.connect("169.254.169.254", 80, wire.Deadline(SOON))


def test_nor_one_by_sip2() -> None:
    settings = Sip2Settings(host="169.254.169.254", port=6001, user="parvis", password="hush")
    with pytest.raises(sip2_connection.Broken, match="no address that may be asked"):
        sip2_connection.reach(settings, sip2_connection.Resolver(), sip2_connection.Deadline(SOON))
