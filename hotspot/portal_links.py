"""Addresses of the portal's pages that others must name: the NAS, and the page that sends the browser to it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from struct import Struct
from uuid import UUID

from hotspot.sealing import Vault
from hotspot.settings import Settings
from hotspot.values import RefusalReason

_ONLINE = "online"
_TURN = "announcement"
_PREVIEW, _PREVIEW_FACTS = "announcement preview", Struct(">IIH?Q")
PREVIEW_LIFE = timedelta(hours=2)
"""As long as a member of staff may pause."""
_PICTURE = "picture"
_PASS, _CONFIRM, _HOST = "pass request", "pass by link", "pass by host"


def online_url(settings: Settings, vault: Vault, grant_id: UUID) -> str:
    """The grant's own "you are online" page. Stamped, so that nobody can look at another's, and short, since a vendor
    attribute holds 247 octets. RADIUS makes one for every Access-Accept."""
    return f"{settings.public_portal}/online/{vault.stamp(_ONLINE, grant_id.bytes)}"


def grant_of_token(vault: Vault, token: str) -> UUID | None:
    """The grant that an online page's token names, or None if we did not make it."""
    named = vault.check_stamp(_ONLINE, token)
    return UUID(bytes=named) if named is not None and len(named) == 16 else None


def announcement_token(vault: Vault, turn_id: UUID) -> str:
    """Of one turn: what its page brings back when it was seen."""
    return vault.stamp(_TURN, turn_id.bytes)


def turn_of_token(vault: Vault, token: str) -> UUID | None:
    named = vault.check_stamp(_TURN, token)
    return UUID(bytes=named) if named is not None and len(named) == 16 else None


@dataclass(frozen=True, slots=True)
class Preview:
    """What staff look at before visitors do: an announcement at a site, while its time runs or when it is over."""

    announcement_id: int
    site_id: int
    length: timedelta
    is_over: bool
    made_at: datetime


def preview_url(settings: Settings, vault: Vault, preview: Preview, language: str) -> str:
    """The portal's own page. It counts nothing, and lets nobody in."""
    octets = _PREVIEW_FACTS.pack(
        preview.announcement_id,
        preview.site_id,
        int(preview.length.total_seconds()),
        preview.is_over,
        int(preview.made_at.timestamp()),
    )
    token = vault.stamp(_PREVIEW, octets)
    return f"{settings.public_portal}/announcement/preview?preview={token}&lang={language}"


def preview_of_token(vault: Vault, token: str, now: datetime) -> Preview | None:
    """None for one that we did not make, or that is too old."""
    named = vault.check_stamp(_PREVIEW, token)
    if named is None or len(named) != _PREVIEW_FACTS.size:
        return None
    announcement_id, site_id, seconds, is_over, made_at = _PREVIEW_FACTS.unpack(named)
    preview = Preview(
        announcement_id, site_id, timedelta(seconds=seconds), is_over, datetime.fromtimestamp(made_at, UTC)
    )
    return preview if now - preview.made_at < PREVIEW_LIFE else None


def picture_token(vault: Vault, announcement_id: int) -> str:
    """Of an announcement that is shown; what is only planned is nobody's to guess."""
    return vault.stamp(_PICTURE, announcement_id.to_bytes(8))


def announcement_of_picture(vault: Vault, token: str) -> int | None:
    named = vault.check_stamp(_PICTURE, token)
    return int.from_bytes(named) if named is not None and len(named) == 8 else None


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


def pass_token(vault: Vault, request_id: int) -> str:
    """Names a request for a pass in the forms of the device that made it."""
    return vault.stamp(_PASS, request_id.to_bytes(8))


def request_of_token(vault: Vault, token: str) -> int | None:
    named = vault.check_stamp(_PASS, token)
    return int.from_bytes(named) if named is not None and len(named) == 8 else None


def confirm_url(settings: Settings, vault: Vault, request_id: int, sends: int) -> str:
    """The link in the mail with a code; each mail has its own, and only the last one counts."""
    return f"{settings.public_portal}/confirm/{vault.stamp(_CONFIRM, request_id.to_bytes(8) + sends.to_bytes(2))}"


def request_of_link(vault: Vault, token: str) -> tuple[int, int] | None:
    """The request, and which of its mails the link stands in."""
    named = vault.check_stamp(_CONFIRM, token)
    if named is None or len(named) != 10:
        return None
    return int.from_bytes(named[:8]), int.from_bytes(named[8:])


def host_url(settings: Settings, vault: Vault, request_id: int) -> str:
    """Where a host says yes or no."""
    return f"{settings.public_portal}/host/{vault.stamp(_HOST, request_id.to_bytes(8))}"


def request_of_host(vault: Vault, token: str) -> int | None:
    named = vault.check_stamp(_HOST, token)
    return int.from_bytes(named) if named is not None and len(named) == 8 else None
