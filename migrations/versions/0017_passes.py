"""Passes that visitors get by themselves: who they are, their requests, what is sent to them."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

_DUE = sa.text("next_try_at IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "visitors",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("organisation_id", sa.Integer, sa.ForeignKey("organisations.id"), nullable=False),
        sa.Column("way", sa.String(40), nullable=False),
        sa.Column("contact_digest", sa.LargeBinary(32), nullable=False),
        sa.Column("contact_sealed", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("organisation_id", "way", "contact_digest"),
    )
    op.add_column("offers", sa.Column("sponsor_domains", sa.String(1000), nullable=False, server_default=""))
    with op.batch_alter_table("grants") as grants:
        grants.add_column(sa.Column("visitor_id", sa.Integer))
        grants.create_foreign_key("fk_grants_visitor_id", "visitors", ["visitor_id"], ["id"], ondelete="SET NULL")
    op.create_index(
        "ix_grants_live_visitor",
        "grants",
        ["visitor_id", "ends_at"],
        postgresql_where=sa.text("visitor_id IS NOT NULL"),
    )
    op.create_table(
        "pass_requests",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("offer_id", sa.Integer, sa.ForeignKey("offers.id"), nullable=False),
        sa.Column("site_id", sa.Integer, sa.ForeignKey("sites.id"), nullable=False),
        sa.Column("nas_id", sa.Integer, sa.ForeignKey("nases.id"), nullable=False),
        sa.Column("device_mac", sa.String(12), sa.ForeignKey("devices.mac"), nullable=False),
        sa.Column("way", sa.String(40), nullable=False),
        sa.Column("contact_digest", sa.LargeBinary(32)),
        sa.Column("contact_sealed", sa.LargeBinary),
        sa.Column("host_sealed", sa.LargeBinary),
        sa.Column("visitor_id", sa.Integer, sa.ForeignKey("visitors.id", ondelete="SET NULL")),
        sa.Column("grant_id", sa.Uuid, sa.ForeignKey("grants.id", ondelete="SET NULL")),
        sa.Column("terms_version", sa.Integer, nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("code_digest", sa.LargeBinary(32)),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("sends", sa.Integer, nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True)),
        sa.Column("granted_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("expires_at > created_at", name="expires_after_it_begins"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_pass_requests_device_mac_created_at", "pass_requests", ["device_mac", "created_at"])
    op.create_index("ix_pass_requests_visitor_id_granted_at", "pass_requests", ["visitor_id", "granted_at"])
    op.create_index("ix_pass_requests_grant_id", "pass_requests", ["grant_id"])
    op.create_index("ix_pass_requests_created_at", "pass_requests", ["created_at"])
    op.add_column("outgoing_mails", sa.Column("give_up_at", sa.DateTime(timezone=True)))
    op.create_index(
        "ix_outgoing_mails_due", "outgoing_mails", ["next_try_at"], postgresql_where=_DUE, sqlite_where=_DUE
    )
    op.create_table(
        "outgoing_texts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("message_id", sa.String(80), nullable=False, unique=True),
        sa.Column("recipient", sa.String(16), nullable=False),
        sa.Column("body", sa.String(160), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, index=True),
        sa.Column("next_try_at", sa.DateTime(timezone=True)),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.Column("give_up_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("problem", sa.String(200), nullable=False),
    )
    op.create_index(
        "ix_outgoing_texts_due", "outgoing_texts", ["next_try_at"], postgresql_where=_DUE, sqlite_where=_DUE
    )


def downgrade() -> None:
    op.drop_table("outgoing_texts")
    op.drop_index("ix_outgoing_mails_due", "outgoing_mails")
    op.drop_column("outgoing_mails", "give_up_at")
    op.drop_table("pass_requests")
    op.drop_index("ix_grants_live_visitor", "grants")
    with op.batch_alter_table("grants") as grants:
        grants.drop_constraint("fk_grants_visitor_id", type_="foreignkey")
        grants.drop_column("visitor_id")
    op.drop_column("offers", "sponsor_domains")
    op.drop_table("visitors")
