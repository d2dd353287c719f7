"""Allowances by day and week, and when announcements are due."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

_OCTETS = ("upload_octets_allowed", "download_octets_allowed")


def upgrade() -> None:
    for table in ("offers", "grants"):
        with op.batch_alter_table(table) as changed:
            for name in _OCTETS:
                changed.add_column(sa.Column(name, sa.BigInteger))
            changed.add_column(sa.Column("announcement_every", sa.Integer))
            changed.add_column(sa.Column("announcement_length", sa.Integer, nullable=False, server_default="10"))
    with op.batch_alter_table("offers") as offers:
        offers.create_check_constraint(
            "directions_positive", "upload_octets_allowed > 0 AND download_octets_allowed > 0"
        )
        offers.create_check_constraint("announcements_positive", "announcement_every > 0 AND announcement_length > 0")
    op.add_column("grants", sa.Column("extra_time", sa.Integer, nullable=False, server_default="0"))
    op.create_table(
        "offer_allowances",
        sa.Column("offer_id", sa.Integer, sa.ForeignKey("offers.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("period", sa.String(40), primary_key=True),
        sa.Column("time", sa.Integer),
        sa.Column("octets", sa.BigInteger),
        sa.Column("upload_octets", sa.BigInteger),
        sa.Column("download_octets", sa.BigInteger),
        sa.CheckConstraint("period IN ('day', 'week')", name="day_or_week"),
        sa.CheckConstraint("time > 0", name="time_positive"),
        sa.CheckConstraint("octets > 0 AND upload_octets > 0 AND download_octets > 0", name="octets_positive"),
    )
    op.add_column("sites", sa.Column("is_wifi4eu", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("sites", sa.Column("web_page", sa.String(500), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("sites", "web_page")
    op.drop_column("sites", "is_wifi4eu")
    op.drop_table("offer_allowances")
    op.drop_column("grants", "extra_time")
    with op.batch_alter_table("offers") as offers:
        offers.drop_constraint("announcements_positive", type_="check")
        offers.drop_constraint("directions_positive", type_="check")
    for table in ("offers", "grants"):
        with op.batch_alter_table(table) as changed:
            for name in ("announcement_length", "announcement_every", *reversed(_OCTETS)):
                changed.drop_column(name)
