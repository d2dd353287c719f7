"""Printed codes, and the leave to be online that is given for them or without them."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "voucher_batches",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("site_id", sa.Integer, sa.ForeignKey("sites.id"), nullable=False, index=True),
        sa.Column("offer_id", sa.Integer, sa.ForeignKey("offers.id"), nullable=False),
        sa.Column("created_by_id", sa.Integer, sa.ForeignKey("staff_members.id", ondelete="SET NULL")),
        sa.Column("label", sa.String(200), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("expires_at > created_at", name="expires_after_it_begins"),
        sa.CheckConstraint("size > 0", name="size_positive"),
    )
    op.create_table(
        "vouchers",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "batch_id", sa.Integer, sa.ForeignKey("voucher_batches.id", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.Column("code_digest", sa.LargeBinary(32), nullable=False, unique=True),
        sa.Column("code_sealed", sa.LargeBinary, nullable=False),
        sa.Column("redeemed_at", sa.DateTime(timezone=True)),
        sa.Column("ends_at", sa.DateTime(timezone=True)),
        sa.Column("voided_at", sa.DateTime(timezone=True)),
    )
    op.create_table(
        "grants",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("offer_id", sa.Integer, sa.ForeignKey("offers.id"), nullable=False),
        sa.Column("site_id", sa.Integer, sa.ForeignKey("sites.id"), nullable=False),
        sa.Column("nas_id", sa.Integer, sa.ForeignKey("nases.id"), nullable=False),
        sa.Column("device_mac", sa.String(12), sa.ForeignKey("devices.mac"), nullable=False),
        sa.Column("patron_id", sa.Integer, sa.ForeignKey("patrons.id", ondelete="SET NULL")),
        sa.Column("voucher_id", sa.Integer, sa.ForeignKey("vouchers.id", ondelete="SET NULL")),
        sa.Column("way", sa.String(40), nullable=False),
        sa.Column("terms_version", sa.Integer, nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_because", sa.String(40), nullable=False),
        sa.Column("time_allowed", sa.Integer),
        sa.Column("octets_allowed", sa.BigInteger),
        sa.Column("upload_kbps", sa.Integer),
        sa.Column("download_kbps", sa.Integer),
        sa.Column("idle_timeout", sa.Integer, nullable=False),
        sa.CheckConstraint("ends_at > created_at", name="ends_after_it_begins"),
    )
    op.create_index("ix_grants_device_mac_created_at", "grants", ["device_mac", "created_at"])
    op.create_index(
        "ix_grants_live_voucher",
        "grants",
        ["voucher_id", "ends_at"],
        postgresql_where=sa.text("voucher_id IS NOT NULL"),
    )
    op.create_index(
        "ix_grants_live_patron", "grants", ["patron_id", "ends_at"], postgresql_where=sa.text("patron_id IS NOT NULL")
    )
    op.create_index("ix_grants_created_at", "grants", ["created_at"])


def downgrade() -> None:
    op.drop_table("grants")
    op.drop_table("vouchers")
    op.drop_table("voucher_batches")
