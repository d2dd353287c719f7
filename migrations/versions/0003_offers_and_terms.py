"""The ways in at each site, and the terms that go with them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "terms",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("organisation_id", sa.Integer, sa.ForeignKey("organisations.id"), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("organisation_id", "version", "language"),
    )
    op.create_table(
        "offers",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("organisation_id", sa.Integer, sa.ForeignKey("organisations.id"), nullable=False, index=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("way", sa.String(40), nullable=False),
        sa.Column("visit_time", sa.Integer),
        sa.Column("time_allowed", sa.Integer),
        sa.Column("octets_allowed", sa.BigInteger),
        sa.Column("upload_kbps", sa.Integer),
        sa.Column("download_kbps", sa.Integer),
        sa.Column("idle_timeout", sa.Integer),
        sa.Column("devices_at_once", sa.Integer, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("devices_at_once > 0", name="devices_at_once_positive"),
        sa.CheckConstraint("octets_allowed > 0", name="octets_allowed_positive"),
        sa.CheckConstraint("upload_kbps > 0 AND download_kbps > 0", name="speeds_positive"),
        sa.CheckConstraint("visit_time > 0", name="visit_time_positive"),
    )
    op.create_table(
        "offer_sites",
        sa.Column("offer_id", sa.Integer, sa.ForeignKey("offers.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("site_id", sa.Integer, sa.ForeignKey("sites.id", ondelete="CASCADE"), primary_key=True, index=True),
    )


def downgrade() -> None:
    op.drop_table("offer_sites")
    op.drop_table("offers")
    op.drop_table("terms")
