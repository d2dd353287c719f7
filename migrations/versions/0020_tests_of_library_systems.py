"""What the last test of a library's own system found out about PINs."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.add_column("library_systems", sa.Column("examined_at", sa.DateTime(timezone=True)))
    op.add_column("library_systems", sa.Column("ignores_pins", sa.Boolean, nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_column("library_systems", "ignores_pins")
    op.drop_column("library_systems", "examined_at")
