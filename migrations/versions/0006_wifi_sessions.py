"""What the NASes report and were answered: Wi-Fi sessions, their counters, admissions."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "wifi_sessions",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("nas_id", sa.Integer, sa.ForeignKey("nases.id"), nullable=False),
        sa.Column("site_id", sa.Integer, sa.ForeignKey("sites.id"), nullable=False),
        sa.Column("grant_id", sa.Uuid, sa.ForeignKey("grants.id", ondelete="SET NULL")),
        sa.Column("acct_session_id", sa.String(253), nullable=False),
        sa.Column("user_name", sa.String(253), nullable=False),
        sa.Column("device_mac", sa.String(12), nullable=False),
        sa.Column("calling_station_id", sa.String(253), nullable=False),
        sa.Column("called_station_id", sa.String(253), nullable=False),
        sa.Column("framed_ip", sa.String(45)),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("terminate_cause", sa.String(40)),
        sa.CheckConstraint("ended_at >= started_at", name="ends_after_it_begins"),
    )
    op.create_index("ix_wifi_sessions_started_at", "wifi_sessions", ["started_at"])
    op.create_index(
        "ix_wifi_sessions_live",
        "wifi_sessions",
        ["site_id"],
        postgresql_where=sa.text("ended_at IS NULL"),
        sqlite_where=sa.text("ended_at IS NULL"),
    )
    op.create_index("ix_wifi_sessions_grant_id", "wifi_sessions", ["grant_id"])
    op.create_table(
        "wifi_session_counters",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("upload_octets", sa.BigInteger, nullable=False),
        sa.Column("download_octets", sa.BigInteger, nullable=False),
        sa.Column("session_seconds", sa.Integer, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        postgresql_with={"fillfactor": 50},  # room for updates in place
    )
    op.create_table(
        "admissions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False, index=True),
        sa.Column("nas_id", sa.Integer, sa.ForeignKey("nases.id"), nullable=False),
        sa.Column("grant_id", sa.Uuid),
        sa.Column("device_mac", sa.String(12)),
        sa.Column("refusal", sa.String(40)),
    )


def downgrade() -> None:
    op.drop_table("admissions")
    op.drop_table("wifi_session_counters")
    op.drop_table("wifi_sessions")
