"""What every brand has in common: limits, login addresses, set-up steps; and that no two claim the same redirect."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from hotspot.values import Admit
from hotspot.vendors import VENDORS
from hotspot.vendors.vendor import SetupFacts, Vendor, has_login_host, is_web_address
from tests.hotspot.vendors import test_coovachilli, test_mikrotik

ADMIT = Admit(UUID(int=7), timedelta(hours=1), timedelta(minutes=15), timedelta(minutes=5))
LIMITED = replace(ADMIT, upload_kbps=2000, download_kbps=10_000, octets_left=2**32 + 5)
BY_DIRECTION = replace(ADMIT, upload_octets_left=6, download_octets_left=3 * 2**32 + 7)
STANDARD = {"Session-Timeout": 3600, "Idle-Timeout": 900, "Acct-Interim-Interval": 300}
ONLINE = "http://portail.example/online/x"


def attributes(vendor: str, admit: Admit) -> dict[str, str | int | bytes]:
    listed = VENDORS[vendor].accept_attributes(admit, ONLINE)
    assert len(dict(listed)) == len(listed), "an attribute twice"
    return dict(listed)


@pytest.mark.parametrize("vendor", VENDORS)
def test_without_limits_only_the_times_are_sent(vendor: str) -> None:
    extra = {"WISPr-Redirection-URL": ONLINE} if vendor == "coovachilli" else {}
    assert attributes(vendor, ADMIT) == STANDARD | extra


def test_coovachilli_gets_speeds_in_both_units_and_volume_in_two_parts() -> None:
    assert attributes("coovachilli", LIMITED) == STANDARD | {
        "WISPr-Bandwidth-Max-Up": 2_000_000,
        "WISPr-Bandwidth-Max-Down": 10_000_000,
        "ChilliSpot-Bandwidth-Max-Up": 2000,
        "ChilliSpot-Bandwidth-Max-Down": 10_000,
        "ChilliSpot-Max-Total-Octets": 5,
        "ChilliSpot-Max-Total-Gigawords": 1,
        "WISPr-Redirection-URL": ONLINE,
    }


def test_mikrotik_gets_the_upload_first() -> None:
    assert attributes("mikrotik", LIMITED) == STANDARD | {
        "Mikrotik-Rate-Limit": "2000k/10000k",
        "Mikrotik-Total-Limit": 5,
        "Mikrotik-Total-Limit-Gigawords": 1,
    }


def test_coovachilli_calls_the_download_input() -> None:
    """So do its own counters, which it compares them with: from the client's view, by default."""
    assert attributes("coovachilli", BY_DIRECTION) == STANDARD | {
        "ChilliSpot-Max-Input-Octets": 7,
        "ChilliSpot-Max-Input-Gigawords": 3,
        "ChilliSpot-Max-Output-Octets": 6,
        "WISPr-Redirection-URL": ONLINE,
    }


def test_mikrotik_receives_the_upload() -> None:
    assert attributes("mikrotik", BY_DIRECTION) == STANDARD | {
        "Mikrotik-Recv-Limit": 6,
        "Mikrotik-Xmit-Limit": 7,
        "Mikrotik-Xmit-Limit-Gigawords": 3,
    }


@pytest.mark.parametrize(
    ("up", "down", "written"), [(2000, None, "2000k/0"), (None, 10_000, "0/10000k"), (1, 1, "1k/1k")]
)
def test_mikrotik_with_one_limit_leaves_the_other_way_open(up: int | None, down: int | None, written: str) -> None:
    admit = replace(ADMIT, upload_kbps=up, download_kbps=down)
    assert attributes("mikrotik", admit)["Mikrotik-Rate-Limit"] == written


@pytest.mark.parametrize("vendor", VENDORS)
def test_volume_below_one_gigaword_needs_no_gigawords(vendor: str) -> None:
    names = attributes(vendor, replace(ADMIT, octets_left=2**32 - 1))
    assert not any("Gigawords" in name for name in names)
    assert 2**32 - 1 in names.values()


@pytest.mark.parametrize("vendor", VENDORS)
def test_no_number_is_wider_than_radius_can_say(vendor: str) -> None:
    fast = replace(ADMIT, upload_kbps=5_000_000, download_kbps=2**22, octets_left=2**50)
    fast = replace(fast, upload_octets_left=2**51, download_octets_left=2**52)
    for value in attributes(vendor, fast).values():
        assert not isinstance(value, int) or 0 <= value < 2**32


@pytest.mark.parametrize("vendor", VENDORS)
def test_interim_updates_are_never_asked_for_more_than_once_a_minute(vendor: str) -> None:
    assert attributes(vendor, replace(ADMIT, interim_interval=timedelta(seconds=5)))["Acct-Interim-Interval"] == 60


def test_coovachilli_names_an_address_in_a_reject_too() -> None:
    why = "http://portail.example/refused/site_closed"
    assert VENDORS["coovachilli"].reject_attributes(why) == [("WISPr-Redirection-URL", why)]
    assert VENDORS["mikrotik"].reject_attributes(why) == []


def test_each_brand_is_listed_by_its_own_key() -> None:
    assert all(key == vendor.key for key, vendor in VENDORS.items())


@pytest.mark.parametrize("vendor", VENDORS.values(), ids=VENDORS)
def test_no_brand_takes_the_redirect_of_another(vendor: Vendor) -> None:
    for other, query in (("coovachilli", test_coovachilli.QUERY), ("mikrotik", test_mikrotik.QUERY)):
        assert (vendor.recognise("/hotspot", "", query) is not None) == (vendor.key == other)


@pytest.mark.parametrize("vendor", VENDORS.values(), ids=VENDORS)
def test_the_setup_steps_name_all_that_must_be_typed(vendor: Vendor) -> None:
    facts = SetupFacts(
        "square-1", "a-shared-secret", "a-uamsecret", "192.0.2.1", 1812, 1813, 3799, "https://p.example", 300
    )
    steps = vendor.setup_steps(facts)
    typed = "\n".join(step.text for step in steps)
    wanted = ["square-1", "a-shared-secret", "192.0.2.1", "p.example", "1812", "1813", "3799"]
    wanted += ["a-uamsecret"] if vendor.signs_redirects else []
    assert [each for each in wanted if each not in typed] == []
    assert all(step.title for step in steps)


@pytest.mark.parametrize("vendor", VENDORS.values(), ids=VENDORS)
def test_the_setup_steps_of_radsec_name_its_port_and_certificate(vendor: Vendor) -> None:
    facts = SetupFacts(
        "square-1", "a-shared-secret", "a-uamsecret", "192.0.2.1", 1812, 1813, 3799, "https://p.example", 300
    )
    steps = vendor.setup_steps(replace(facts, radsec_port=2083, certificate_name="square-1.example"))

    typed = "\n".join(step.text for step in steps)
    wanted = ["192.0.2.1", "2083", "radsec", "authority.pem", "square-1.example.pem", "square-1.example.key"]
    assert [each for each in wanted if each not in typed] == []
    assert len(steps) == len(vendor.setup_steps(facts)) + 1


@pytest.mark.parametrize(
    ("address", "is_one"),
    [
        ("http://10.1.0.1:3990/logon", True),
        ("https://login.town.example/", True),
        ("http://[2001:db8::1]:3990/logon", True),
        ("HTTP://LOGIN.TOWN.EXAMPLE", True),
        ("", False),
        ("http://", False),
        ("http:///logon", False),
        ("//10.1.0.1/logon", False),
        ("/logon", False),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("file:///etc/passwd", False),
        ("http://user@10.1.0.1/", False),
        ("http://user:word@10.1.0.1/", False),
        ("http://10.1.0.1\\@evil.example/", False),
        ("http://10.1.0.1 /", False),
        ("http://10.1.0.1/\n", False),
        ("\thttp://10.1.0.1/", False),
        ("http://10.1.0.1/\x7f", False),
        ("http://10.1.0.1:0/", False),
        ("http://10.1.0.1:65536/", False),
        ("http://10.1.0.1:http/", False),
        ("http://[::1/", False),
    ],
)
def test_what_is_a_web_address(address: str, is_one: bool) -> None:
    assert is_web_address(address) is is_one


@pytest.mark.parametrize(
    ("address", "hosts", "is_its_own"),
    [
        ("http://10.1.0.1:3990/logon", "10.1.0.1:3990", True),
        ("http://10.1.0.1:3990/logon", "10.1.0.1", True),
        ("http://10.1.0.1:3990/logon", "login.town.example 10.1.0.1:3990", True),
        ("http://10.1.0.1/login", "10.1.0.1:80", True),
        ("https://10.1.0.1/login", "10.1.0.1:443", True),
        ("http://LOGIN.town.example./login", "Login.Town.example", True),
        ("http://[2001:db8::1]:3990/logon", "[2001:db8::1]:3990", True),
        ("http://[2001:db8::1]/logon", "[2001:db8::1]", True),
        ("http://10.1.0.1:3991/logon", "10.1.0.1:3990", False),
        ("https://10.1.0.1/login", "10.1.0.1:80", False),
        ("http://10.1.0.1:3990/logon", "", False),
        ("http://10.1.0.11:3990/logon", "10.1.0.1", False),
        ("http://10.1.0.1.evil.example/", "10.1.0.1", False),
        ("http://evil.example/10.1.0.1", "10.1.0.1", False),
        ("http://evil.example#10.1.0.1", "10.1.0.1", False),
        ("http://10.1.0.1@evil.example/", "10.1.0.1", False),
        ("http://evil.example/?10.1.0.1:3990", "10.1.0.1:3990", False),
        ("http://sub.login.town.example/", "login.town.example", False),
        ("http://0x0a010001/", "10.1.0.1", False),
        ("http://１０.1.0.1/", "10.1.0.1", False),
        ("ftp://10.1.0.1/", "10.1.0.1", False),
    ],
)
def test_which_login_addresses_belong_to_a_nas(address: str, hosts: str, is_its_own: bool) -> None:
    assert has_login_host(address, hosts) is is_its_own
