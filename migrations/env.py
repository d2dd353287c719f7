"""How Alembic runs our revisions, on the connection that `migrations` opened."""

from alembic import context
from sqlalchemy import Connection

import hotspot.models  # noqa: F401 - fills the metadata
from hotspot.db import Base

_LOCK = 0x50415256
"""An advisory lock of PostgreSQL: two nodes that start together migrate one after the other."""


def run(connection: Connection) -> None:
    on_sqlite = connection.dialect.name == "sqlite"
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,  # its naming convention names what a revision leaves unnamed
        render_as_batch=True,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        if not on_sqlite:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        context.run_migrations()
        if on_sqlite:
            orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
            if orphans:
                raise RuntimeError(f"a migration left rows without what they refer to: {orphans[:5]}")


run(context.config.attributes["connection"])
