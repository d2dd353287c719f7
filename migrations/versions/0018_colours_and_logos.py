"""An organisation's own colour and logo."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0015"


def upgrade() -> None:
    op.add_column("organisations", sa.Column("colour", sa.String(7), nullable=False, server_default=""))
    op.add_column("organisations", sa.Column("logo", sa.LargeBinary))


def downgrade() -> None:
    op.drop_column("organisations", "logo")
    op.drop_column("organisations", "colour")
