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
    octets=1000,
)
LEFT = Admit(UUID(int=7), timedelta(hours=1), timedelta(minutes=15), timedelta(minutes=5), 2000, 10_000, 2**32)


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
    change = change_by("coovachilli")
    assert (change["ChilliSpot-Max-Total-Gigawords"], change["ChilliSpot-Max-Total-Octets"]) == (1, 1000)


@pytest.mark.parametrize("vendor", VENDORS.values(), ids=VENDORS)
def test_each_brand_says_what_to_switch_on(vendor: object) -> None:
    assert "3799" in vendor.coa_steps % {"port": 3799}  # type: ignore[attr-defined]
