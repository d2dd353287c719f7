"""Devices that are remembered: for whom, how many, how long, and how they are forgotten."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.db import Database
from hotspot.errors import Conflict, NotFound
from hotspot.models import AuditEntry, Grant, Offer, Patron, RememberedDevice, Role, Site
from hotspot.sealing import Vault
from hotspot.services.offers import NO_TERMS
from hotspot.services.remembering import (
    MOST_REMEMBERED,
    find_remembered,
    forget_devices,
    forget_devices_of_patron,
    remember_device,
    remembered_with,
)
from hotspot.services.signing_in import LibraryCard, Remembered, SignedIn, SignInRequest, sign_in
from hotspot.services.staff import Scope
from hotspot.settings import Settings
from hotspot.values import MacAddress, RefusalReason, Refuse, Way
from tests import factories

MONTH = timedelta(days=30)
PHONE = factories.DEVICE_MAC


class Desk:
    """One offer for cards, whose devices may be remembered for a month."""

    def __init__(self, db: Session, now: datetime) -> None:
        self.db, self.now = db, now
        self.site = factories.make_site(db)
        self.nas = factories.make_nas(db, site=self.site)
        self.offer = self.make_offer()
        self.patron = self.make_patron()

    def make_offer(self, **overrides: Any) -> Offer:
        fields: dict[str, Any] = {"site": self.site, "way": Way.LIBRARY_CARD, "remember_for": MONTH} | overrides
        return factories.make_offer(self.db, **fields)

    def make_patron(self) -> Patron:
        return factories.make_patron(self.db, organisation=self.site.organisation)

    def grant(self, number: int = 1, **overrides: Any) -> Grant:
        fields: dict[str, Any] = {"offer": self.offer, "nas": self.nas, "patron": self.patron} | overrides
        return factories.make_grant(self.db, device_mac=f"02000000{number:04x}", **fields)

    def remember(self, *numbers: int) -> list[bool]:
        return [remember_device(self.db, self.grant(number), self.now) is not None for number in numbers]

    def remembered(self) -> list[str]:
        return list(self.db.scalars(select(RememberedDevice.device_mac).order_by(RememberedDevice.device_mac)))


@pytest.fixture
def desk(any_database: Database, now: datetime) -> Iterator[Desk]:
    with any_database.transaction() as db:
        yield Desk(db, now)


def test_a_device_is_remembered_for_as_long_as_its_offer_says(desk: Desk) -> None:
    grant = desk.grant()

    assert remember_device(desk.db, grant, desk.now)

    found = find_remembered(desk.db, PHONE, desk.site.id, desk.now)
    assert found is not None
    assert (found.patron, found.offer, found.terms_version) == (desk.patron, desk.offer, grant.terms_version)
    assert (found.created_at, found.expires_at, found.last_used_at) == (desk.now, desk.now + MONTH, None)


def test_remembering_again_begins_anew(desk: Desk) -> None:
    desk.remember(1)
    desk.now += timedelta(days=10)
    desk.remember(1)

    (found,) = desk.db.scalars(select(RememberedDevice))
    assert (found.created_at, found.expires_at) == (desk.now, desk.now + MONTH)


def test_a_device_of_a_voucher_is_remembered_no_longer_than_the_voucher(desk: Desk) -> None:
    offer = desk.make_offer(way=Way.VOUCHER)
    ends_at = desk.now + timedelta(days=7)
    voucher = factories.make_voucher(desk.db, offer=offer, redeemed_at=desk.now, ends_at=ends_at)
    grant = desk.grant(offer=offer, voucher=voucher, patron=None)

    assert remember_device(desk.db, grant, desk.now)

    found = find_remembered(desk.db, PHONE, desk.site.id, desk.now)
    assert found is not None
    assert (found.voucher, found.expires_at) == (voucher, ends_at)


@pytest.mark.parametrize("case", ["not offered", "nobody known", "nothing was typed"])
def test_not_everybody_is_remembered(desk: Desk, case: str) -> None:
    """What an address alone has opened cannot be made to last longer by it."""
    facts = {
        "not offered": {"offer": desk.make_offer(remember_for=None)},
        "nobody known": {"patron": None},
        "nothing was typed": {"by_mac": True},
    }
    grant = desk.grant(**facts[case])

    assert not remember_device(desk.db, grant, desk.now)
    assert not remembered_with(desk.db, grant, desk.now).is_offered
    assert desk.remembered() == []


def test_a_person_has_only_so_many(desk: Desk) -> None:
    assert all(desk.remember(*range(1, MOST_REMEMBERED + 1)))

    assert desk.remember(99) == [False]
    assert desk.remember(1) == [True]  # one of them, once more
    assert len(desk.remembered()) == MOST_REMEMBERED


def test_what_is_over_leaves_room(desk: Desk) -> None:
    desk.remember(*range(1, MOST_REMEMBERED + 1))
    desk.now += MONTH

    assert desk.remember(99) == [True]


def test_another_person_has_room_of_their_own(desk: Desk) -> None:
    desk.remember(*range(1, MOST_REMEMBERED + 1))
    desk.patron = desk.make_patron()

    assert desk.remember(99) == [True]


def test_it_holds_at_the_sites_of_the_offer_only_and_until_its_end(desk: Desk) -> None:
    desk.remember(1)
    elsewhere = factories.make_site(desk.db, organisation=desk.site.organisation)

    assert find_remembered(desk.db, PHONE, elsewhere.id, desk.now) is None
    assert find_remembered(desk.db, PHONE, desk.site.id, desk.now + MONTH) is None


def test_a_person_sees_their_own_with_this_one_marked(desk: Desk) -> None:
    desk.remember(1, 2)
    mine = desk.grant(2)
    desk.patron = desk.make_patron()
    desk.remember(3)

    seen = remembered_with(desk.db, mine, desk.now)

    assert {each.device_mac for each in seen.devices} == {"020000000001", "020000000002"}
    assert seen.this_one is not None
    assert seen.this_one.device_mac == mine.device_mac
    assert (seen.is_offered, seen.is_full) == (True, False)


def test_a_guest_sees_nothing(desk: Desk) -> None:
    desk.remember(1)

    assert remembered_with(desk.db, desk.grant(1, patron=None), desk.now).devices == []


def test_a_person_forgets_one_or_all_of_their_own(desk: Desk) -> None:
    desk.remember(1, 2)
    mine = desk.grant(1)
    desk.patron = desk.make_patron()
    desk.remember(3)
    others = remembered_with(desk.db, desk.grant(3), desk.now).devices[0].id
    own = remembered_with(desk.db, mine, desk.now).devices[0].id

    assert forget_devices(desk.db, mine, others) == 0
    assert forget_devices(desk.db, mine, own) == 1
    assert forget_devices(desk.db, mine) == 1
    assert desk.remembered() == ["020000000003"]


def test_staff_forget_all_devices_of_a_card_and_it_is_noted(desk: Desk) -> None:
    desk.remember(1, 2)
    scope = _scope(desk, desk.site)

    forget_devices_of_patron(desk.db, scope, desk.patron.id, desk.now)

    assert desk.remembered() == []
    entry = desk.db.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.facts) == ("patron.devices_forgotten", {"devices": 2})
    with pytest.raises(Conflict):
        forget_devices_of_patron(desk.db, scope, desk.patron.id, desk.now)


def test_staff_of_another_town_cannot(desk: Desk) -> None:
    desk.remember(1)

    with pytest.raises(NotFound):
        forget_devices_of_patron(desk.db, _scope(desk, factories.make_site(desk.db)), desk.patron.id, desk.now)


def _scope(desk: Desk, site: Site) -> Scope:
    staff = factories.make_staff(desk.db, organisation=site.organisation)
    return Scope(
        staff_id=staff.id,
        email=staff.email,
        role=Role.ADMINISTRATOR,
        language="fr",
        organisation_name=site.organisation.name,
        organisation_id=site.organisation_id,
        organisation_ids=frozenset({site.organisation_id}),
        site_ids=frozenset({site.id}),
    )


# ---- with a sign-in ----


def sign_in_with(desk: Desk, patron: Patron, vault: Vault, settings: Settings, *, remember: bool) -> None:
    request = SignInRequest(
        nas_id=desk.nas.id,
        site_id=desk.site.id,
        device_mac=MacAddress(PHONE),
        offer_id=desk.offer.id,
        credential=LibraryCard(patron.card_number, factories.PIN),
        terms_version=1,
        language="fr",
        remember=remember,
    )
    assert isinstance(sign_in(desk.db, request, desk.now, vault=vault, settings=settings), SignedIn)


def test_a_sign_in_remembers_only_if_asked(desk: Desk, vault: Vault, settings: Settings) -> None:
    sign_in_with(desk, desk.patron, vault, settings, remember=False)
    assert desk.remembered() == []

    sign_in_with(desk, desk.patron, vault, settings, remember=True)
    assert desk.remembered() == [PHONE]

    sign_in_with(desk, desk.patron, vault, settings, remember=False)
    assert desk.remembered() == [PHONE]


def test_a_sign_in_beyond_the_most_is_a_sign_in_all_the_same(desk: Desk, vault: Vault, settings: Settings) -> None:
    desk.offer.devices_at_once = 100
    desk.remember(*range(11, 11 + MOST_REMEMBERED))

    sign_in_with(desk, desk.patron, vault, settings, remember=True)

    assert PHONE not in desk.remembered()


def test_rules_hold_for_a_remembered_device_too(desk: Desk, vault: Vault, settings: Settings) -> None:
    """What is refused with card and PIN is not let in without typing."""
    sign_in_with(desk, desk.patron, vault, settings, remember=True)
    device = desk.db.scalars(select(RememberedDevice)).one()
    device.terms_version = NO_TERMS
    factories.make_reader_rule(desk.db, organisation=desk.site.organisation)
    request = SignInRequest(
        nas_id=desk.nas.id,
        site_id=desk.site.id,
        device_mac=MacAddress(PHONE),
        offer_id=desk.offer.id,
        credential=Remembered(device),
        terms_version=1,
        language="fr",
    )
    answer = sign_in(desk.db, request, desk.now, vault=vault, settings=settings)
    assert isinstance(answer, Refuse)
    assert answer.reason is RefusalReason.READER_NOT_ENTITLED


def test_a_device_in_other_hands_does_not_come_back_as_who_had_it_before(
    desk: Desk, vault: Vault, settings: Settings
) -> None:
    sign_in_with(desk, desk.patron, vault, settings, remember=True)

    sign_in_with(desk, desk.make_patron(), vault, settings, remember=False)

    assert desk.remembered() == []
