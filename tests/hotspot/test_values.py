"""Small values: every way in which access points write an address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.values import normalise_called_station, parse_mac, print_mac

MAC = "aabbccddeeff"


@pytest.mark.parametrize(
    "written",
    [
        "AA-BB-CC-DD-EE-FF",
        "aa:bb:cc:dd:ee:ff",
        "aabb.ccdd.eeff",
        "AABBCCDDEEFF",
        "aa-bb-cc-dd-ee-ff",
        " aabbccddeeff\n",
    ],
)
def test_every_brand_writes_the_same_device_its_own_way(written: str) -> None:
    assert parse_mac(written) == MAC


@pytest.mark.parametrize(
    "written", ["", "aabbccddeef", "aabbccddeeff0", "aabbccddeegg", "AA-BB-CC-DD-EE-FF:Town", "ａabbccddeeff"]
)
def test_anything_else_is_no_device(written: str) -> None:
    assert parse_mac(written) is None


@given(st.binary(min_size=6, max_size=6).map(bytes.hex), st.sampled_from(["", ":", "-"]))
def test_a_device_is_read_as_it_is_printed(mac: str, separator: str) -> None:
    assert parse_mac(print_mac(mac, separator).upper()) == mac


def test_a_device_is_printed_with_colons() -> None:
    assert print_mac(MAC) == "aa:bb:cc:dd:ee:ff"


@pytest.mark.parametrize(
    ("sent", "compared"),
    [
        pytest.param("AA-BB-CC-DD-EE-FF", MAC, id="CoovaChilli: its own address"),
        pytest.param("AA-BB-CC-DD-EE-FF:ruckus", MAC, id="Ruckus: address and SSID"),
        pytest.param("aa-bb-cc-dd-ee-ff:Captive", MAC, id="Cisco WLC, lower case"),
        pytest.param("aa:bb:cc:dd:ee:ff:Town Wi-Fi", MAC, id="colons, and an SSID after the last one"),
        pytest.param("AABBCCDDEEFF", MAC, id="Instant On: no separators"),
        pytest.param("aa:bb:cc:dd:ee:ff", MAC, id="colons alone are not an SSID"),
        pytest.param("AA-BB-CC-DD-EE-FF:", MAC, id="an empty SSID"),
        pytest.param("Hotspot1", "hotspot1", id="MikroTik: the server's name"),
        pytest.param("hall:Hotspot1", "hall:hotspot1", id="a name with a colon is not split"),
        pytest.param("  Hotspot 1 ", "hotspot 1", id="white space around a name"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_called_station_id_is_compared_without_what_varies(sent: str, compared: str) -> None:
    assert normalise_called_station(sent) == compared


@given(st.text())
def test_comparing_twice_changes_nothing(sent: str) -> None:
    once = normalise_called_station(sent)
    assert normalise_called_station(once) == once
