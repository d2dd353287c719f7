"""A citizen signs in: card, voucher or one tap -> a grant, or a refusal with its reason.

With the grant the portal hands out a one-time login (`sign_in`); a NAS that asks by itself gets its answer (`enter`).
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Protocol, assert_never
from uuid import uuid4

from sqlalchemy import exists, func, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from hotspot.adapters.one_time_login import OneTimeLogin, make_one_time_login
from hotspot.models import (
    Device,
    Grant,
    Offer,
    OfferSite,
    Patron,
    RememberedDevice,
    Site,
    Visitor,
    Voucher,
    VoucherBatch,
    WifiSession,
    WifiSessionCounter,
)
from hotspot.passwords import is_password
from hotspot.policy.admission import GrantTerms, decide_admission, is_over
from hotspot.policy.allowances import Usage
from hotspot.policy.opening_hours import Hours, closing_time, next_opening
from hotspot.policy.readers import years_between
from hotspot.policy.voucher_codes import parse_code
from hotspot.policy.voucher_use import Validity, end_from_now, why_not_usable
from hotspot.sealing import Vault
from hotspot.services.allowances import copied_from, once_open, terms_of, usage_of
from hotspot.services.announcing import is_anything_to_show, pass_turn
from hotspot.services.offers import current_terms
from hotspot.services.readers import AWAY_VISIT, CheckedCard, given_offer, identify_reader, reader_of
from hotspot.services.remembering import forget_former_person, move_to_address, remember_device
from hotspot.settings import Settings
from hotspot.values import Admit, MacAddress, RefusalReason, Refuse, Way


@dataclass(frozen=True, slots=True)
class LibraryCard:
    """Of the library's file; one that the library's own system has to say yes to is a `CheckedCard`."""

    card_number: str
    pin: str


@dataclass(frozen=True, slots=True)
class VoucherCodeGiven:
    code: str
    """As typed."""


@dataclass(frozen=True, slots=True)
class OneTap:
    """Nothing but the terms."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """Nothing was typed: its NAS, or its return token, has named a device that its person wanted to be remembered."""

    device: RememberedDevice


Credential = LibraryCard | CheckedCard | VoucherCodeGiven | OneTap | Remembered

_WAYS = {
    LibraryCard: Way.LIBRARY_CARD,
    CheckedCard: Way.LIBRARY_CARD,
    VoucherCodeGiven: Way.VOUCHER,
    OneTap: Way.ONE_TAP,
}


@dataclass(frozen=True, slots=True)
class SignInRequest:
    """What a door knows, all of it checked: at the portal the arrival by `portal/arrival.py`, the form by its view."""

    nas_id: int
    site_id: int
    device_mac: MacAddress
    offer_id: int | None
    """None where nobody could choose: the one of the voucher, else the site's first for this way."""
    credential: Credential
    terms_version: int | None
    """The version of the terms that was accepted; None if the box was not ticked."""
    language: str
    device_family: str = ""
    remember: bool = False
    """The person wants the device to be let in without typing next time."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    grant: Grant
    login: OneTimeLogin
    """To be stored after the commit, never before: a grant that was rolled back must not open the network."""
    remembered: RememberedDevice | None = None
    """It was asked for, and is done."""


@dataclass(frozen=True, slots=True)
class Announced:
    """All is well, but for an announcement that is to be seen first: `announcing.py`."""

    grant: Grant
    remembered: RememberedDevice | None = None


@dataclass(frozen=True, slots=True)
class Entered:
    """The answer to a NAS that asked by itself."""

    grant: Grant
    terms: GrantTerms
    usage: Usage
    admit: Admit


def sign_in(
    db: Session, request: SignInRequest, now: datetime, *, vault: Vault, settings: Settings
) -> SignedIn | Announced | Refuse:
    """For the portal: a grant, and the one-time login that opens the network for it."""
    grant = _give_grant(db, request, now, vault, settings)
    if isinstance(grant, Refuse):
        return grant
    signed_in = _with_login(db, grant, request.nas_id, now, settings)
    if isinstance(signed_in, Refuse):
        return signed_in
    forget_former_person(db, grant)
    remembered = remember_device(db, grant, now) if request.remember else None
    return replace(signed_in, remembered=remembered)


def return_device(
    db: Session, device: RememberedDevice, request: SignInRequest, now: datetime, *, vault: Vault, settings: Settings
) -> SignedIn | Announced | Refuse:
    """For the portal: a remembered device that is known by its return token. All rules of a sign-in hold, but that
    nothing is typed; from now on its address of today is the one that is remembered."""
    signed_in = sign_in(db, request, now, vault=vault, settings=settings)
    if isinstance(signed_in, Refuse):
        return signed_in
    move_to_address(db, device, request.device_mac, now)
    return replace(signed_in, remembered=device)


def enter(db: Session, request: SignInRequest, now: datetime, *, vault: Vault, settings: Settings) -> Entered | Refuse:
    """For a NAS that asks by itself. Asking again finds the same grant: an answer that was lost costs nothing."""
    grant = _give_grant(db, request, now, vault, settings)
    if isinstance(grant, Refuse):
        return grant
    entered = _entered(db, grant, now, settings)
    if isinstance(entered, Entered):
        forget_former_person(db, grant)
    return entered


def _give_grant(db: Session, request: SignInRequest, now: datetime, vault: Vault, settings: Settings) -> Grant | Refuse:
    """A device that comes back under the same offer continues the grant it has."""
    if request.terms_version is None:
        return Refuse(RefusalReason.TERMS_NOT_ACCEPTED)
    site = db.get_one(Site, request.site_id)
    closes_at = closing_time(site.hours, now)
    if closes_at is None:
        return Refuse(RefusalReason.SITE_CLOSED, again_at=next_opening(site.hours, now))
    offer = _offer_here(db, request, site, vault)
    if offer is None:
        return Refuse(RefusalReason.OFFER_NOT_HERE)
    person = _identify(db, request.credential, offer, site, now, vault)
    if not isinstance(person, Refuse):
        person = _too_many(db, request.device_mac, person.offer or offer, person, now, settings) or person
    if isinstance(person, Refuse):
        return person
    offer = person.offer or offer
    grant = _grant_to_continue(db, request.device_mac, offer, person, site, now)
    if grant is None:
        made = _new_grant(request, offer, person, site, closes_at, now, settings)
        worth = decide_admission(terms_of(made, settings, now), usage_of(db, made, now, settings), now)
        worth = once_open(worth, site.hours)
        if isinstance(worth, Refuse) and is_over(worth):  # half a minute before closing no voucher is used up
            return worth
        note_device(db, request, now)
        grant = _grant_to_continue(db, request.device_mac, offer, person, site, now) or _keep(
            db, made, person, site, now
        )
    return grant


def sign_in_again(
    db: Session, grant: Grant, nas_id: int, now: datetime, settings: Settings
) -> SignedIn | Announced | Refuse:
    """A new one-time login for a grant that still has something left: nothing to type for a device that comes back."""
    return _too_many_for(db, grant, now, settings) or _with_login(db, grant, nas_id, now, settings)


def enter_again(db: Session, grant: Grant, now: datetime, settings: Settings) -> Entered | Refuse:
    """The same for a NAS that asks by itself."""
    return _too_many_for(db, grant, now, settings) or _entered(db, grant, now, settings)


@dataclass(frozen=True, slots=True)
class _Person:
    """Who the grant is for: a patron, a voucher, a visitor with a pass, or a guest we do not know."""

    patron: Patron | None = None
    voucher: Voucher | None = None
    offer: Offer | None = None
    """That a rule gives in place of the one that was chosen."""
    unconfirmed: bool = False
    """The library's system was away."""
    visitor: Visitor | None = None
    born_on: date | None = None
    """What a library's system has said, and is not kept; of a patron of the file it is in the row."""


def _with_login(
    db: Session, grant: Grant, nas_id: int, now: datetime, settings: Settings
) -> SignedIn | Announced | Refuse:
    entered = _entered(db, grant, now, settings)  # what the NAS would be told: better said on the page
    if isinstance(entered, Refuse):
        return Announced(grant) if entered.reason is RefusalReason.ANNOUNCEMENT_DUE else entered
    return SignedIn(grant, make_one_time_login(nas_id, grant.device_mac, entered.terms, entered.usage))


def _entered(db: Session, grant: Grant, now: datetime, settings: Settings) -> Entered | Refuse:
    terms, usage = terms_of(grant, settings, now), usage_of(db, grant, now, settings)
    decision = decide_admission(terms, usage, now)
    is_due = isinstance(decision, Refuse) and decision.reason is RefusalReason.ANNOUNCEMENT_DUE
    if is_due and not is_anything_to_show(db, grant, now):
        pass_turn(db, grant, now)
        usage = replace(usage, since_announcement=timedelta(0))
        decision = decide_admission(terms, usage, now)
    decision = once_open(decision, grant.site.hours)
    if isinstance(decision, Refuse):
        return decision
    db.execute(update(Device).where(Device.mac == grant.device_mac).values(last_seen_at=now))
    return Entered(grant, terms, usage, decision)


def _offer_here(db: Session, request: SignInRequest, site: Site, vault: Vault) -> Offer | None:
    """The offer that was chosen, if it is to be had here in this way; where none was, the one that fits."""
    credential, offer_id = request.credential, request.offer_id
    way = credential.device.offer.way if isinstance(credential, Remembered) else _WAYS[type(credential)]
    here = (
        select(Offer)
        .join(OfferSite, OfferSite.offer_id == Offer.id)
        .where(Offer.way == way, OfferSite.site_id == site.id, Offer.retired_at.is_(None))
        .order_by(Offer.position, Offer.id)
        .limit(1)
    )
    if offer_id is not None:
        return db.scalar(here.where(Offer.id == offer_id))
    if isinstance(credential, VoucherCodeGiven) and (code := parse_code(credential.code)) is not None:
        batches = select(VoucherBatch.offer_id).join(Voucher).where(Voucher.code_digest == vault.digest(code))
        return db.scalar(here.where(Offer.id.in_(batches))) or db.scalar(here)
    return db.scalar(here.where(Offer.by_rule_only.is_(False)))


def _identify(
    db: Session, credential: Credential, offer: Offer, site: Site, now: datetime, vault: Vault
) -> _Person | Refuse:
    match credential:
        case LibraryCard():
            return _identify_patron(db, credential, offer, site, now)
        case CheckedCard():
            reader = identify_reader(db, credential, offer, site, now)
            if isinstance(reader, Refuse):
                return reader
            return _Person(
                patron=reader.patron, offer=reader.offer, unconfirmed=reader.unconfirmed, born_on=reader.born_on
            )
        case VoucherCodeGiven():
            return _identify_voucher(db, credential, offer, now, vault)
        case OneTap():
            return _Person()
        case Remembered(device):
            return _identify_remembered(db, device, site, now)
        case _:
            assert_never(credential)


def _identify_patron(db: Session, credential: LibraryCard, offer: Offer, site: Site, now: datetime) -> _Person | Refuse:
    """The row is locked, so that two devices of one person cannot both be the last one allowed."""
    if offer.library_system_id is not None:  # which is to be asked before: `CheckedCard`
        return Refuse(RefusalReason.LIBRARY_AWAY)
    patron = db.scalar(
        select(Patron)
        .where(
            Patron.organisation_id == offer.organisation_id,
            Patron.library_system_id.is_(None),
            Patron.card_number == credential.card_number.strip(),
        )
        .with_for_update(of=Patron)
    )
    if not is_password(credential.pin, patron.pin_hash if patron else None) or patron is None:
        return Refuse(RefusalReason.UNKNOWN_CARD_OR_PIN)
    if patron.blocked:
        return Refuse(RefusalReason.CARD_BLOCKED)
    given = given_offer(db, reader_of(patron), offer, site, now)
    return given if isinstance(given, Refuse) else _Person(patron=patron, offer=given)


def _identify_remembered(db: Session, device: RememberedDevice, site: Site, now: datetime) -> _Person | Refuse:
    """What its person is asked for today is asked of it too: a good card or voucher, and terms that were accepted."""
    if current_terms(db, site.organisation)[0] != device.terms_version:
        return Refuse(RefusalReason.TERMS_NOT_ACCEPTED)
    if device.patron_id is not None:
        return _if_good(db, db.get_one(Patron, device.patron_id, with_for_update=True), device.offer, site, now)
    voucher = db.scalars(select(Voucher).where(Voucher.id == device.voucher_id).with_for_update(of=Voucher)).one()
    return _if_usable(voucher, now)


def _if_good(db: Session, patron: Patron, offer: Offer, site: Site, now: datetime) -> _Person | Refuse:
    """Of a system's reader only what is kept can be asked; whom it has refused since is not remembered any more."""
    if patron.blocked:
        return Refuse(RefusalReason.CARD_BLOCKED)
    if patron.library_system_id is None:
        given = given_offer(db, reader_of(patron), offer, site, now)
        return given if isinstance(given, Refuse) else _Person(patron=patron, offer=given)
    if patron.confirmed_at is None:
        return Refuse(RefusalReason.DEVICE_NOT_REMEMBERED)
    if patron.expires_on is not None and patron.expires_on < now.astimezone(site.hours.zone).date():
        return Refuse(RefusalReason.CARD_EXPIRED, day=patron.expires_on)
    return _Person(patron=patron)


def _identify_voucher(
    db: Session, credential: VoucherCodeGiven, offer: Offer, now: datetime, vault: Vault
) -> _Person | Refuse:
    code = parse_code(credential.code)
    voucher = None
    if code is not None:
        voucher = db.scalar(
            select(Voucher)
            .join(VoucherBatch)
            .where(Voucher.code_digest == vault.digest(code), VoucherBatch.offer_id == offer.id)
            .with_for_update(of=Voucher)
        )
    return Refuse(RefusalReason.VOUCHER_UNKNOWN) if voucher is None else _if_usable(voucher, now)


def _if_usable(voucher: Voucher, now: datetime) -> _Person | Refuse:
    reason = why_not_usable(voucher.life, now)
    return _Person(voucher=voucher) if reason is None else Refuse(reason)


def _grant_to_continue(
    db: Session, device_mac: str, offer: Offer, person: _Person, site: Site, now: datetime
) -> Grant | None:
    return db.scalar(
        select(Grant)
        .where(
            Grant.device_mac == device_mac,
            Grant.offer_id == offer.id,
            Grant.site_id == site.id,
            Grant.ends_at > now,
            Grant.patron_id.is_(None) if person.patron is None else Grant.patron_id == person.patron.id,
            Grant.voucher_id.is_(None) if person.voucher is None else Grant.voucher_id == person.voucher.id,
        )
        .order_by(Grant.created_at.desc())
        .limit(1)
    )


def _other_devices(db: Session, device_mac: str, person: _Person, now: datetime, settings: Settings) -> int:
    """A person's other devices that are online, or on their way: who signs out makes room for the next device.

    A voucher stays with the devices that it was given to: a code must not travel from hand to hand. A guest has no
    other device that we know of.
    """
    others = select(func.count(Grant.device_mac.distinct())).where(Grant.ends_at > now, Grant.device_mac != device_mac)
    if person.voucher is not None:
        return db.scalar(others.where(Grant.voucher_id == person.voucher.id)) or 0
    if person.patron is not None:
        theirs = Grant.patron_id == person.patron.id
    elif person.visitor is not None:
        theirs = Grant.visitor_id == person.visitor.id
    else:
        return 0
    sessions = select(WifiSession.id).where(WifiSession.grant_id == Grant.id)
    since = now - settings.one_time_login_life
    on_its_way = (Grant.created_at > since) & ~sessions.exists()
    heard = sessions.join(WifiSessionCounter, WifiSessionCounter.id == WifiSession.id)
    back_on_its_way = exists().where(
        Device.mac == Grant.device_mac,
        Device.last_seen_at > since,
        ~heard.where(WifiSessionCounter.updated_at >= Device.last_seen_at).exists(),
    )
    online = sessions.where(WifiSession.ended_at.is_(None)).exists()
    return db.scalar(others.where(theirs, online | on_its_way | back_on_its_way)) or 0


def _too_many_for(db: Session, grant: Grant, now: datetime, settings: Settings) -> Refuse | None:
    """The person's row is locked, as at a first sign-in."""
    if grant.patron_id is not None:
        db.get_one(Patron, grant.patron_id, with_for_update=True)
    if grant.visitor_id is not None:
        db.get_one(Visitor, grant.visitor_id, with_for_update=True)
    person = _Person(grant.patron, grant.voucher, visitor=grant.visitor)
    return _too_many(db, grant.device_mac, grant.offer, person, now, settings)


def too_many_devices(
    db: Session, device_mac: str, offer: Offer, visitor: Visitor, now: datetime, settings: Settings
) -> Refuse | None:
    """For a pass that is about to be given; the visitor's row is locked."""
    return _too_many(db, device_mac, offer, _Person(visitor=visitor), now, settings)


def _too_many(
    db: Session, device_mac: str, offer: Offer, person: _Person, now: datetime, settings: Settings
) -> Refuse | None:
    at_once = offer.devices_at_once if person.voucher is None else person.voucher.batch.devices_at_once
    if _other_devices(db, device_mac, person, now, settings) < at_once:
        return None
    used_up = person.voucher is not None and at_once == 1
    return Refuse(RefusalReason.VOUCHER_USED if used_up else RefusalReason.TOO_MANY_DEVICES)


def _new_grant(
    request: SignInRequest,
    offer: Offer,
    person: _Person,
    site: Site,
    closes_at: datetime,
    now: datetime,
    settings: Settings,
) -> Grant:
    own_end = _own_end(offer, person.voucher, site.hours, now)
    if person.unconfirmed:
        own_end = min(own_end, now + AWAY_VISIT)
    assert request.terms_version is not None  # noqa: S101 - `_give_grant` refused it
    return Grant(
        id=uuid4(),
        offer_id=offer.id,
        offer=offer,
        site_id=site.id,
        site=site,
        nas_id=request.nas_id,
        device_mac=request.device_mac,
        patron_id=person.patron.id if person.patron else None,
        voucher_id=person.voucher.id if person.voucher else None,
        way=offer.way,
        terms_version=request.terms_version,
        language=request.language,
        created_at=now,
        ends_at=min(own_end, closes_at),
        ends_because=RefusalReason.SITE_CLOSED if closes_at < own_end else RefusalReason.GRANT_ENDED,
        **copied_from(offer, site, _age(person, now.astimezone(site.hours.zone).date()), settings),
        by_mac=isinstance(request.credential, Remembered),
        unconfirmed=person.unconfirmed,
    )


def _age(person: _Person, today: date) -> int | None:
    born_on = person.born_on or (person.patron.born_on if person.patron else None)
    return None if born_on is None else years_between(born_on, today)


def _own_end(offer: Offer, voucher: Voucher | None, hours: Hours, now: datetime) -> datetime:
    """Whatever closes before it. What a voucher was printed with goes before what its offer says."""
    if voucher is not None and voucher.ends_at is not None:
        return voucher.ends_at
    printed = None if voucher is None else voucher.batch.validity
    return end_from_now(printed or Validity(offer.visit_time), hours, now)


def _keep(db: Session, grant: Grant, person: _Person, site: Site, now: datetime) -> Grant:
    voucher = person.voucher
    if voucher is not None and voucher.redeemed_at is None:
        voucher.ends_at = _own_end(voucher.batch.offer, voucher, site.hours, now)
        voucher.redeemed_at = now
    db.add(grant)
    db.flush()
    return grant


class HeardOf(Protocol):
    """What a door knows of a device."""

    @property
    def device_mac(self) -> MacAddress: ...
    @property
    def device_family(self) -> str: ...
    @property
    def language(self) -> str: ...


def note_device(db: Session, request: HeardOf, now: datetime) -> None:
    """Locks the device's row until the commit: a button pressed twice waits here, then finds the grant of the first."""
    heard = {"family": request.device_family, "language": request.language, "last_seen_at": now}
    said = {name: value for name, value in heard.items() if value}  # a NAS knows nothing of a family
    insert: Any = sqlite_insert if db.get_bind().dialect.name == "sqlite" else postgresql_insert
    statement = insert(Device).values(mac=request.device_mac, first_seen_at=now, **heard)
    db.execute(statement.on_conflict_do_update(index_elements=["mac"], set_=said))
