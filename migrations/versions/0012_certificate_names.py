"""By which certificate a NAS is known on RadSec."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("nases", sa.Column("certificate_name", sa.String(253)))
    op.create_index("ix_nases_certificate_name", "nases", ["certificate_name"], unique=True)


def downgrade() -> None:
    op.drop_index("ix_nases_certificate_name", "nases")
    op.drop_column("nases", "certificate_name")
