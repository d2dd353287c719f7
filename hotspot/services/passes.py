"""Passes for the day that visitors get by themselves: the request, the opening, the proof, the grant.

Here is what all of these ways have in common. How something is proven is told elsewhere: codes in `proving.py`, the
word of a host in `sponsoring.py`. One pass for each person and device a day; what the person has used of it on one
device is not there a second time on another.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from hotspot.models import (
    Grant,
    Offer,
    OfferSite,
    PassRequest,
    PassState,
    Site,
    Visitor,
    WifiSession,
    WishKind,
    WishReason,
)
from hotspot.policy.admission import decide_admission, is_over
from hotspot.policy.allowances import Used
from hotspot.policy.opening_hours import closing_time, end_of_day, local_day, next_opening
from hotspot.sealing import Vault
from hotspot.services.allowances import copied_from, terms_of, usage_of
from hotspot.services.announcing import pass_turn
from hotspot.services.disconnecting import lengthen_sessions_of_grant
from hotspot.services.signing_in import Announced, SignedIn, note_device, sign_in_again, too_many_devices
from hotspot.services.visitors import know_visitor
from hotspot.services.wishes import ask as ask_sessions
from hotspot.settings import Settings
from hotspot.values import PASS_WAYS, MacAddress, RefusalReason, Refuse, Way

OPENING = timedelta(minutes=10)
MOST_IN_VAIN = 60
"""Openings of a site in an hour after which nothing was proven. Then the code comes first, for an hour at the most."""
"""To read a mail, or to visit an identity provider, before anything is proven: once per device and day."""
TIME_TO_ENTER = timedelta(hours=1)
"""From the proof until the device has come to be let in."""
_SHORTEST = timedelta(minutes=1)
_OF_A_PASS = (
    "time_allowed",
    "octets_allowed",
    "upload_octets_allowed",
    "download_octets_allowed",
    "announcement_every",
)
"""What an opening gets when it becomes the pass."""


@dataclass(frozen=True, slots=True)
class PassAsk:
    """What a door knows of somebody who wants a pass, all of it checked: as a SignInRequest, without any credential."""

    nas_id: int
    site_id: int
    device_mac: MacAddress
    offer_id: int
    terms_version: int | None
    """The version of the terms that was accepted; None if they were not."""
    language: str
    device_family: str = ""


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom it is about: what was typed, or what an identity provider says."""

    key: str
    """Makes it the same person next time: normalised by whoever read it."""
    shown: str
    """What authorised staff would read, and what a message is sent to."""

    def digest(self, way: Way, vault: Vault) -> bytes:
        return vault.digest(f"visitor {way}:{self.key}")


# ---- the request ----


def begin_request(
    db: Session,
    ask: PassAsk,
    way: Way,
    contact: Contact | None,
    now: datetime,
    *,
    life: timedelta,
    vault: Vault,
) -> PassRequest | Refuse:
    """A request that waits for its proof; an earlier one of the device waits no longer.

    The same contact once more, as when a button is pressed twice, is the request that is there. A device whose pass
    lasts gets one that is proven already. Whether a contact is known to us makes no difference to what is answered.
    """
    if ask.terms_version is None:
        return Refuse(RefusalReason.TERMS_NOT_ACCEPTED)
    site = db.get_one(Site, ask.site_id)
    if closing_time(site.hours, now) is None:
        return Refuse(RefusalReason.SITE_CLOSED, again_at=next_opening(site.hours, now))
    offer = _offer_here(db, ask, way)
    if offer is None:
        return Refuse(RefusalReason.OFFER_NOT_HERE)
    note_device(db, ask, now)  # locks the device: what is pressed twice waits here
    had = _passes_of_day(db, PassRequest.device_mac == ask.device_mac, site, now)
    refusal = _why_not_again(offer, had, site, now)
    if refusal is not None:
        return refusal
    digest = contact.digest(way, vault) if contact else None
    waiting = find_waiting(db, ask.device_mac, ask.site_id, now)
    if waiting and not had and digest and (waiting.offer_id, waiting.contact_digest) == (offer.id, digest):
        return waiting
    _replace_earlier(db, ask.device_mac)
    request = PassRequest(
        offer=offer,
        site=site,
        nas_id=ask.nas_id,
        device_mac=ask.device_mac,
        way=way,
        contact_digest=digest,
        contact_sealed=vault.seal(contact.shown) if contact else None,
        terms_version=ask.terms_version,
        language=ask.language,
        state=PassState.WAITING,
        tries=0,
        sends=0,
        created_at=now,
        expires_at=now + life,
    )
    if had:
        request.state, request.settled_at, request.visitor_id = PassState.PROVEN, now, had[0].visitor_id
        request.expires_at = now + TIME_TO_ENTER
    db.add(request)
    db.flush()
    return request


def find_waiting(db: Session, device_mac: str, site_id: int, now: datetime) -> PassRequest | None:
    """The device's last request at this site, while it can still be proven or entered."""
    return db.scalar(
        select(PassRequest)
        .where(
            PassRequest.device_mac == device_mac,
            PassRequest.site_id == site_id,
            PassRequest.state.in_([PassState.WAITING, PassState.PROVEN]),
            PassRequest.expires_at > now,
        )
        .order_by(PassRequest.created_at.desc(), PassRequest.id.desc())
        .limit(1)
    )


def request_of_grant(db: Session, grant_id: UUID) -> PassRequest | None:
    """The last one that this grant was the opening of, or became the pass of."""
    return db.scalar(
        select(PassRequest).where(PassRequest.grant_id == grant_id).order_by(PassRequest.id.desc()).limit(1)
    )


def get_request(db: Session, request_id: int) -> PassRequest | None:
    """Locked: two answers to one request come one after the other."""
    return db.get(PassRequest, request_id, with_for_update={"of": PassRequest})


# ---- the opening ----


def open_for_a_while(db: Session, request: PassRequest, now: datetime, settings: Settings) -> Grant | None:
    """Some minutes online before anything is proven; None if the device has had them today, or the place closes, or too
    many openings here led to nothing: addresses of devices and of mail can be made up.

    Whoever asks anew while the opening lasts, having mistyped an address, goes on with it.
    """
    midnight, _ = local_day(request.site.hours, now)
    openings = db.scalars(
        select(Grant)
        .where(
            Grant.device_mac == request.device_mac,
            Grant.created_at >= midnight,
            Grant.way.in_(PASS_WAYS),
            Grant.visitor_id.is_(None),
        )
        .order_by(Grant.created_at.desc())
    ).all()
    going_on = next((each for each in openings if _is_of(each, request) and each.ends_at > now), None)
    if openings:
        request.grant = going_on
        return going_on
    if _vain_openings(db, request.site_id, now) >= MOST_IN_VAIN:
        return None
    grant = _new_grant(request, now, settings)
    grant.ends_at, grant.ends_because = min(grant.ends_at, now + OPENING), RefusalReason.PROOF_AWAITED
    grant.announcement_every = None  # whoever has ten minutes to read a mail is not kept from it
    if is_over(decide_admission(terms_of(grant, settings, now), usage_of(db, grant, now, settings), now)):
        return None
    request.grant = grant
    db.add(grant)
    db.flush()
    return grant


def _vain_openings(db: Session, site_id: int, now: datetime) -> int:
    """Of the last hour, those that ended without a proof."""
    in_vain = (Grant.created_at > now - timedelta(hours=1)) & (Grant.ends_at <= now) & Grant.visitor_id.is_(None)
    counted = select(func.count(Grant.id)).where(in_vain, Grant.site_id == site_id, Grant.way.in_(PASS_WAYS))
    return db.scalar(counted) or 0


def _is_of(grant: Grant, request: PassRequest) -> bool:
    return (grant.offer_id, grant.site_id) == (request.offer_id, request.site_id)


# ---- the proof and the pass ----


def prove(db: Session, request: PassRequest, now: datetime, vault: Vault, contact: Contact | None = None) -> None:
    """What the request was waiting for has come. `contact`: where it was not known before."""
    if contact is not None:
        request.contact_digest = contact.digest(request.way, vault)
        request.contact_sealed = vault.seal(contact.shown)
    request.visitor = know_visitor(db, request, now)
    request.state, request.settled_at = PassState.PROVEN, now
    request.expires_at = now + TIME_TO_ENTER
    db.flush()


def grant_pass(db: Session, request: PassRequest, now: datetime, settings: Settings) -> Grant | Refuse:
    """The pass of a request that is PROVEN. An opening becomes it, and its connection goes on without a break where
    the access point can do that. Asked again, the same grant. The request is locked."""
    if request.state is PassState.GRANTED and request.grant is not None:
        return request.grant
    refusal = _why_no_pass(db, request, now, settings)
    if refusal is not None:
        return refusal
    if request.grant is None:
        request.grant = _going_on(db, request, now)
        if request.grant is not None:
            request.state = PassState.GRANTED
            return request.grant
    full = _new_grant(request, now, settings)
    worth = decide_admission(terms_of(full, settings, now), usage_of(db, full, now, settings), now)
    if isinstance(worth, Refuse) and is_over(worth):
        tomorrow = _tomorrow(request.site, now)
        return replace(worth, again_at=max(worth.again_at or tomorrow, tomorrow))  # the week's begins anew on Monday
    opened = request.grant
    if opened is not None and opened.ends_because is RefusalReason.ENDED_BY_STAFF:
        return Refuse(RefusalReason.ENDED_BY_STAFF, again_at=_tomorrow(request.site, now))
    if opened is not None:
        opened.ends_at, opened.ends_because, opened.visitor_id = full.ends_at, full.ends_because, request.visitor_id
        for column in _OF_A_PASS:
            setattr(opened, column, getattr(full, column))
        pass_turn(db, opened, now)  # its connection goes on: the first announcement comes after a full interval
        lengthen_sessions_of_grant(db, opened.id, "system", now)
    else:
        request.grant = full
        db.add(full)
    request.state, request.granted_at = PassState.GRANTED, now
    db.flush()
    assert request.grant is not None  # noqa: S101 - set above
    return request.grant


def _going_on(db: Session, request: PassRequest, now: datetime) -> Grant | None:
    """The person's pass on this device, here, while it lasts: asked for anew it is the same one."""
    return db.scalar(
        select(Grant)
        .where(
            Grant.device_mac == request.device_mac,
            Grant.offer_id == request.offer_id,
            Grant.site_id == request.site_id,
            Grant.visitor_id == request.visitor_id,
            Grant.ends_at > now,
        )
        .order_by(Grant.created_at.desc())
        .limit(1)
    )


def lengthen_late_starts(db: Session, now: datetime) -> int:
    """Sessions of openings that had not begun for us when their pass was given: they have the opening's few minutes.

    How many are asked to go on; once each.
    """
    late = (
        select(WifiSession.id)
        .join(Grant, Grant.id == WifiSession.grant_id)
        .join(PassRequest, PassRequest.grant_id == Grant.id)
        .where(PassRequest.granted_at > now - OPENING, Grant.created_at < PassRequest.granted_at)
    )
    return ask_sessions(db, WifiSession.id.in_(late), WishKind.CHANGE, WishReason.LENGTHENED, "system", now)


def enter(
    db: Session, request: PassRequest, nas_id: int, now: datetime, settings: Settings
) -> SignedIn | Announced | Refuse:
    """The device is let in: the pass, and the one-time login for it."""
    grant = grant_pass(db, request, now, settings)
    if isinstance(grant, Refuse):
        return grant
    return sign_in_again(db, grant, nas_id, now, settings)


def _why_no_pass(db: Session, request: PassRequest, now: datetime, settings: Settings) -> Refuse | None:
    site, offer = request.site, request.offer
    if request.state is not PassState.PROVEN or request.expires_at <= now:
        return Refuse(RefusalReason.CODE_EXPIRED)
    if closing_time(site.hours, now) is None:
        return Refuse(RefusalReason.SITE_CLOSED, again_at=next_opening(site.hours, now))
    visitor = db.get_one(Visitor, request.visitor_id, with_for_update=True)
    on_this_device = _passes_of_day(db, PassRequest.device_mac == request.device_mac, site, now)
    if any(each.visitor_id != visitor.id for each in on_this_device):
        return Refuse(RefusalReason.PASS_USED_TODAY, again_at=_tomorrow(site, now))
    had = _passes_of_day(db, PassRequest.visitor_id == visitor.id, site, now)
    return _why_not_again(offer, had, site, now) or too_many_devices(
        db, request.device_mac, offer, visitor, now, settings
    )


def _why_not_again(offer: Offer, had: Sequence[PassRequest], site: Site, now: datetime) -> Refuse | None:
    """The pass of the day goes on until its end, on another device or at another site; then there is none."""
    if not had:
        return None
    again_at = _tomorrow(site, now)
    if any(each.grant is not None and each.grant.ends_because is RefusalReason.ENDED_BY_STAFF for each in had):
        return Refuse(RefusalReason.ENDED_BY_STAFF, again_at)
    is_another = any(each.offer_id != offer.id or each.visitor_id is None for each in had)
    if is_another or _end_of_pass(offer, had, site, now) - now < _SHORTEST:
        return Refuse(RefusalReason.PASS_USED_TODAY, again_at)
    return None


def _passes_of_day(db: Session, whose: ColumnElement[bool], site: Site, now: datetime) -> Sequence[PassRequest]:
    """Those that were given since this site's midnight, the first one first."""
    midnight, _ = local_day(site.hours, now)
    return db.scalars(
        select(PassRequest).where(whose, PassRequest.granted_at >= midnight).order_by(PassRequest.granted_at)
    ).all()


def _end_of_pass(offer: Offer, had: Sequence[PassRequest], site: Site, now: datetime) -> datetime:
    """It begins where it is first used that day: on a second device, or at a second site, it is the same pass."""
    if offer.visit_time is None:
        return end_of_day(site.hours, now)
    began_at = had[0].granted_at if had else None
    return (began_at or now) + offer.visit_time


def _new_grant(request: PassRequest, now: datetime, settings: Settings) -> Grant:
    """All that is left of the person's pass today. Not in the session yet."""
    db, offer, site = Session.object_session(request), request.offer, request.site
    assert db is not None  # noqa: S101 - a request that was read is in a session
    closes_at = closing_time(site.hours, now) or now
    had: Sequence[PassRequest] = ()
    if request.visitor_id is not None:
        had = _passes_of_day(db, PassRequest.visitor_id == request.visitor_id, site, now)
    own_end = _end_of_pass(offer, had, site, now)
    used = sum((usage_of(db, each.grant, now, settings).visit for each in had if each.grant is not None), start=Used())
    return Grant(
        id=uuid4(),
        offer_id=offer.id,
        offer=offer,
        site_id=site.id,
        site=site,
        nas_id=request.nas_id,
        device_mac=request.device_mac,
        visitor_id=request.visitor_id,
        way=request.way,
        terms_version=request.terms_version,
        language=request.language,
        created_at=now,
        ends_at=min(own_end, closes_at),
        ends_because=RefusalReason.SITE_CLOSED if closes_at < own_end else RefusalReason.GRANT_ENDED,
        **copied_from(offer, site, None, settings) | _left_of(offer, used),
        by_mac=False,
        unconfirmed=False,
    )


def _left_of(offer: Offer, used: Used) -> dict[str, Any]:
    """On another device, or at another site, the pass of the day goes on with what is left of it."""
    time = offer.time_allowed
    return {"time_allowed": None if time is None else max(time - used.time, timedelta())} | {
        column: None if allowed is None else max(allowed - octets, 0)
        for column, allowed, octets in (
            ("octets_allowed", offer.octets_allowed, used.octets),
            ("upload_octets_allowed", offer.upload_octets_allowed, used.upload_octets),
            ("download_octets_allowed", offer.download_octets_allowed, used.download_octets),
        )
    }


def _tomorrow(site: Site, now: datetime) -> datetime:
    """When there is another pass: after midnight, once the place is open."""
    _, midnight = local_day(site.hours, now)
    return next_opening(site.hours, midnight) or midnight


def _offer_here(db: Session, ask: PassAsk, way: Way) -> Offer | None:
    return db.scalar(
        select(Offer)
        .join(OfferSite, OfferSite.offer_id == Offer.id)
        .where(
            Offer.id == ask.offer_id,
            Offer.way == way,
            OfferSite.site_id == ask.site_id,
            Offer.retired_at.is_(None),
        )
    )


def _replace_earlier(db: Session, device_mac: str) -> None:
    db.execute(
        update(PassRequest)
        .where(
            PassRequest.device_mac == device_mac,
            PassRequest.state.in_([PassState.WAITING, PassState.PROVEN]),
        )
        .values(state=PassState.REPLACED, code_digest=None)
    )
