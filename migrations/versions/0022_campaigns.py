"""Campaigns, their announcements, and what is counted of them."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

_OPEN = sa.text("completed_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "campaigns",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("organisation_id", sa.Integer, sa.ForeignKey("organisations.id"), nullable=False, index=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("advertiser", sa.String(200), nullable=False),
        sa.Column("starts_on", sa.Date, nullable=False),
        sa.Column("ends_on", sa.Date),
        sa.Column("from_time", sa.Time),
        sa.Column("until_time", sa.Time),
        sa.Column("weight", sa.Integer, nullable=False),
        sa.Column("most_per_device", sa.Integer),
        sa.Column("most_per_day", sa.Integer),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paused_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("ends_on >= starts_on", name="ends_after_it_begins"),
        sa.CheckConstraint("(from_time IS NULL) = (until_time IS NULL)", name="both_times_or_none"),
        sa.CheckConstraint("weight BETWEEN 1 AND 100", name="weight_in_range"),
        sa.CheckConstraint("most_per_device > 0 AND most_per_day > 0", name="caps_positive"),
    )
    op.create_table(
        "campaign_sites",
        sa.Column("campaign_id", sa.Integer, sa.ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("site_id", sa.Integer, sa.ForeignKey("sites.id", ondelete="CASCADE"), primary_key=True, index=True),
    )
    op.create_table(
        "announcements",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("campaign_id", sa.Integer, sa.ForeignKey("campaigns.id"), nullable=False, index=True),
        sa.Column("image", sa.LargeBinary),
        sa.Column("image_type", sa.String(20), nullable=False),
        sa.Column("image_width", sa.Integer, nullable=False),
        sa.Column("image_height", sa.Integer, nullable=False),
        sa.Column("link", sa.String(500), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True)),
    )
    op.create_table(
        "announcement_texts",
        sa.Column(
            "announcement_id", sa.Integer, sa.ForeignKey("announcements.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("language", sa.String(8), primary_key=True),
        sa.Column("title", sa.String(120), nullable=False),
        sa.Column("text", sa.String(600), nullable=False),
        sa.Column("image_text", sa.String(250), nullable=False),
    )
    op.create_table(
        "announcement_views",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("announcement_id", sa.Integer, sa.ForeignKey("announcements.id")),
        sa.Column("site_id", sa.Integer, sa.ForeignKey("sites.id", ondelete="CASCADE"), nullable=False),
        sa.Column("grant_id", sa.Uuid, sa.ForeignKey("grants.id", ondelete="SET NULL")),
        sa.Column("device_mac", sa.String(12), nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("shown_at", sa.DateTime(timezone=True), nullable=False, index=True),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True)),
        sa.Column("followed_at", sa.DateTime(timezone=True)),
        sa.Column("counted_at", sa.DateTime(timezone=True)),
    )
    op.create_index("ix_announcement_views_device_mac_shown_at", "announcement_views", ["device_mac", "shown_at"])
    op.create_index(
        "ix_announcement_views_open",
        "announcement_views",
        ["device_mac"],
        postgresql_where=_OPEN,
        sqlite_where=_OPEN,
    )
    op.create_table(
        "announcement_days",
        sa.Column("announcement_id", sa.Integer, sa.ForeignKey("announcements.id"), primary_key=True),
        sa.Column("site_id", sa.Integer, sa.ForeignKey("sites.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("day", sa.Date, primary_key=True, index=True),
        sa.Column("displays", sa.Integer, nullable=False),
        sa.Column("views", sa.Integer, nullable=False),
        sa.Column("clicks", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    for table in (
        "announcement_days",
        "announcement_views",
        "announcement_texts",
        "announcements",
        "campaign_sites",
        "campaigns",
    ):
        op.drop_table(table)
