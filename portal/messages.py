"""Messages that visitors cause to be sent: in one transaction, within the limits."""

from collections.abc import Callable
from typing import TypeVar

from flask import request
from sqlalchemy.orm import Session

from hotspot.adapters.rate_limit import whose
from hotspot.models import PassRequest
from hotspot.policy.contacts import MailAddress, parse_mail_address
from hotspot.services.attempts import messages_of, texts_of, within_message_limits
from hotspot.services.passes import PassAsk
from hotspot.services.proving import contact_of
from hotspot.values import Refuse, Way
from portal.pass_forms import Read, Sponsored
from portal.resources import resources

Outcome = TypeVar("Outcome")


def counted(way: Way, read: Read, ask: PassAsk, work: Callable[[Session], Outcome | Refuse]) -> Outcome | Refuse:
    match read:
        case Sponsored(host=host):
            key = host.key
        case MailAddress():
            key = read.key
        case _:
            key = read
    return _within(way, key, ask.device_mac, ask.site_id, work)


def counted_again(asked: PassRequest, work: Callable[[Session], Outcome | Refuse]) -> Outcome | Refuse:
    contact = contact_of(asked, resources().vault)
    address = parse_mail_address(contact)
    return _within(asked.way, address.key if address else contact, asked.device_mac, asked.site_id, work)


def _within(
    way: Way, key: str, device_mac: str, site_id: int, work: Callable[[Session], Outcome | Refuse]
) -> Outcome | Refuse:
    made = resources()

    def in_one_transaction() -> Outcome | Refuse:
        with made.database.transaction() as db:
            return work(db)

    address = whose(request.remote_addr)
    messages = messages_of(way, key, device_mac=device_mac, site_id=site_id, address=address)
    texts = texts_of(way, site_id, made.settings)
    return within_message_limits(made.limits, messages, texts, made.clock(), in_one_transaction)
