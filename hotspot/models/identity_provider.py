"""IdentityProvider: who vouches for visitors (OpenID Connect), and how we are known to it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hotspot.db import Base, TextEnum
from hotspot.models.organisation import Organisation
from hotspot.values import IdentityProfile


class IdentityProvider(Base):
    """Never deleted: offers cite it. Its number is in the addresses that were declared to it."""

    __tablename__ = "identity_providers"
    __table_args__ = (
        CheckConstraint("(client_id = '') = (client_secret_sealed IS NULL)", name="client_whole_or_not_at_all"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    """As the visitor's button says it."""
    profile: Mapped[IdentityProfile] = mapped_column(TextEnum(IdentityProfile))
    issuer: Mapped[str] = mapped_column(String(500))
    """Letter by letter as the provider writes it."""
    client_id: Mapped[str] = mapped_column(String(200), default="")
    """Empty until the provider has given one, which it does once it knows our addresses."""
    client_secret_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    scopes: Mapped[str] = mapped_column(String(200), default="openid")
    """Separated by spaces."""
    acr: Mapped[str] = mapped_column(String(100), default="")
    """The level of assurance that is asked for; empty: the profile's, or none."""
    prompt: Mapped[str] = mapped_column(String(40), default="")
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]

    organisation: Mapped[Organisation] = relationship()
