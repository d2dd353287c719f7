"""What the RADIUS processes learn of each NAS, and the alarms that the worker raises from it. Nobody is in it."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hotspot.db import Base, TextEnum
from hotspot.models.nas import Nas


class NasState(Base):
    """The latest of everything, one narrow row for each NAS that was ever heard."""

    __tablename__ = "nas_states"

    nas_id: Mapped[int] = mapped_column(ForeignKey("nases.id", ondelete="CASCADE"), primary_key=True)
    last_auth_at: Mapped[datetime | None]
    """The last authentic packet on the authentication port."""
    last_accounting_at: Mapped[datetime | None]
    last_interim_at: Mapped[datetime | None]
    wrong_secret_at: Mapped[datetime | None]
    """When an authenticator was last wrong."""
    clock_offset_seconds: Mapped[int | None]
    """Event-Timestamp less the moment that we believe: above nought its clock is ahead of ours."""
    counted_on: Mapped[date]
    """The day (UTC) of the two counts that follow."""
    requests: Mapped[int]
    repeats: Mapped[int]
    """Requests that had come before: answered again, or still in work."""


class NasDiscard(Base):
    """How many packets of a NAS were left unanswered in an hour, and why."""

    __tablename__ = "nas_discards"

    nas_id: Mapped[int] = mapped_column(ForeignKey("nases.id", ondelete="CASCADE"), primary_key=True)
    hour_at: Mapped[datetime] = mapped_column(primary_key=True)
    """The hour's beginning (UTC)."""
    reason: Mapped[str] = mapped_column(String(40), primary_key=True)
    """A `radius.messages.DiscardReason`."""
    number: Mapped[int]


class NasSilence(Base):
    """A time without a packet, at least half an hour long, that is over: from these its usual gap is learned."""

    __tablename__ = "nas_silences"

    nas_id: Mapped[int] = mapped_column(ForeignKey("nases.id", ondelete="CASCADE"), primary_key=True)
    began_at: Mapped[datetime] = mapped_column(primary_key=True)
    ended_at: Mapped[datetime]


class AlarmKind(StrEnum):
    """What people are told of by mail."""

    SILENT = "silent"
    SECRET_WRONG = "secret_wrong"  # noqa: S105


class NasAlarm(Base):
    """One event: raised and ended once, told once each time."""

    __tablename__ = "nas_alarms"
    __table_args__ = (
        Index(
            "uq_nas_alarms_open",
            "nas_id",
            "kind",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
            sqlite_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    nas_id: Mapped[int] = mapped_column(ForeignKey("nases.id", ondelete="CASCADE"))
    kind: Mapped[AlarmKind] = mapped_column(TextEnum(AlarmKind))
    since: Mapped[datetime]
    """When the trouble began: for a silence the last packet."""
    raised_at: Mapped[datetime]
    better_since: Mapped[datetime | None]
    """It looks over, and is believed to be once that has lasted."""
    ended_at: Mapped[datetime | None]

    nas: Mapped[Nas] = relationship()


class RadiusListener(Base):
    """A RADIUS process that listens: while there is none, a silence is no NAS's fault."""

    __tablename__ = "radius_listeners"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    """Machine and process."""
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
