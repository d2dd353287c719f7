"""What a library's file may say of a reader besides: for rules about age, home library and what is owed."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("patrons", sa.Column("born_on", sa.Date))
    op.add_column("patrons", sa.Column("home_library", sa.String(64), nullable=False, server_default=""))
    op.add_column("patrons", sa.Column("owes", sa.Numeric(9, 2)))


def downgrade() -> None:
    for column in ("owes", "home_library", "born_on"):
        op.drop_column("patrons", column)
