"""What an offer may allow, and what is refused before there is a row."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from hotspot.db import Database
from hotspot.errors import InvalidInput
from hotspot.models import Offer
from hotspot.services.making_offers import AllowanceDraft, OfferDraft, create_offer
from hotspot.values import Period, Way
from tests import factories

HOUR = timedelta(hours=1)
MEGABYTE = 1_000_000


def draft(**fields: Any) -> OfferDraft:
    return OfferDraft("Accès libre", Way.ONE_TAP, **fields)


def test_allowances_and_announcements_are_kept(any_database: Database, now: datetime) -> None:
    day = AllowanceDraft(Period.DAY, 2 * HOUR, 500 * MEGABYTE, 100 * MEGABYTE, 400 * MEGABYTE)
    week = AllowanceDraft(Period.WEEK, 7 * HOUR)
    limits = draft(
        allowances=[week, day],
        upload_octets_allowed=10 * MEGABYTE,
        download_octets_allowed=20 * MEGABYTE,
        announcement_every=timedelta(minutes=30),
        announcement_length=timedelta(seconds=15),
    )
    with any_database.transaction() as db:
        site = factories.make_site(db)
        offer_id = create_offer(db, site.organisation, [site], limits, now).id
    with any_database.reading() as db:
        offer = db.get_one(Offer, offer_id)
        kept = [
            AllowanceDraft(each.period, each.time, each.octets, each.upload_octets, each.download_octets)
            for each in offer.allowances
        ]
        assert kept == [day, week]
        assert (offer.upload_octets_allowed, offer.download_octets_allowed) == (10 * MEGABYTE, 20 * MEGABYTE)
        assert (offer.announcement_every, offer.announcement_length) == (30 * HOUR / 60, timedelta(seconds=15))


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        pytest.param("allowances", {"allowances": [AllowanceDraft(Period.VISIT, HOUR)]}, id="of a visit"),
        pytest.param("allowances", {"allowances": [AllowanceDraft(Period.DAY, HOUR)] * 2}, id="two of a day"),
        pytest.param("day-time", {"allowances": [AllowanceDraft(Period.DAY)]}, id="of nothing"),
        pytest.param("day-time", {"allowances": [AllowanceDraft(Period.DAY, HOUR / 61)]}, id="under a minute"),
        pytest.param("day-time", {"allowances": [AllowanceDraft(Period.DAY, 25 * HOUR)]}, id="more than a day has"),
        pytest.param("week-time", {"allowances": [AllowanceDraft(Period.WEEK, 169 * HOUR)]}, id="more than a week has"),
        pytest.param("day-volume", {"allowances": [AllowanceDraft(Period.DAY, octets=0)]}, id="no octet in a day"),
        pytest.param(
            "week-upload-volume", {"allowances": [AllowanceDraft(Period.WEEK, upload_octets=-1)]}, id="less than none"
        ),
        pytest.param(
            "week-download-volume", {"allowances": [AllowanceDraft(Period.WEEK, download_octets=2**60)]}, id="too much"
        ),
        pytest.param("upload-volume", {"upload_octets_allowed": 0}, id="no upload in a visit"),
        pytest.param("download-volume", {"download_octets_allowed": 2**60}, id="too much download in a visit"),
        pytest.param("announcement-every", {"announcement_every": HOUR / 15}, id="announcements too often"),
        pytest.param("announcement-every", {"announcement_every": 25 * HOUR}, id="announcements too seldom"),
        pytest.param("announcement-length", {"announcement_length": HOUR / 1800}, id="too short to be read"),
        pytest.param(
            "announcement-length", {"announcement_every": HOUR / 12, "announcement_length": HOUR / 6}, id="too long"
        ),
    ],
)
def test_what_makes_no_sense_is_refused(database: Database, now: datetime, field: str, fields: dict[str, Any]) -> None:
    with database.transaction() as db:
        site = factories.make_site(db)
        with pytest.raises(InvalidInput) as refused:
            create_offer(db, site.organisation, [site], draft(**fields), now)
    assert refused.value.field == field
