"""DeskAction: what somebody did at the desk a moment ago, with enough of what was before to undo it once."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hotspot.db import Base, TextEnum
from hotspot.models.site import Site
from hotspot.models.voucher import VoucherBatch


class DeskActionKind(StrEnum):
    PRINTED = "printed"
    VOIDED = "voided"
    HOUR_GIVEN = "hour_given"


class DeskAction(Base):
    """About vouchers of one batch, or about the visit of a grant without a voucher."""

    __tablename__ = "desk_actions"

    id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff_members.id", ondelete="CASCADE"), index=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id", ondelete="CASCADE"))
    kind: Mapped[DeskActionKind] = mapped_column(TextEnum(DeskActionKind))
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("voucher_batches.id", ondelete="CASCADE"), index=True)
    number: Mapped[int | None]
    """Of the one voucher of the batch that it was about; None: the whole batch."""
    grant_id: Mapped[UUID | None] = mapped_column(ForeignKey("grants.id", ondelete="CASCADE"), index=True)
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """What was before: `hotspot/services/undoing.py`."""
    done_at: Mapped[datetime]
    undone_at: Mapped[datetime | None]

    site: Mapped[Site] = relationship()
    batch: Mapped[VoucherBatch | None] = relationship()
