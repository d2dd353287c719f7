"""Codes by mail and by text message: made, sent, sent again, typed; and the link in the mail, which says the same.

A code has six digits, lives for ten minutes, and may be typed wrongly five times. Kept as a keyed digest that is bound
to its request; the message that carries it is erased once it has left.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from hotspot.models import PassRequest, PassState
from hotspot.pass_wording import code_mail, code_text
from hotspot.policy.contacts import MailAddress, mask_address, mask_number
from hotspot.portal_links import confirm_url
from hotspot.sealing import Vault
from hotspot.services.outbox import write_mail, write_text
from hotspot.services.passes import (
    Contact,
    PassAsk,
    begin_request,
    get_request,
    grant_pass,
    open_for_a_while,
    prove,
)
from hotspot.settings import Settings
from hotspot.values import RefusalReason, Refuse, Way

CODE_LIFE = timedelta(minutes=10)
MOST_TRIES = 5
MOST_SENDS = 3
"""The first, and two more."""
SEND_AGAIN_AFTER = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Codes:
    """What every function here works with."""

    vault: Vault
    settings: Settings


def ask_by_mail(db: Session, ask: PassAsk, address: MailAddress, now: datetime, codes: Codes) -> PassRequest | Refuse:
    """The code is on its way, and where the device has had none today, so is the opening to read it."""
    contact = Contact(address.key, address.address)
    request = begin_request(db, ask, Way.EMAIL_CODE, contact, now, life=CODE_LIFE, vault=codes.vault)
    if not isinstance(request, Refuse) and request.state is PassState.WAITING:
        if request.sends == 0:
            _send(db, request, now, codes)
        open_for_a_while(db, request, now, codes.settings)
    return request


def ask_by_text(db: Session, ask: PassAsk, number: str, now: datetime, codes: Codes) -> PassRequest | Refuse:
    """`number`: E.164. A text message arrives without the Wi-Fi: there is no opening."""
    contact = Contact(number, number)
    request = begin_request(db, ask, Way.SMS_CODE, contact, now, life=CODE_LIFE, vault=codes.vault)
    if not isinstance(request, Refuse) and request.state is PassState.WAITING and request.sends == 0:
        _send(db, request, now, codes)
    return request


def contact_of(request: PassRequest, vault: Vault) -> str:
    """What is written to: an address, or a number in E.164."""
    return vault.open(request.contact_sealed) if request.contact_sealed else ""


def awaits_code(request: PassRequest) -> bool:
    """The one that was sent, or another one in its place."""
    return request.way in (Way.EMAIL_CODE, Way.SMS_CODE) and request.state in (PassState.WAITING, PassState.DEAD)


def why_not_send_again(request: PassRequest, now: datetime) -> Refuse | None:
    """A further code may be asked for after a while, and not for ever; also in place of one that is worth nothing."""
    if not awaits_code(request) or request.sent_at is None:
        return Refuse(RefusalReason.CODE_EXPIRED)
    if request.sends >= MOST_SENDS:
        return Refuse(RefusalReason.CODE_SENT_TOO_OFTEN)
    if now - request.sent_at < SEND_AGAIN_AFTER:
        return Refuse(RefusalReason.CODE_JUST_SENT, again_at=request.sent_at + SEND_AGAIN_AFTER)
    return None


def send_again(db: Session, request_id: int, now: datetime, codes: Codes) -> PassRequest | Refuse:
    """A new code, which takes the place of the one before."""
    request = get_request(db, request_id)
    if request is None:
        return Refuse(RefusalReason.CODE_EXPIRED)
    refusal = why_not_send_again(request, now)
    if refusal is not None:
        return refusal
    request.state, request.tries, request.expires_at = PassState.WAITING, 0, now + CODE_LIFE
    _send(db, request, now, codes)
    return request


def try_code(db: Session, request_id: int, code: str, now: datetime, codes: Codes) -> PassRequest | Refuse:
    """The request, PROVEN or, with an opening, GRANTED: the same again for a code that is sent twice. A refusal may
    have been written down too: a wrong code counts."""
    request = get_request(db, request_id)
    refusal = _why_no_proof(request, now)
    if request is None or refusal is not None:
        return refusal or Refuse(RefusalReason.CODE_EXPIRED)
    if request.state is PassState.WAITING:
        typed = "".join(str(int(sign)) for sign in code if sign.isdecimal())  # of any script, spaced as people like
        if not hmac.compare_digest(_digest(request, typed, codes.vault), request.code_digest or b""):
            return _count_wrong(request)
        prove(db, request, now, codes.vault)
    return _grant_if_open(db, request, now, codes.settings)


def confirm_by_link(db: Session, request_id: int, sends: int, now: datetime, codes: Codes) -> PassRequest | Refuse:
    """The button behind the link of a mail. `sends`: which of its mails that was."""
    request = get_request(db, request_id)
    refusal = why_not_confirm(request, sends, now)
    if request is None or refusal is not None:
        return refusal or Refuse(RefusalReason.CODE_EXPIRED)
    if request.state is PassState.WAITING:
        prove(db, request, now, codes.vault)
    return _grant_if_open(db, request, now, codes.settings)


def why_not_confirm(request: PassRequest | None, sends: int, now: datetime) -> Refuse | None:
    refusal = _why_no_proof(request, now)
    if refusal is None and request is not None and request.sends != sends:
        return Refuse(RefusalReason.CODE_EXPIRED)
    return refusal


def sent_to(request: PassRequest, vault: Vault) -> str:
    """Masked, for the screen."""
    contact = contact_of(request, vault)
    return mask_number(contact) if request.way is Way.SMS_CODE else mask_address(contact)


def _why_no_proof(request: PassRequest | None, now: datetime) -> Refuse | None:
    if request is None or request.state is PassState.REPLACED:
        return Refuse(RefusalReason.CODE_EXPIRED)
    if request.state is PassState.DEAD:
        return Refuse(RefusalReason.CODE_TRIED_TOO_OFTEN)
    if request.state is not PassState.GRANTED and request.expires_at <= now:
        return Refuse(RefusalReason.CODE_EXPIRED)
    return None


def _count_wrong(request: PassRequest) -> Refuse:
    request.tries += 1
    if request.tries < MOST_TRIES:
        return Refuse(RefusalReason.CODE_WRONG)
    request.state, request.code_digest = PassState.DEAD, None
    return Refuse(RefusalReason.CODE_TRIED_TOO_OFTEN)


def _grant_if_open(db: Session, request: PassRequest, now: datetime, settings: Settings) -> PassRequest | Refuse:
    """Whoever is online already stays so; anybody else comes to be let in."""
    request.code_digest = None
    if request.grant is not None:
        grant = grant_pass(db, request, now, settings)
        if isinstance(grant, Refuse):
            return grant
    return request


def _send(db: Session, request: PassRequest, now: datetime, codes: Codes) -> None:
    code = f"{secrets.randbelow(1_000_000):06}"
    request.sends, request.sent_at = request.sends + 1, now
    request.code_digest = _digest(request, code, codes.vault)
    contact, site = contact_of(request, codes.vault), request.site.name
    if request.way is Way.SMS_CODE:
        write_text(db, contact, code_text(code, site, request.language), now, give_up_at=request.expires_at)
        return
    link = confirm_url(codes.settings, codes.vault, request.id, request.sends)
    subject, body = code_mail(code, link, site, request.language)
    write_mail(db, contact, subject, body, now, give_up_at=request.expires_at)


def _digest(request: PassRequest, code: str, vault: Vault) -> bytes:
    return vault.digest(f"pass code {request.id}:{request.sends}:{code}")
