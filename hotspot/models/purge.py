"""Purge: the journal of what was erased because its time was over. Counts only; kept always."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from hotspot.db import Base


class Purge(Base):
    __tablename__ = "purges"

    id: Mapped[int] = mapped_column(primary_key=True)
    happened_at: Mapped[datetime]
    table_name: Mapped[str] = mapped_column(String(63))
    older_than: Mapped[datetime]
    """What was over before this moment."""
    erased: Mapped[int]
    """Rows."""
