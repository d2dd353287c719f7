"""The health of each NAS: what was learned of it, alarms and their mails, and sources that are no NAS."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def _moment(name: str, *, nullable: bool = False) -> "sa.Column[datetime]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _nas_id(*, primary_key: bool) -> "sa.Column[int]":
    theirs = sa.ForeignKey("nases.id", ondelete="CASCADE")
    return sa.Column("nas_id", sa.Integer, theirs, primary_key=primary_key, nullable=False)


def upgrade() -> None:
    op.create_table(
        "nas_states",
        _nas_id(primary_key=True),
        _moment("last_auth_at", nullable=True),
        _moment("last_accounting_at", nullable=True),
        _moment("last_interim_at", nullable=True),
        _moment("wrong_secret_at", nullable=True),
        sa.Column("clock_offset_seconds", sa.Integer),
        sa.Column("counted_on", sa.Date, nullable=False),
        sa.Column("requests", sa.Integer, nullable=False),
        sa.Column("repeats", sa.Integer, nullable=False),
    )
    op.create_table(
        "nas_discards",
        _nas_id(primary_key=True),
        sa.Column("hour_at", sa.DateTime(timezone=True), primary_key=True),
        sa.Column("reason", sa.String(40), primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
    )
    op.create_table(
        "nas_silences",
        _nas_id(primary_key=True),
        sa.Column("began_at", sa.DateTime(timezone=True), primary_key=True),
        _moment("ended_at"),
    )
    op.create_table(
        "nas_alarms",
        sa.Column("id", sa.Integer, primary_key=True),
        _nas_id(primary_key=False),
        sa.Column("kind", sa.String(40), nullable=False),
        _moment("since"),
        _moment("raised_at"),
        _moment("better_since", nullable=True),
        _moment("ended_at", nullable=True),
    )
    op.create_index(
        "uq_nas_alarms_open",
        "nas_alarms",
        ["nas_id", "kind"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
        sqlite_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "radius_listeners",
        sa.Column("name", sa.String(100), primary_key=True),
        _moment("started_at"),
        _moment("seen_at"),
    )
    op.create_table(
        "unknown_sources",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("source", sa.String(253), nullable=False),
        sa.Column("address", sa.String(45), nullable=False),
        _moment("first_at"),
        _moment("last_at"),
        sa.Column("packets", sa.BigInteger, nullable=False),
        sa.Column("code", sa.Integer),
        sa.Column("door", sa.String(20), nullable=False),
        sa.Column("nas_identifier", sa.String(100), nullable=False),
        sa.Column("called_station_id", sa.String(100), nullable=False),
        sa.Column("vendor", sa.String(40), nullable=False),
        _moment("ignored_at", nullable=True),
        sa.UniqueConstraint("kind", "source"),
    )
    op.create_table(
        "outgoing_mails",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("message_id", sa.String(80), nullable=False, unique=True),
        sa.Column("recipient", sa.String(254), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, index=True),
        _moment("next_try_at", nullable=True),
        sa.Column("tries", sa.Integer, nullable=False),
        _moment("sent_at", nullable=True),
    )


def downgrade() -> None:
    for table in (
        "outgoing_mails",
        "unknown_sources",
        "radius_listeners",
        "nas_alarms",
        "nas_silences",
        "nas_discards",
        "nas_states",
    ):
        op.drop_table(table)
