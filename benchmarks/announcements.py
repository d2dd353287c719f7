"""The next announcement of a device: the choice alone, and a whole turn, with 5 campaigns and with 500, beside one
round trip to the database that the turn is written to."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from uuid import uuid4

from sqlalchemy import delete, insert, text
from sqlalchemy.orm import Session

import migrations
from benchmarks.servers import postgresql
from hotspot.db import Database, open_database
from hotspot.models import Announcement, AnnouncementText, AnnouncementView, Campaign, Device, Grant, Site
from hotspot.policy.announcements import ShownToday, Zone, choose
from hotspot.services.announcing import Rotation, begin_turn, load_rotation
from hotspot.settings import load_settings
from hotspot.values import CampaignKind, SiteKind
from tests import factories

FEW, MANY = 5, 500
ROUND_TRIP = "one round trip to PostgreSQL (SELECT 1)"
CHOICE, LOADING, TURN = "the choice", "what may be shown, read", "a turn begun, counted and committed"
_CHOICES, _TURNS = 200, 40


@dataclass
class AnnouncementResults:
    round_trip_ms: list[float] = field(default_factory=list)
    ms: dict[tuple[str, int], list[float]] = field(
        default_factory=lambda: {(what, size): [] for what in (CHOICE, LOADING, TURN) for size in (FEW, MANY)}
    )
    """Mean of a run, by what is done and by how many campaigns there are."""


def run(folder: Path, *, rounds: int, say: Callable[[str], None]) -> AnnouncementResults:
    say("Announcements: starting PostgreSQL")
    results = AnnouncementResults()
    with postgresql(folder / "postgresql-announcements") as server:
        address = server.create("parvis")
        migrations.upgrade(address)
        settings = load_settings({}, var_dir=folder, secret_key=factories.SECRET_KEY, database_url=address)
        database = open_database(settings)
        town = _Town(database)
        for number in range(rounds):
            with database.reading() as db:
                results.round_trip_ms.append(_mean_ms(lambda db=db: db.execute(text("SELECT 1")), _CHOICES))
            for size in (FEW, MANY):
                town.have_campaigns(size)
                for what, mean in town.measure():
                    results.ms[what, size].append(mean)
            say(f"round {number + 1} of {rounds}, announcements")
        database.dispose()
    return results


class _Town:
    """A square with a one-tap offer, and as many campaigns as asked for."""

    def __init__(self, database: Database) -> None:
        self._database, self._number = database, count(1)
        with database.transaction() as db:
            site = factories.make_site(db, kind=SiteKind.SQUARE)
            offer = factories.make_offer(db, site=site, announcement_every=timedelta(minutes=30))
            nas = factories.make_nas(db, site=site)
            self._site_id, self._organisation_id = site.id, site.organisation_id
            self._offer_id, self._nas_id = offer.id, nas.id

    def have_campaigns(self, size: int) -> None:
        with self._database.transaction() as db:
            for table in (AnnouncementView, AnnouncementText):
                db.execute(delete(table))
            db.execute(text("TRUNCATE announcement_days, announcements, campaigns CASCADE"))
            numbers = range(1, size + 1)
            db.execute(insert(Campaign), [self._campaign(number) for number in numbers])
            db.execute(
                insert(Announcement),
                [{"id": number, "campaign_id": number, "created_at": factories.NOW} for number in numbers],
            )
            db.execute(
                insert(AnnouncementText),
                [{"announcement_id": number, "language": "fr", "title": "Marché"} for number in numbers],
            )

    def measure(self) -> Iterator[tuple[str, float]]:
        with self._database.reading() as db:
            site = db.get_one(Site, self._site_id)
            rotation = load_rotation(db, site, factories.NOW)
            yield LOADING, _mean_ms(lambda: load_rotation(db, site, factories.NOW), _TURNS)
        shown, zone = ShownToday(rotation.displays, rotation.views, {}), Zone(SiteKind.SQUARE)
        yield CHOICE, _mean_ms(lambda: choose(rotation.candidates, shown, zone, factories.NOW), _CHOICES)
        grants = iter([self._grant() for _ in range(_TURNS)])
        yield TURN, _mean_ms(lambda: self._begin(next(grants), rotation), _TURNS)

    def _begin(self, grant_id: object, rotation: Rotation) -> None:
        with self._database.transaction() as db:
            assert begin_turn(db, db.get_one(Grant, grant_id), rotation, factories.NOW) is not None

    def _grant(self) -> object:
        """Of a device that has seen nothing yet."""
        number = next(self._number)
        with self._database.transaction() as db:
            mac, grant_id = f"02{number:010x}", uuid4()
            moment = {"first_seen_at": factories.NOW, "last_seen_at": factories.NOW}
            db.add(Device(mac=mac, **moment))
            db.flush()
            self._add_grant(db, grant_id, mac)
        return grant_id

    def _add_grant(self, db: Session, grant_id: object, mac: str) -> None:
        db.add(
            Grant(
                id=grant_id,
                offer_id=self._offer_id,
                site_id=self._site_id,
                nas_id=self._nas_id,
                device_mac=mac,
                way="one_tap",
                terms_version=1,
                language="fr",
                created_at=factories.NOW,
                ends_at=factories.NOW + timedelta(hours=2),
                idle_timeout=timedelta(minutes=15),
                announcement_every=timedelta(minutes=30),
                announcement_length=timedelta(seconds=10),
            )
        )

    def _campaign(self, number: int) -> dict[str, object]:
        """Half of them with caps; a third the town's own."""
        return {
            "id": number,
            "organisation_id": self._organisation_id,
            "name": f"Campaign {number}",
            "kind": CampaignKind.COMMERCIAL if number % 3 else CampaignKind.MUNICIPAL,
            "advertiser": "Café" if number % 3 else "",
            "starts_on": date(2026, 1, 1),
            "weight": number % 20 + 1,
            "most_per_device": 5 if number % 2 else None,
            "most_per_day": 100_000 if number % 2 else None,
            "created_at": factories.NOW,
        }


def _mean_ms(do: Callable[[], object], times: int) -> float:
    began = time.perf_counter()
    for _ in range(times):
        do()
    return (time.perf_counter() - began) * 1000 / times
