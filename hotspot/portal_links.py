"""Addresses of the portal's pages that others must name: the NAS, and the page that sends the browser to it."""

from uuid import UUID

from hotspot.sealing import Vault
from hotspot.settings import Settings
from hotspot.values import RefusalReason

_ONLINE = "online"


def online_url(settings: Settings, vault: Vault, grant_id: UUID) -> str:
    """The grant's own "you are online" page. Stamped, so that nobody can look at another's, and short, since a vendor
    attribute holds 247 octets. RADIUS makes one for every Access-Accept."""
    return f"{settings.public_portal}/online/{vault.stamp(_ONLINE, grant_id.bytes)}"


def grant_of_token(vault: Vault, token: str) -> UUID | None:
    """The grant that an online page's token names, or None if we did not make it."""
    named = vault.check_stamp(_ONLINE, token)
    return UUID(bytes=named) if named is not None and len(named) == 16 else None


def refused_url(settings: Settings, reason: RefusalReason, nas_id: int | None = None) -> str:
    """The page that explains a refusal. With the NAS it can also offer the way back to it."""
    address = f"{settings.public_portal}/refused/{reason.value}"
    return address if nas_id is None else f"{address}?nas={nas_id}"


def identity_callback_url(settings: Settings, provider_id: int) -> str:
    """Where an identity provider sends the browser back to. Each has its own, so that one provider's answer cannot be
    handed in as another's (RFC 9700 section 4.4)."""
    return f"{settings.public_portal}/identity/{provider_id}/callback"


def identity_signed_out_url(settings: Settings) -> str:
    """Where an identity provider sends the browser after the logout there."""
    return f"{settings.public_portal}/identity/signed-out"
