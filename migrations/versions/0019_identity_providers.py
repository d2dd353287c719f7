"""Providers that vouch for visitors (OpenID Connect), and offers that lead to one."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.create_table(
        "identity_providers",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("organisation_id", sa.Integer, sa.ForeignKey("organisations.id"), nullable=False, index=True),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("profile", sa.String(40), nullable=False),
        sa.Column("issuer", sa.String(500), nullable=False),
        sa.Column("client_id", sa.String(200), nullable=False),
        sa.Column("client_secret_sealed", sa.LargeBinary),
        sa.Column("scopes", sa.String(200), nullable=False),
        sa.Column("acr", sa.String(100), nullable=False),
        sa.Column("prompt", sa.String(40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("(client_id = '') = (client_secret_sealed IS NULL)", name="client_whole_or_not_at_all"),
    )
    with op.batch_alter_table("offers") as offers:
        offers.add_column(sa.Column("identity_provider_id", sa.Integer))
        offers.create_foreign_key(
            "fk_offers_identity_provider_id",
            "identity_providers",
            ["identity_provider_id"],
            ["id"],
        )
        offers.create_check_constraint(
            "openid_connect_by_a_provider", "(way = 'openid_connect') = (identity_provider_id IS NOT NULL)"
        )


def downgrade() -> None:
    with op.batch_alter_table("offers") as offers:
        offers.drop_constraint("openid_connect_by_a_provider", type_="check")
        offers.drop_constraint("fk_offers_identity_provider_id", type_="foreignkey")
        offers.drop_column("identity_provider_id")
    op.drop_table("identity_providers")
