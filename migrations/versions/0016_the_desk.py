"""Passes with a length of their own, and what was done at the desk, so that it can be undone."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

_CHECKS = {
    "valid_for_positive": "valid_for > 0",
    "devices_positive": "devices > 0",
    "until_after_first_use": "until >= expires_at",
    "one_length": "valid_for IS NULL OR until IS NULL",
}


def upgrade() -> None:
    with op.batch_alter_table("voucher_batches") as batches:
        batches.add_column(sa.Column("valid_for", sa.Integer))
        batches.add_column(sa.Column("until", sa.DateTime(timezone=True)))
        batches.add_column(sa.Column("devices", sa.Integer))
        for name, condition in _CHECKS.items():
            batches.create_check_constraint(name, condition)
    op.create_table(
        "desk_actions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "staff_id", sa.Integer, sa.ForeignKey("staff_members.id", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.Column("site_id", sa.Integer, sa.ForeignKey("sites.id", ondelete="CASCADE"), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("batch_id", sa.Integer, sa.ForeignKey("voucher_batches.id", ondelete="CASCADE"), index=True),
        sa.Column("number", sa.Integer),
        sa.Column("grant_id", sa.Uuid, sa.ForeignKey("grants.id", ondelete="CASCADE"), index=True),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True)),
    )


def downgrade() -> None:
    op.drop_table("desk_actions")
    with op.batch_alter_table("voucher_batches") as batches:
        for name in reversed(_CHECKS):
            batches.drop_constraint(name, type_="check")
        for name in ("devices", "until", "valid_for"):
            batches.drop_column(name)
