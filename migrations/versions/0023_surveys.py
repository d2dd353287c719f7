"""Two questions at a site, and counts of their answers."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.create_table(
        "surveys",
        sa.Column("site_id", sa.Integer, sa.ForeignKey("sites.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("is_open", sa.Boolean, nullable=False),
        sa.Column("questions", sa.JSON, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "survey_counts",
        sa.Column("site_id", sa.Integer, sa.ForeignKey("sites.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("month", sa.Date, primary_key=True),
        sa.Column("question", sa.Integer, primary_key=True),
        sa.Column("choice", sa.Integer, primary_key=True),
        sa.Column("answers", sa.Integer, nullable=False),
        sa.CheckConstraint("question IN (0, 1) AND choice >= 0", name="question_and_choice_in_range"),
    )


def downgrade() -> None:
    op.drop_table("survey_counts")
    op.drop_table("surveys")
