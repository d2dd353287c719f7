"""An offer in one sentence."""

from datetime import timedelta
from typing import Any

import pytest

from hotspot.models import Offer, OfferAllowance
from hotspot.offer_wording import print_octets, print_offer, print_time
from hotspot.values import Period, Way

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def offer(*allowances: OfferAllowance, **fields: Any) -> Offer:
    return Offer(**{"way": Way.ONE_TAP, "devices_at_once": 1, "allowances": list(allowances), **fields})


def said(offer: Offer, language: str = "fr") -> str:
    return print_offer(offer, language).replace("\xa0", " ")


def test_what_an_offer_allows_is_one_sentence() -> None:
    shown = offer(
        OfferAllowance(period=Period.WEEK, octets=1_000_000_000),
        OfferAllowance(period=Period.DAY, time=2 * HOUR),
        devices_at_once=2,
        announcement_every=30 * MINUTE,
    )
    assert said(shown) == (
        "Jusqu’à la fermeture, 2 h par jour, 1 Go par semaine, 2 appareils, annonce toutes les 30 min."
    )
    assert said(shown, "en") == ("Until closing, 2 h per day, 1 GB per week, 2 devices, announcement every 30 min.")


def test_what_is_not_limited_is_not_said() -> None:
    assert said(offer(visit_time=90 * MINUTE)) == "Pendant 1 h 30, 1 appareil."


def test_each_limit_is_said_with_what_it_is_for() -> None:
    shown = offer(
        OfferAllowance(period=Period.DAY, octets=1_500_000_000, upload_octets=200_000_000, download_octets=800_000_000),
        visit_time=3 * HOUR,
        time_allowed=HOUR,
        octets_allowed=500_000_000,
        download_kbps=20_000,
        upload_kbps=500,
        idle_timeout=10 * MINUTE,
        remember_for=timedelta(days=30),
    )
    assert said(shown) == (
        "Pendant 3 h, 1 h en ligne par visite, 500 Mo par visite, 1,5 Go par jour, 200 Mo envoyés par jour, "
        "800 Mo reçus par jour, 20 Mbit/s en réception, 0,5 Mbit/s en envoi, 1 appareil, "
        "fin après 10 min sans activité, appareil reconnu pendant 30 jours."
    )


@pytest.mark.parametrize(
    ("length", "printed"),
    [
        (45 * MINUTE, "45 min"),
        (2 * HOUR, "2 h"),
        (2 * HOUR + 5 * MINUTE, "2 h 05"),
        (24 * HOUR, "1 jour"),
        (25 * HOUR, "25 h"),
        (72 * HOUR, "3 jours"),
        (timedelta(seconds=20), "20 s"),
    ],
)
def test_lengths_are_said_as_people_say_them(length: timedelta, printed: str) -> None:
    assert print_time(length, "fr").replace("\xa0", " ") == printed


@pytest.mark.parametrize(
    ("octets", "printed"), [(1, "1 o"), (999, "999 o"), (1000, "1 ko"), (1_500_000, "1,5 Mo"), (2**53, "9 007,199 To")]
)
def test_volumes_are_said_in_the_largest_unit(octets: int, printed: str) -> None:
    assert print_octets(octets, "fr").replace("\xa0", " ").replace("\u202f", " ") == printed
