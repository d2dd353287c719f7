"""Hourly roll-ups."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "usage_hours",
        sa.Column("site_id", sa.Integer, sa.ForeignKey("sites.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("hour_at", sa.DateTime(timezone=True), primary_key=True),
        sa.Column("wifi_sessions", sa.Integer, nullable=False),
        sa.Column("devices", sa.Integer, nullable=False),
        sa.Column("seconds", sa.BigInteger, nullable=False),
        sa.Column("upload_octets", sa.BigInteger, nullable=False),
        sa.Column("download_octets", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("usage_hours")
