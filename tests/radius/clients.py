"""NASes as the RADIUS door knows them, and what it makes of their packets, without a database."""

from typing import Any

from hotspot.models import MessageAuthenticatorMode
from hotspot.services.accounting import AccountingRecord
from hotspot.services.radius_clients import RadiusClient
from hotspot.vendors import VENDORS
from radius.handlers import _record
from radius.messages import AccountingRequest
from radius.protocol import Exchange
from tests.radius.packets import SECRET


def client(**overrides: Any) -> RadiusClient:
    """A CoovaChilli of which a Message-Authenticator is required."""
    fields: dict[str, Any] = {
        "nas_id": 1,
        "vendor": VENDORS["coovachilli"],
        "secret": SECRET,
        "message_authenticator": MessageAuthenticatorMode.REQUIRED,
        "message_authenticator_seen": False,
        "is_proxy": False,
        "swaps_octets": False,
        "site_id": 1,
        "sites": {},
    }
    return RadiusClient(**fields | overrides)


def record_of(exchange: Exchange) -> AccountingRecord | None:
    """What the door makes of an Accounting-Request, before it is kept."""
    assert isinstance(exchange.request, AccountingRequest)
    return _record(exchange, exchange.request)
