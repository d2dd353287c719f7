"""Nas: the device that speaks RADIUS with us; its addresses; its access points, which may stand at different sites."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hotspot.db import Base, TextEnum
from hotspot.models.organisation import Organisation
from hotspot.models.site import Site


class MessageAuthenticatorMode(StrEnum):
    REQUIRED = "required"
    """Access-Requests without one are discarded. For every new NAS."""
    AUTO = "auto"
    """Required once it has been seen from this NAS."""
    OPTIONAL = "optional"
    """Checked where it is, never asked for: only where nobody can stand in between (loopback, IPsec)."""


class Nas(Base):
    __tablename__ = "nases"
    __table_args__ = (UniqueConstraint("vendor", "nas_identifier"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"), index=True)
    """Where a Called-Station-Id that names no known access point is taken to be."""
    name: Mapped[str] = mapped_column(String(200))
    vendor: Mapped[str] = mapped_column(String(40))
    """A key of `hotspot.vendors.VENDORS`."""
    nas_identifier: Mapped[str] = mapped_column(String(253))
    """NAS-Identifier in RADIUS, `nasid` or the like in the redirect. Finds the NAS for the portal, never trusts it."""
    secret_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    """The RADIUS shared secret."""
    redirect_secret_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    """CoovaChilli's uamsecret: signs the redirect and keys CHAP. None where the brand has none."""
    login_hosts: Mapped[str] = mapped_column(String(1000), default="")
    """`host` or `host:port`, separated by spaces: the only login addresses that a redirect may name."""
    message_authenticator: Mapped[MessageAuthenticatorMode] = mapped_column(
        TextEnum(MessageAuthenticatorMode), default=MessageAuthenticatorMode.REQUIRED
    )
    message_authenticator_seen: Mapped[bool] = mapped_column(default=False)
    """What AUTO goes by."""
    is_proxy: Mapped[bool] = mapped_column(default=False)
    """A proxy may send Proxy-State without a Message-Authenticator."""
    swaps_octets: Mapped[bool] = mapped_column(default=False)
    """Its Acct-Input-Octets are the citizen's download, whatever RFC 2866 says."""
    coa_port: Mapped[int] = mapped_column(default=3799)
    last_packet_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    certificate_name: Mapped[str | None] = mapped_column(String(253), unique=True, index=True)
    """As `normalise_certificate_name` makes it: the NAS whose certificate says so, on RadSec."""
