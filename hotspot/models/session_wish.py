"""SessionWish: what somebody wants of a live Wi-Fi session. ChangeRecord: what a NAS has made of such wishes so far.

The core notes the wish; `radius/`, which alone speaks RADIUS, sends it (RFC 5176) and notes what came of it.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hotspot.db import Base, TextEnum
from hotspot.models.wifi_session import WifiSession


class WishKind(StrEnum):
    DISCONNECT = "disconnect"
    """That it ends: a Disconnect-Request."""
    CHANGE = "change"
    """That its limits become what its grant allows at the moment of sending: a CoA-Request."""


class WishReason(StrEnum):
    """Why. Those that a grant can end for have the name that `RefusalReason` gives them."""

    STAFF = "staff"
    ENDED_BY_STAFF = "ended_by_staff"
    """Staff ended the whole visit, not the connection alone."""
    VOUCHER_VOID = "voucher_void"
    CARD_BLOCKED = "card_blocked"
    GRANT_ENDED = "grant_ended"
    SITE_CLOSED = "site_closed"
    TIME_USED_UP = "time_used_up"
    VOLUME_USED_UP = "volume_used_up"
    ANNOUNCEMENT_DUE = "announcement_due"
    LENGTHENED = "lengthened"
    SIGNED_OUT = "signed_out"
    """By its person, from another device."""


class WishState(StrEnum):
    WAITING = "waiting"
    """For a RADIUS process to take it: at once, or after a pause."""
    SENT = "sent"
    ACCEPTED = "accepted"
    """The NAS said yes (ACK). Whether a connection has really ended is known when it is CONFIRMED."""
    GONE = "gone"
    """The NAS said that it has no such session (any more)."""
    REFUSED = "refused"
    NO_ANSWER = "no_answer"
    NOT_POSSIBLE = "not_possible"
    """There was no way to ask: no address of the NAS is known, its brand takes no such wish, or no time is left."""
    CONFIRMED = "confirmed"
    """The session is over: its Stop has come, or it has fallen silent."""


class SessionWish(Base):
    """One for each session, kind and reason: nobody is cut twice for one cause."""

    __tablename__ = "session_wishes"
    __table_args__ = (
        UniqueConstraint("wifi_session_id", "kind", "why"),
        Index(
            "ix_session_wishes_due",
            "due_at",
            postgresql_where=text("due_at IS NOT NULL"),
            sqlite_where=text("due_at IS NOT NULL"),
        ),
        Index(
            "ix_session_wishes_unconfirmed",
            "wifi_session_id",
            postgresql_where=text("confirmed_at IS NULL"),
            sqlite_where=text("confirmed_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    wifi_session_id: Mapped[UUID] = mapped_column(ForeignKey("wifi_sessions.id", ondelete="CASCADE"))
    kind: Mapped[WishKind] = mapped_column(TextEnum(WishKind))
    why: Mapped[WishReason] = mapped_column(TextEnum(WishReason))
    asked_by: Mapped[str] = mapped_column(String(254))
    """The staff member's e-mail address, or `system`."""
    asked_at: Mapped[datetime] = mapped_column(index=True)
    state: Mapped[WishState] = mapped_column(TextEnum(WishState), default=WishState.WAITING)
    due_at: Mapped[datetime | None]
    """When a RADIUS process may take it. While it is SENT: when the one that has it must have died, and another may.
    None: nothing more is to be sent."""
    tries: Mapped[int] = mapped_column(default=0)
    """How often it was taken; within each the packet is repeated."""
    answered_at: Mapped[datetime | None]
    error_cause: Mapped[int | None]
    """Error-Cause of the NAK (RFC 5176 section 3.5), if it gave one."""
    confirmed_at: Mapped[datetime | None]

    wifi_session: Mapped[WifiSession] = relationship()


class ChangeRecord(Base):
    """Does asking this NAS work? The last of each answer, by kind of wish."""

    __tablename__ = "change_records"

    nas_id: Mapped[int] = mapped_column(ForeignKey("nases.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[WishKind] = mapped_column(TextEnum(WishKind), primary_key=True)
    accepted_at: Mapped[datetime | None]
    refused_at: Mapped[datetime | None]
    """An answer all the same: the way to the NAS is open."""
    refused_because: Mapped[int | None]
    """Error-Cause of that refusal."""
    unanswered_at: Mapped[datetime | None]
    unanswered_in_a_row: Mapped[int] = mapped_column(default=0)
