"""What is wanted of live Wi-Fi sessions, what each NAS makes of it, and where a NAS was last heard from."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("nases", sa.Column("last_address", sa.String(45)))
    op.create_table(
        "session_wishes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("wifi_session_id", sa.Uuid, sa.ForeignKey("wifi_sessions.id", ondelete="CASCADE"), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("why", sa.String(40), nullable=False),
        sa.Column("asked_by", sa.String(254), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False, index=True),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True)),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.Column("error_cause", sa.Integer),
        sa.Column("confirmed_at", sa.DateTime(timezone=True)),
        sa.UniqueConstraint("wifi_session_id", "kind", "why"),
    )
    for name, column, where in (
        ("ix_session_wishes_due", "due_at", "due_at IS NOT NULL"),
        ("ix_session_wishes_unconfirmed", "wifi_session_id", "confirmed_at IS NULL"),
    ):
        op.create_index(name, "session_wishes", [column], postgresql_where=sa.text(where), sqlite_where=sa.text(where))
    op.create_table(
        "change_records",
        sa.Column("nas_id", sa.Integer, sa.ForeignKey("nases.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("kind", sa.String(40), primary_key=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True)),
        sa.Column("refused_at", sa.DateTime(timezone=True)),
        sa.Column("refused_because", sa.Integer),
        sa.Column("unanswered_at", sa.DateTime(timezone=True)),
        sa.Column("unanswered_in_a_row", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("change_records")
    op.drop_table("session_wishes")
    op.drop_column("nases", "last_address")
