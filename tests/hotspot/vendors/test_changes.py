"""How each brand is told which session is meant, and its limits from then on."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from hotspot.values import Admit
from hotspot.vendors import VENDORS
from hotspot.vendors.vendor import Attributes, LiveSession

SESSION = LiveSession(
    user_name="a-login",
    acct_session_id="17953140300000001",
    calling_station_id="02-00-00-00-00-01",
    framed_ip="10.1.0.2",
    time_online=timedelta(minutes=10),
    upload_octets=100,
    download_octets=900,
)
LEFT = Admit(
    grant_id=UUID(int=7),
    session_timeout=timedelta(hours=1),
    idle_timeout=timedelta(minutes=15),
    interim_interval=timedelta(minutes=5),
    upload_kbps=2000,
    download_kbps=10_000,
    octets_left=2**32,
    upload_octets_left=7,
    download_octets_left=2 * 2**32 - 900,
)


def disconnect_by(vendor: str, session: LiveSession = SESSION) -> Attributes:
    found = VENDORS[vendor].disconnect_by
    assert found is not None
    return found(session)


def change_by(vendor: str, admit: Admit = LEFT) -> dict[str, str | int | bytes]:
    found = VENDORS[vendor].change_by
    assert found is not None
    return dict(found(SESSION, admit))


def test_coovachilli_is_told_name_and_session() -> None:
    """Without User-Name it is silent (measured); what it does not need is left out."""
    assert disconnect_by("coovachilli") == [("User-Name", "a-login"), ("Acct-Session-Id", "17953140300000001")]


def test_mikrotik_is_told_the_address_too() -> None:
    assert disconnect_by("mikrotik") == [
        ("User-Name", "a-login"),
        ("Framed-IP-Address", "10.1.0.2"),
        ("Acct-Session-Id", "17953140300000001"),
    ]


@pytest.mark.parametrize("framed_ip", [None, "2001:db8::2"])
def test_mikrotik_gets_no_address_that_does_not_fit(framed_ip: str | None) -> None:
    names = [name for name, _ in disconnect_by("mikrotik", replace(SESSION, framed_ip=framed_ip))]
    assert names == ["User-Name", "Acct-Session-Id"]


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_change_names_the_session_first_and_counts_from_its_start(vendor: str) -> None:
    change = change_by(vendor)
    named = disconnect_by(vendor)
    assert list(change.items())[: len(named)] == named
    assert change["Session-Timeout"] == 600 + 3600


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_change_carries_the_full_set_of_limits(vendor: str) -> None:
    """CoovaChilli clears what a CoA leaves out: so all that an Access-Accept gives, but the page to go to."""
    given = {name for name, _ in VENDORS[vendor].accept_attributes(LEFT, "http://portail.example/online/x")}
    assert given - {"WISPr-Redirection-URL"} <= change_by(vendor).keys()


def test_volume_counts_from_the_start_too() -> None:
    """Each direction with what the session has used of it: coovachilli's input is the download."""
    volumes = {name: value for name, value in change_by("coovachilli").items() if name.startswith("ChilliSpot-Max")}
    assert volumes == {
        "ChilliSpot-Max-Total-Octets": 1000,
        "ChilliSpot-Max-Total-Gigawords": 1,
        "ChilliSpot-Max-Input-Octets": 0,
        "ChilliSpot-Max-Input-Gigawords": 2,
        "ChilliSpot-Max-Output-Octets": 107,
    }
    assert {name: value for name, value in change_by("mikrotik").items() if "-Limit" in name} == {
        "Mikrotik-Rate-Limit": "2000k/10000k",
        "Mikrotik-Total-Limit": 1000,
        "Mikrotik-Total-Limit-Gigawords": 1,
        "Mikrotik-Recv-Limit": 107,
        "Mikrotik-Xmit-Limit": 0,
        "Mikrotik-Xmit-Limit-Gigawords": 2,
    }


@pytest.mark.parametrize("vendor", VENDORS.values(), ids=VENDORS)
def test_each_brand_says_what_to_switch_on(vendor: object) -> None:
    assert "3799" in vendor.coa_steps % {"port": 3799}  # type: ignore[attr-defined]
