"""Devices that are let in again by their address, because their person asked for that; and grants given so."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    with op.batch_alter_table("offers") as offers:
        offers.add_column(sa.Column("remember_for", sa.Integer))
        offers.create_check_constraint("remember_for_positive", "remember_for > 0")
    op.add_column("grants", sa.Column("by_mac", sa.Boolean, nullable=False, server_default=sa.false()))
    ended_early = sa.text("ends_because <> 'grant_ended' AND ends_because <> 'site_closed'")
    op.create_index(
        "ix_grants_ended_early", "grants", ["ends_at"], postgresql_where=ended_early, sqlite_where=ended_early
    )
    op.create_table(
        "remembered_devices",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("device_mac", sa.String(12), sa.ForeignKey("devices.mac"), nullable=False),
        sa.Column("offer_id", sa.Integer, sa.ForeignKey("offers.id"), nullable=False),
        sa.Column("patron_id", sa.Integer, sa.ForeignKey("patrons.id", ondelete="CASCADE"), index=True),
        sa.Column("voucher_id", sa.Integer, sa.ForeignKey("vouchers.id", ondelete="CASCADE"), index=True),
        sa.Column("terms_version", sa.Integer, nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True)),
        sa.UniqueConstraint("device_mac", "offer_id"),
        sa.CheckConstraint("(patron_id IS NULL) <> (voucher_id IS NULL)", name="of_one_person"),
        sa.CheckConstraint("expires_at > created_at", name="expires_after_it_begins"),
    )


def downgrade() -> None:
    op.drop_table("remembered_devices")
    op.drop_index("ix_grants_ended_early", "grants")
    op.drop_column("grants", "by_mac")
    with op.batch_alter_table("offers") as offers:
        offers.drop_constraint("remember_for_positive", type_="check")
        offers.drop_column("remember_for")
