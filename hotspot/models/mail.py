"""OutgoingMail, OutgoingText: what is to be sent, written with the event that it tells of and sent by the worker."""

from datetime import datetime

from sqlalchemy import Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from hotspot.db import Base

_IS_DUE = text("next_try_at IS NOT NULL")
"""The worker looks each second: what waits is little, what was sent is much."""


class OutgoingMail(Base):
    __tablename__ = "outgoing_mails"
    __table_args__ = (Index("ix_outgoing_mails_due", "next_try_at", postgresql_where=_IS_DUE, sqlite_where=_IS_DUE),)

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(String(80), unique=True)
    """The same at every try: a mail server or reader that gets it twice can tell."""
    recipient: Mapped[str] = mapped_column(String(254))
    subject: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(index=True)
    next_try_at: Mapped[datetime | None]
    """None: sent, or given up."""
    tries: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[datetime | None]
    give_up_at: Mapped[datetime | None]
    """Of what is worth nothing later: a code, a question to a host. Such a mail is sent before all others, and its row
    erased when it was sent or given up."""


class OutgoingText(Base):
    """A text message (SMS). Its row stays without number and text: what was sent costs money, and is counted."""

    __tablename__ = "outgoing_texts"
    __table_args__ = (Index("ix_outgoing_texts_due", "next_try_at", postgresql_where=_IS_DUE, sqlite_where=_IS_DUE),)

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(String(80), unique=True)
    recipient: Mapped[str] = mapped_column(String(16))
    """E.164, with its plus sign; empty once it was sent or given up."""
    body: Mapped[str] = mapped_column(String(160))
    created_at: Mapped[datetime] = mapped_column(index=True)
    next_try_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[datetime | None]
    give_up_at: Mapped[datetime]
    problem: Mapped[str] = mapped_column(String(200), default="")
    """Why the last try failed: technical."""
