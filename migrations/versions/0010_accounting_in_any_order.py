"""Accounting that can be written twice and out of order: when a NAS last rebooted; admissions by a digest of the
request. An index of sessions by time that costs their writing next to nothing. And a revision of each NAS."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_COLUMNS = "happened_at, nas_id, grant_id, device_mac, refusal"


def upgrade() -> None:
    op.add_column("nases", sa.Column("rebooted_at", sa.DateTime(timezone=True)))
    op.add_column("nases", sa.Column("revision", sa.Integer, nullable=False, server_default=sa.text("1")))
    _make_anew(sa.Column("id", sa.Uuid, primary_key=True), sa.Column("nas_id", sa.Integer, nullable=False))
    some_id = "gen_random_uuid()" if op.get_bind().dialect.name == "postgresql" else "lower(hex(randomblob(16)))"
    _bring_back(f"id, {_COLUMNS}", f"{some_id}, {_COLUMNS}")
    op.drop_index("ix_wifi_sessions_started_at", "wifi_sessions")
    op.create_index("ix_wifi_sessions_started_at", "wifi_sessions", ["started_at"], postgresql_using="brin")


def downgrade() -> None:
    op.drop_index("ix_wifi_sessions_started_at", "wifi_sessions")
    op.create_index("ix_wifi_sessions_started_at", "wifi_sessions", ["started_at"])
    _make_anew(
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("nas_id", sa.Integer, sa.ForeignKey("nases.id"), nullable=False),
    )
    _bring_back(_COLUMNS, _COLUMNS)
    op.drop_column("nases", "revision")
    op.drop_column("nases", "rebooted_at")


def _make_anew(key: "sa.Column[object]", nas: "sa.Column[int]") -> None:
    op.execute("CREATE TABLE admissions_before AS SELECT * FROM admissions")
    op.drop_table("admissions")
    op.create_table(
        "admissions",
        key,
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False, index=True),
        nas,
        sa.Column("grant_id", sa.Uuid),
        sa.Column("device_mac", sa.String(12)),
        sa.Column("refusal", sa.String(40)),
    )


def _bring_back(into: str, values: str) -> None:
    op.execute(f"INSERT INTO admissions ({into}) SELECT {values} FROM admissions_before ORDER BY happened_at")  # noqa: S608
    op.drop_table("admissions_before")
