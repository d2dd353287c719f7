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
    """When something authentic last came from it."""
    created_at: Mapped[datetime]
    rebooted_at: Mapped[datetime | None]
    """The latest Accounting-On or -Off: what is reported of a session before that is of one that is over."""
    revision: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    """One more with each change of the NAS, its addresses or access points: only then does RADIUS read them again."""
    last_address: Mapped[str | None] = mapped_column(String(45))
    """Where its last packet came from: a network may be listed, and a CoA goes to one address."""
    certificate_name: Mapped[str | None] = mapped_column(String(253), unique=True, index=True)
    """As `normalise_certificate_name` makes it: the NAS whose certificate says so, on RadSec."""

    organisation: Mapped[Organisation] = relationship()
    site: Mapped[Site] = relationship()
    addresses: Mapped[list[NasAddress]] = relationship(back_populates="nas", cascade="all, delete-orphan")
    access_points: Mapped[list[AccessPoint]] = relationship(
        back_populates="nas", cascade="all, delete-orphan", order_by="AccessPoint.name"
    )


class NasAddress(Base):
    """A source address or network of a NAS. The longest match wins."""

    __tablename__ = "nas_addresses"

    id: Mapped[int] = mapped_column(primary_key=True)
    nas_id: Mapped[int] = mapped_column(ForeignKey("nases.id", ondelete="CASCADE"), index=True)
    network: Mapped[str] = mapped_column(String(49), unique=True)
    """CIDR in canonical form: `192.0.2.7/32`, `2001:db8::/48`."""

    nas: Mapped[Nas] = relationship(back_populates="addresses")


class AccessPoint(Base):
    __tablename__ = "access_points"
    __table_args__ = (UniqueConstraint("nas_id", "called_station_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    nas_id: Mapped[int] = mapped_column(ForeignKey("nases.id", ondelete="CASCADE"))
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"), index=True)
    called_station_id: Mapped[str] = mapped_column(String(253))
    """As `normalise_called_station` makes it."""
    name: Mapped[str] = mapped_column(String(200), default="")

    nas: Mapped[Nas] = relationship(back_populates="access_points")
    site: Mapped[Site] = relationship()
