"""Where no announcement may be seen, none ever is: libraries, WiFi4EU, minors, offers without. Whatever staff set up.

Every configuration goes through the services that doors call: signing in, the turn that a page begins, the way ahead,
MAC authentication, half an hour later all of it again. What was shown is what stands in the table.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.db import Database
from hotspot.models import Announcement, AnnouncementView, Campaign, Grant, Offer, PassState, Site
from hotspot.policy.readers import Reader
from hotspot.services import passes
from hotspot.services.announcing import begin_turn, complete_turn, load_rotation
from hotspot.services.mac_authentication import DeviceSeen, admit_device
from hotspot.services.online import show_grant
from hotspot.services.readers import CheckedCard
from hotspot.services.renewing import look_ahead
from hotspot.services.signing_in import (
    Credential,
    LibraryCard,
    OneTap,
    SignInRequest,
    VoucherCodeGiven,
    sign_in,
    sign_in_again,
)
from hotspot.settings import Settings
from hotspot.values import PASS_WAYS, CampaignKind, MacAddress, Refuse, SiteKind, Way
from tests import announcements, factories
from tests.announcements import EVERY, LENGTH
from tests.factories import DEVICE_MAC, NOW, VAULT

MAC = MacAddress(DEVICE_MAC)
TODAY = date(2026, 3, 10)
SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Place:
    kind: SiteKind
    is_wifi4eu: bool

    @property
    def is_free(self) -> bool:
        """Said again here: libraries, and WiFi4EU."""
        return self.is_wifi4eu or self.kind is SiteKind.LIBRARY


@dataclass(frozen=True)
class CampaignSet:
    kind: CampaignKind
    is_of_parent: bool
    """Of the metropolis, or of the commune."""
    is_here_only: bool
    most_per_device: int | None
    most_per_day: int | None


@dataclass(frozen=True)
class World:
    before: Place
    after: Place
    """Staff change the site while somebody is online."""
    way: Way
    by_system: bool
    """The library's own system knows the reader, not our file."""
    age: int | None
    """Of a reader. Birthday today."""
    every: timedelta | None
    campaigns: tuple[CampaignSet, ...]

    @property
    def is_spared(self) -> bool:
        """Minors, and readers whose age is not known; or the offer has no announcements."""
        is_reader = self.way is Way.LIBRARY_CARD
        return self.every is None or (is_reader and (self.age is None or self.age < 18))


places = st.builds(Place, st.sampled_from(SiteKind), st.booleans())
caps = st.none() | st.integers(1, 2)
worlds = st.builds(
    World,
    before=places,
    after=places,
    way=st.sampled_from(Way),
    by_system=st.booleans(),
    age=st.none() | st.integers(6, 90),
    every=st.none() | st.sampled_from([timedelta(minutes=5), EVERY, timedelta(hours=3)]),
    campaigns=st.lists(
        st.builds(CampaignSet, st.sampled_from(CampaignKind), st.booleans(), st.booleans(), caps, caps), max_size=3
    ).map(tuple),
)
SQUARE, LIBRARY, WIFI4EU = Place(SiteKind.SQUARE, False), Place(SiteKind.LIBRARY, False), Place(SiteKind.OTHER, True)
AD = (CampaignSet(CampaignKind.COMMERCIAL, False, False, None, None),)


@pytest.fixture
def db(database: Database) -> Iterator[Session]:
    """Nothing of it is kept: each example begins anew."""
    with database.reading() as opened:
        yield opened


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(world=worlds)
@example(world=World(SQUARE, LIBRARY, Way.ONE_TAP, False, None, EVERY, AD))
@example(world=World(SQUARE, WIFI4EU, Way.ONE_TAP, False, None, EVERY, AD))
@example(world=World(SQUARE, SQUARE, Way.LIBRARY_CARD, True, 17, EVERY, AD))
@example(world=World(SQUARE, SQUARE, Way.LIBRARY_CARD, False, 17, EVERY, AD))
@example(world=World(SQUARE, SQUARE, Way.LIBRARY_CARD, True, None, EVERY, AD))
@example(world=World(SQUARE, SQUARE, Way.VOUCHER, False, None, None, AD))
def test_no_configuration_shows_one_where_none_may_be(db: Session, world: World, settings: Settings) -> None:
    db.rollback()
    site = found(db, world)
    shown_before = live(db, world, site, settings)
    assert shown_before == [] or not (world.before.is_free or world.is_spared)
    change(db, site, world.after)
    shown_after = live_on(db, site, settings)[len(shown_before) :]
    assert shown_after == [] or not (world.after.is_free or world.is_spared)
    if world.is_spared or (world.before.is_free and world.after.is_free):
        assert announcements.turns(db) == []  # not even one that passed


@pytest.mark.parametrize("way", Way)
def test_elsewhere_the_same_visitors_do_see_one(db: Session, way: Way, settings: Settings) -> None:
    """So that what is proven above is not that nothing works."""
    world = World(SQUARE, SQUARE, way, False, 18, EVERY, AD)
    site = found(db, world)
    assert live(db, world, site, settings) == [CampaignKind.COMMERCIAL]
    assert len(live_on(db, site, settings)) > 1


# ---- a town, and a visitor in it ----


def found(db: Session, world: World) -> Site:
    metropolis = factories.make_organisation(db)
    commune = factories.make_organisation(db, parent=metropolis)
    site = factories.make_site(db, organisation=commune, kind=world.before.kind, is_wifi4eu=world.before.is_wifi4eu)
    factories.make_nas(db, site=site)
    factories.make_terms(db, organisation=commune)
    by_provider = {"identity_provider": factories.make_identity_provider(db, organisation=commune)}
    offer = factories.make_offer(
        db,
        site=site,
        way=world.way,
        announcement_every=world.every,
        announcement_length=LENGTH,
        **by_provider if world.way is Way.OPENID_CONNECT else {},
    )
    if world.way is Way.LIBRARY_CARD and world.by_system:
        offer.library_system = factories.make_library_system(db, organisation=commune)
    for each in world.campaigns:
        campaign = announcements.make_campaign(
            db,
            metropolis if each.is_of_parent else commune,
            kind=each.kind,
            sites=[site] if each.is_here_only else [],
            most_per_device=each.most_per_device,
            most_per_day=each.most_per_day,
        )
        announcements.make_announcement(db, campaign)
    db.flush()
    return site


def change(db: Session, site: Site, place: Place) -> None:
    site.kind, site.is_wifi4eu = place.kind, place.is_wifi4eu
    db.flush()


def live(db: Session, world: World, site: Site, settings: Settings) -> list[CampaignKind]:
    """Sign in, and look at whatever a page would show; what was shown until then."""
    nas_id = factories.make_nas(db, site=site).id
    offer = db.scalars(select(Offer)).one()
    if world.way in PASS_WAYS:
        request = factories.make_pass_request(
            db, offer=offer, state=PassState.PROVEN, visitor_id=factories.make_visitor(db).id
        )
        answer = passes.enter(db, request, nas_id, NOW, settings)
    else:
        credential = a_credential(db, world, offer)
        asked = SignInRequest(nas_id, site.id, MAC, offer.id, credential, terms_version=1, language="fr")
        answer = sign_in(db, asked, NOW, vault=VAULT, settings=settings)
    assert not isinstance(answer, Refuse)
    look(db, answer.grant, NOW, settings)
    return shown(db)


def live_on(db: Session, site: Site, settings: Settings) -> list[CampaignKind]:
    """Forty minutes later the gateway asks, and the visitor comes back and looks ahead."""
    grant, now = db.scalars(select(Grant)).one(), NOW + timedelta(minutes=40)
    factories.make_wifi_session(db, grant=grant, started_at=NOW, session_seconds=2400, updated_at=now)
    look(db, grant, now, settings)
    admit_device(db, DeviceSeen(grant.nas_id, site.id, MAC), now, vault=VAULT, settings=settings)
    sign_in_again(db, grant, grant.nas_id, now, settings)
    look(db, grant, now + SECOND, settings)
    return shown(db)


def look(db: Session, grant: Grant, now: datetime, settings: Settings) -> None:
    """As the pages do, and as nobody does: begin a turn without asking whether one is due."""
    online = show_grant(db, grant.id, now, settings, signed_in_at=None)
    assert online is not None
    look_ahead(db, online, now, settings)
    turn = begin_turn(db, grant, load_rotation(db, grant.site, now), now)
    if turn is not None:
        complete_turn(db, turn.id, grant.device_mac, now + LENGTH + SECOND)


def a_credential(db: Session, world: World, offer: Offer) -> Credential:
    born_on = None if world.age is None else TODAY.replace(year=TODAY.year - world.age)
    match world.way:
        case Way.VOUCHER:
            return VoucherCodeGiven(VAULT.open(factories.make_voucher(db, offer=offer).code_sealed))
        case Way.LIBRARY_CARD if offer.library_system is not None:
            reader = Reader(card_number="4200", born_on=born_on)
            return CheckedCard(offer.library_system.id, "4200", "1234", reader)
        case Way.LIBRARY_CARD:
            patron = factories.make_patron(db, organisation=offer.organisation, born_on=born_on)
            return LibraryCard(patron.card_number, factories.PIN)
    return OneTap()


def shown(db: Session) -> list[CampaignKind]:
    return list(
        db.scalars(
            select(Campaign.kind)
            .join(Campaign.announcements)
            .join(AnnouncementView, AnnouncementView.announcement_id == Announcement.id)
            .order_by(AnnouncementView.shown_at)
        )
    )
