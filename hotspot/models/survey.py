"""Survey: two questions at a site, and counts of their answers. Anonymous by construction: no row is an answer."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hotspot.db import Base
from hotspot.models.site import Site


class Survey(Base):
    __tablename__ = "surveys"

    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id", ondelete="CASCADE"), primary_key=True)
    is_open: Mapped[bool] = mapped_column(default=False)
    questions: Mapped[list[Any]] = mapped_column(JSON)
    """Two of `{"text": {language: …}, "choices": [{language: …}, …]}`."""
    version: Mapped[int] = mapped_column(default=1)
    """One more when a question or a choice has changed: counts of different questions are not added up."""
    changed_at: Mapped[datetime]
    """When these questions were written: their results begin with that month."""

    site: Mapped[Site] = relationship()


class SurveyCount(Base):
    """How often a choice was made in a month."""

    __tablename__ = "survey_counts"
    __table_args__ = (CheckConstraint("question IN (0, 1) AND choice >= 0", name="question_and_choice_in_range"),)

    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    """Its first day, local time."""
    question: Mapped[int] = mapped_column(primary_key=True)
    choice: Mapped[int] = mapped_column(primary_key=True)
    answers: Mapped[int] = mapped_column(default=0)
