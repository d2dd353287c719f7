"""Time that passes faster, and only for a demonstration."""

from datetime import UTC, datetime, timedelta

import pytest

from hotspot.clock import clock_of
from hotspot.settings import Settings, SettingsError, load_settings

KEY = {"PARVIS_SECRET_KEY": "k" * 40}


def settings(**given: str) -> Settings:
    return load_settings(KEY | {f"PARVIS_{name.upper()}": value for name, value in given.items()})


def test_it_is_the_time_of_the_world() -> None:
    assert abs(clock_of(settings())() - datetime.now(UTC)) < timedelta(minutes=1)


def test_time_passes_faster_from_its_beginning_on() -> None:
    began = datetime.now(UTC) - timedelta(hours=1)
    fast = clock_of(settings(time_speed="60", time_epoch=began.isoformat()))
    assert timedelta(hours=60) <= fast() - began < timedelta(hours=70)


@pytest.mark.parametrize(
    "given",
    [
        {"time_speed": "60"},
        {"time_epoch": "2026-03-10T09:00:00Z"},
        {"time_speed": "60", "time_epoch": "2026-03-10T09:00:00"},
        {"time_speed": "0.5", "time_epoch": "2026-03-10T09:00:00Z"},
        {"time_speed": "60", "time_epoch": "2026-03-10T09:00:00Z", "portal_url": "https://wifi.commune.example"},
    ],
    ids=["no beginning", "no speed", "a beginning without a zone", "slower", "a town's own portal"],
)
def test_it_is_for_a_demonstration_only(given: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="PARVIS_TIME"):
        settings(**given)
