"""Readers whom a library's own system knows: the systems, rules from the reader's record, and what is kept of both."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "library_systems",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("organisation_id", sa.Integer, sa.ForeignKey("organisations.id"), nullable=False, index=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("settings_sealed", sa.LargeBinary, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("asks_pin", sa.Boolean, nullable=False),
        sa.Column("trusted_for", sa.Integer, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True)),
        sa.Column("away_since", sa.DateTime(timezone=True)),
        sa.Column("away_because", sa.String(200), nullable=False),
        sa.CheckConstraint("trusted_for >= 0", name="trusted_for_not_negative"),
    )
    op.create_table(
        "reader_rules",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("organisation_id", sa.Integer, sa.ForeignKey("organisations.id"), nullable=False, index=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("categories", sa.JSON, nullable=False),
        sa.Column("home_libraries", sa.JSON, nullable=False),
        sa.Column("age_from", sa.Integer),
        sa.Column("age_below", sa.Integer),
        sa.Column("owes_above", sa.Numeric(9, 2)),
        sa.Column("expired", sa.Boolean, nullable=False),
        sa.Column("blocks", sa.JSON, nullable=False),
        sa.Column("offer_id", sa.Integer, sa.ForeignKey("offers.id")),
        sa.Column("sentences", sa.JSON, nullable=False),
    )
    with op.batch_alter_table("patrons") as patrons:
        patrons.drop_constraint("uq_patrons_organisation_id_card_number", type_="unique")
        patrons.alter_column("pin_hash", existing_type=sa.String(200), nullable=True)
        patrons.add_column(sa.Column("born_on", sa.Date))
        patrons.add_column(sa.Column("home_library", sa.String(64), nullable=False, server_default=""))
        patrons.add_column(sa.Column("owes", sa.Numeric(9, 2)))
        patrons.add_column(sa.Column("library_system_id", sa.Integer))
        patrons.add_column(sa.Column("also_typed", sa.String(64), nullable=False, server_default=""))
        patrons.add_column(sa.Column("confirmed_at", sa.DateTime(timezone=True)))
        patrons.create_foreign_key("fk_patrons_library_system_id", "library_systems", ["library_system_id"], ["id"])
        patrons.create_unique_constraint(
            "uq_patrons_library_system_id_card_number", ["library_system_id", "card_number"]
        )
    of_file = sa.text("library_system_id IS NULL")
    op.create_index(
        "ix_patrons_of_file",
        "patrons",
        ["organisation_id", "card_number"],
        unique=True,
        postgresql_where=of_file,
        sqlite_where=of_file,
    )
    with op.batch_alter_table("offers") as offers:
        offers.add_column(sa.Column("library_system_id", sa.Integer))
        offers.add_column(sa.Column("by_rule_only", sa.Boolean, nullable=False, server_default=sa.false()))
        offers.create_foreign_key("fk_offers_library_system_id", "library_systems", ["library_system_id"], ["id"])
    op.add_column("remembered_devices", sa.Column("return_secret", sa.LargeBinary(16)))
    op.add_column("grants", sa.Column("unconfirmed", sa.Boolean, nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_column("grants", "unconfirmed")
    op.drop_column("remembered_devices", "return_secret")
    with op.batch_alter_table("offers") as offers:
        offers.drop_constraint("fk_offers_library_system_id", type_="foreignkey")
        offers.drop_column("by_rule_only")
        offers.drop_column("library_system_id")
    of_systems = "patron_id IN (SELECT id FROM patrons WHERE library_system_id IS NOT NULL)"
    op.execute(f"UPDATE grants SET patron_id = NULL WHERE {of_systems}")  # noqa: S608 - our own words
    op.execute(f"DELETE FROM remembered_devices WHERE {of_systems}")  # noqa: S608
    op.execute("DELETE FROM patrons WHERE library_system_id IS NOT NULL")
    op.drop_index("ix_patrons_of_file", "patrons")
    with op.batch_alter_table("patrons") as patrons:
        patrons.drop_constraint("uq_patrons_library_system_id_card_number", type_="unique")
        patrons.drop_constraint("fk_patrons_library_system_id", type_="foreignkey")
        for column in ("confirmed_at", "also_typed", "library_system_id", "owes", "home_library", "born_on"):
            patrons.drop_column(column)
        patrons.alter_column("pin_hash", existing_type=sa.String(200), nullable=False)
        patrons.create_unique_constraint("uq_patrons_organisation_id_card_number", ["organisation_id", "card_number"])
    op.drop_table("reader_rules")
    op.drop_table("library_systems")
