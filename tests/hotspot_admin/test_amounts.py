"""Lengths, volumes and speeds as staff type them, and as a form shows them again."""

from datetime import timedelta

import pytest
from flask import Flask

from hotspot_admin.forms.amounts import parse_speed, parse_time, parse_volume, print_speed, print_volume

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("2 h", 120),
        ("2h30", 150),
        ("2 h 30", 150),
        ("2 h 30 min", 150),
        ("2 H 5", 125),
        ("1,5 h", 90),
        ("1.5 hours", 90),
        ("45 min", 45),
        ("45 minutes", 45),
        ("45 mn", 45),
        ("1 j", 1440),
        ("2 jours", 2880),
        ("1 day 2 h 30", 1590),
        ("366 j", 527_040),
    ],
)
def test_a_length_is_read_as_people_write_it(text: str, minutes: int) -> None:
    assert parse_time(text) == minutes * MINUTE


@pytest.mark.parametrize(
    "text",
    ["", "2", "0 h", "0 min", "-1 h", "2 h 300", "367 j", "999999 j", "2 heure de", "nan h", "1e9 h", "٢ h", "h"],
)
def test_what_is_no_length_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_time(text)


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("500 Mo", 500_000_000),
        ("1,5 Go", 1_500_000_000),
        ("1.5GB", 1_500_000_000),
        ("3 ko", 3000),
        ("9000 To", 9 * 10**15),
    ],
)
def test_a_volume_is_read_with_its_unit(text: str, octets: int) -> None:
    assert parse_volume(text) == octets


@pytest.mark.parametrize(
    "text",
    ["", "500", "0 Mo", "-1 Go", "9008 To", "1e30 Go", "NaN Go", "inf Go", "Go", "1 Po", "1.5.2 Go", "0.0001 ko"],
)
def test_what_is_no_volume_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_volume(text)


@pytest.mark.parametrize(("text", "kbps"), [("20", 20_000), ("0,5", 500), ("0.001", 1), ("100 Mbit/s", 100_000)])
def test_a_speed_is_read_in_megabits(text: str, kbps: int) -> None:
    assert parse_speed(text) == kbps


@pytest.mark.parametrize("text", ["", "0", "0.0001", "-1", "1e3", "100001", "nan", "vite"])
def test_what_is_no_speed_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_speed(text)


@pytest.mark.parametrize("octets", [1, 999, 1000, 1_234_567_891, 500_000_000, 2**53 - 1, 2**53])
def test_a_volume_is_read_again_as_it_was_printed(staff_app: Flask, octets: int) -> None:
    with staff_app.test_request_context():
        assert parse_volume(print_volume(octets)) == octets


@pytest.mark.parametrize("kbps", [1, 500, 20_000, 100_000_000])
def test_a_speed_is_read_again_as_it_was_printed(staff_app: Flask, kbps: int) -> None:
    with staff_app.test_request_context():
        assert parse_speed(print_speed(kbps)) == kbps
