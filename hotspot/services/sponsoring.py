"""A host answers for a visitor: asked by mail, says yes or no on a page, within a quarter of an hour.

The link in the mail opens that page and changes nothing: mail scanners follow links. Only its buttons do.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy.orm import Session

from hotspot.models import Offer, PassRequest, PassState
from hotspot.pass_wording import host_mail
from hotspot.policy.contacts import MailAddress, is_host_of
from hotspot.policy.opening_hours import closing_time, end_of_day
from hotspot.portal_links import host_url
from hotspot.services.outbox import write_mail
from hotspot.services.passes import Contact, PassAsk, begin_request, get_request, prove
from hotspot.services.proving import Codes
from hotspot.values import RefusalReason, Refuse, Way

HOST_LIFE = timedelta(minutes=15)


def ask_host(
    db: Session, ask: PassAsk, name: str, host: MailAddress, now: datetime, codes: Codes
) -> PassRequest | Refuse:
    """The host's mail is on its way. `name`: as the visitor gives it, read by `parse_name`: it proves nothing."""
    offer = db.get(Offer, ask.offer_id)
    if offer is not None and offer.way is Way.SPONSOR and not is_host_of(host, offer.sponsor_domains.split()):
        return Refuse(RefusalReason.HOST_NOT_ALLOWED)
    contact = Contact(f"{name.casefold()} {host.key}", f"{name} ({host.address})")
    request = begin_request(db, ask, Way.SPONSOR, contact, now, life=HOST_LIFE, vault=codes.vault)
    if isinstance(request, Refuse) or request.state is not PassState.WAITING or request.sends:
        return request
    request.host_sealed = codes.vault.seal(host.address)
    request.sends, request.sent_at = 1, now
    link = host_url(codes.settings, codes.vault, request.id)
    subject, body = host_mail(name, link, request.site.name, _minutes(HOST_LIFE), codes.settings.default_language)
    write_mail(db, host.address, subject, body, now, give_up_at=request.expires_at)
    return request


class Standing(StrEnum):
    """How a request stands, for the host who looks at it."""

    ASKED = "asked"
    APPROVED = "approved"
    REFUSED = "refused"
    LATE = "late"
    """Nobody answered in time, or the visitor has asked anew."""


@dataclass(frozen=True, slots=True)
class HostView:
    visitor: str
    site_name: str
    asked_at: datetime
    ends_at: datetime
    """When the visit would end if it began now."""
    standing: Standing
    settled_at: datetime | None
    language: str
    site_id: int


def show_to_host(db: Session, request_id: int, now: datetime, codes: Codes) -> HostView | None:
    request = db.get(PassRequest, request_id)
    if request is None or request.way is not Way.SPONSOR or request.contact_sealed is None:
        return None
    site, offer = request.site, request.offer
    ends_at = now + offer.visit_time if offer.visit_time is not None else end_of_day(site.hours, now)
    return HostView(
        visitor=visitor_name(request, codes),
        site_name=site.name,
        asked_at=request.created_at,
        ends_at=min(ends_at, closing_time(site.hours, now) or ends_at),
        standing=_standing(request, now),
        settled_at=request.settled_at,
        language=request.language,
        site_id=site.id,
    )


def answer_as_host(db: Session, request_id: int, now: datetime, codes: Codes, *, approves: bool) -> None:
    """The first answer in time counts; any other changes nothing."""
    request = get_request(db, request_id)
    if request is None or request.way is not Way.SPONSOR or _standing(request, now) is not Standing.ASKED:
        return
    if approves:
        prove(db, request, now, codes.vault)
    else:
        request.state, request.settled_at = PassState.REFUSED, now


def why_not_sponsored(request: PassRequest, now: datetime) -> Refuse | None:
    """For the visitor who waits; None while there is hope."""
    match _standing(request, now):
        case Standing.REFUSED:
            return Refuse(RefusalReason.HOST_REFUSED)
        case Standing.LATE:
            return Refuse(RefusalReason.HOST_SILENT)
    return None


def visitor_name(request: PassRequest, codes: Codes) -> str:
    """Without the host, whom the screen need not show."""
    return codes.vault.open(request.contact_sealed).rpartition(" (")[0] if request.contact_sealed else ""


def _standing(request: PassRequest, now: datetime) -> Standing:
    match request.state:
        case PassState.PROVEN | PassState.GRANTED:
            return Standing.APPROVED
        case PassState.REFUSED:
            return Standing.REFUSED
        case PassState.WAITING if request.expires_at > now:
            return Standing.ASKED
    return Standing.LATE


def _minutes(length: timedelta) -> int:
    return int(length.total_seconds()) // 60
