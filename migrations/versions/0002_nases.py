"""What speaks RADIUS with us: NASes, the addresses they speak from, their access points."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "nases",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("organisation_id", sa.Integer, sa.ForeignKey("organisations.id"), nullable=False, index=True),
        sa.Column("site_id", sa.Integer, sa.ForeignKey("sites.id"), nullable=False, index=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("vendor", sa.String(40), nullable=False),
        sa.Column("nas_identifier", sa.String(253), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary, nullable=False),
        sa.Column("redirect_secret_sealed", sa.LargeBinary),
        sa.Column("login_hosts", sa.String(1000), nullable=False),
        sa.Column("message_authenticator", sa.String(40), nullable=False),
        sa.Column("message_authenticator_seen", sa.Boolean, nullable=False),
        sa.Column("is_proxy", sa.Boolean, nullable=False),
        sa.Column("swaps_octets", sa.Boolean, nullable=False),
        sa.Column("coa_port", sa.Integer, nullable=False),
        sa.Column("last_packet_at", sa.DateTime(timezone=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("vendor", "nas_identifier"),
    )
    op.create_table(
        "nas_addresses",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("nas_id", sa.Integer, sa.ForeignKey("nases.id", ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("network", sa.String(49), nullable=False, unique=True),
    )
    op.create_table(
        "access_points",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("nas_id", sa.Integer, sa.ForeignKey("nases.id", ondelete="CASCADE"), nullable=False),
        sa.Column("site_id", sa.Integer, sa.ForeignKey("sites.id"), nullable=False, index=True),
        sa.Column("called_station_id", sa.String(253), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.UniqueConstraint("nas_id", "called_station_id"),
    )


def downgrade() -> None:
    op.drop_table("access_points")
    op.drop_table("nas_addresses")
    op.drop_table("nases")
