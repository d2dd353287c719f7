"""Visitors for whom an identity provider vouches: some minutes to go there, the proof, the pass.

Who they are is the pair of issuer and subject, and nothing else: neither a name nor an address is asked for.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from hotspot.adapters.openid.provider import Proof
from hotspot.models import Grant, IdentityProvider, PassRequest, PassState
from hotspot.policy.opening_hours import local_day, next_opening
from hotspot.sealing import Vault
from hotspot.services.passes import (
    OPENING,
    Contact,
    PassAsk,
    begin_request,
    enter,
    find_waiting,
    get_request,
    grant_pass,
    open_for_a_while,
    prove,
    request_of_grant,
)
from hotspot.services.signing_in import Announced, SignedIn, sign_in_again
from hotspot.settings import Settings
from hotspot.values import RefusalReason, Refuse, Way


@dataclass(frozen=True, slots=True)
class Identifying:
    """A visit that waits for its visitor to be identified."""

    request_id: int
    grant_id: UUID
    provider: IdentityProvider
    device_family: str
    language: str


def open_to_identify(
    db: Session, ask: PassAsk, now: datetime, vault: Vault, settings: Settings
) -> SignedIn | Announced | Refuse:
    """The device is let in for some minutes, so that the provider can be reached; or for its pass, if it has one."""
    proven = _find_proven(db, ask, now)
    if proven is not None:
        return enter(db, proven, ask.nas_id, now, settings)
    request = begin_request(db, ask, Way.OPENID_CONNECT, None, now, life=OPENING, vault=vault)
    if isinstance(request, Refuse):
        return request
    if request.state is PassState.PROVEN:
        return enter(db, request, ask.nas_id, now, settings)
    grant = open_for_a_while(db, request, now, settings)
    if grant is None:
        _, midnight = local_day(request.site.hours, now)
        return Refuse(RefusalReason.IDENTITY_AWAITED, again_at=next_opening(request.site.hours, midnight) or midnight)
    if grant.ends_because is RefusalReason.PROOF_AWAITED:
        grant.ends_because = RefusalReason.IDENTITY_AWAITED
    request.expires_at = grant.ends_at
    db.flush()
    return sign_in_again(db, grant, ask.nas_id, now, settings)


def find_identifying(db: Session, grant_id: UUID, now: datetime) -> Identifying | None:
    """None once it is identified, or its minutes are over, or the provider is used no longer."""
    request = request_of_grant(db, grant_id)
    if request is None or request.way is not Way.OPENID_CONNECT:
        return None
    provider = request.offer.identity_provider
    is_open = request.state is PassState.WAITING and request.expires_at > now
    if not is_open or provider is None or provider.retired_at is not None:
        return None
    return Identifying(request.id, grant_id, provider, request.device.family, request.language)


def find_provider(db: Session, provider_id: int) -> IdentityProvider | None:
    found = db.get(IdentityProvider, provider_id)
    return found if found is not None and found.retired_at is None else None


def settle(
    db: Session, request_id: int, proof: Proof, now: datetime, vault: Vault, settings: Settings
) -> Grant | Refuse:
    """The visitor is known: the minutes become the pass, and the connection goes on."""
    request = get_request(db, request_id)
    if request is None or request.way is not Way.OPENID_CONNECT or request.state is not PassState.WAITING:
        return Refuse(RefusalReason.IDENTITY_STALE)
    if request.expires_at <= now:
        return Refuse(RefusalReason.IDENTITY_AWAITED)
    prove(db, request, now, vault, Contact(f"{proof.issuer} {proof.subject}", f"{proof.subject} ({proof.issuer})"))
    return grant_pass(db, request, now, settings)


def _find_proven(db: Session, ask: PassAsk, now: datetime) -> PassRequest | None:
    """Identified a while ago, and not let in then: too many devices were online, say."""
    waiting = find_waiting(db, ask.device_mac, ask.site_id, now)
    if waiting is None or waiting.state is not PassState.PROVEN or waiting.terms_version != ask.terms_version:
        return None
    is_this = waiting.way is Way.OPENID_CONNECT and waiting.offer_id == ask.offer_id
    return get_request(db, waiting.id) if is_this else None
