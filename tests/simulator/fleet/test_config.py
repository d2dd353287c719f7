"""The fleet file: what cannot be played is refused before anything begins."""

import json
from typing import Any

import pytest

from simulator.config import ConfigError
from simulator.fleet.config import load_fleet


def a_fleet(**changes: Any) -> dict[str, Any]:
    gateway = {
        "nas_identifier": "g1",
        "secret": "s",
        "uamsecret": "u",
        "source_address": "127.0.1.1",
        "coa_port": 0,
        "places": [{"name": "Square", "called_station_id": "02-00-00-00-00-01", "site": "square"}],
    }
    return {
        "portal_url": "http://127.0.0.1:8080/",
        "radius": {"host": "127.0.0.1", "auth_port": 1812, "acct_port": 1813},
        "sites": {"square": {"promises": [{"way": "one_tap", "announcement_every": 1800}]}},
        "gateways": [gateway],
    } | changes


def test_it_says_what_is_promised_where() -> None:
    fleet = load_fleet(json.dumps(a_fleet()))
    assert fleet.portal_url == "http://127.0.0.1:8080"
    assert fleet.sites["square"].promises[0].announcement_every == 1800
    assert fleet.gateways[0].site_of == {"02-00-00-00-00-01": "square"}


@pytest.mark.parametrize(
    "changes",
    [
        {"sites": {"square": {"promises": [{"way": "library_card"}]}}},
        {"sites": {"square": {"promises": []}}},
        {"sites": {}},
        {"gateways": []},
        {"radius": None},
    ],
    ids=["a way that it cannot play", "no promise", "a gateway at an unknown site", "no gateway", "no server"],
)
def test_what_cannot_be_played_is_named(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="fleet file"):
        load_fleet(json.dumps(a_fleet(**changes)))


def test_what_is_no_json_is_named() -> None:
    with pytest.raises(ConfigError, match="fleet file"):
        load_fleet("{")
