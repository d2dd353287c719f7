"""Moments in a visitor's words."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from portal.language import local_moment

NOON = datetime(2026, 3, 10, 11, 0, tzinfo=UTC)
"""Midday in Paris."""


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        (7, "à 19 h 00"),
        (12, "à minuit"),
        (21, "demain à 9 h 00"),
        (36, "jeudi 12 mars à 0 h 00"),
    ],
    ids=["today", "where today ends", "tomorrow", "another midnight"],
)
def test_a_moment_is_said_as_people_say_it(app: Flask, hours: int, said: str) -> None:
    with app.test_request_context("/?lang=fr"):
        told = local_moment(NOON + timedelta(hours=hours), NOON, ZoneInfo("Europe/Paris"))
    assert told.replace("\xa0", " ") == said
