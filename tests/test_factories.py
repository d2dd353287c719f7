"""The factories work on both databases, and leave nothing behind."""

import pytest
from sqlalchemy import func, select

from hotspot.db import Base, Database
from tests import factories

_MAKERS = [name for name in dir(factories) if name.startswith("make_") and name != "make_code"]


@pytest.mark.parametrize("name", _MAKERS)
def test_each_factory_makes_a_row_from_nothing(any_database: Database, name: str) -> None:
    with any_database.transaction() as db:
        row = getattr(factories, name)(db)
    with any_database.reading() as db:
        assert db.scalar(select(func.count()).select_from(type(row))) == 1


def test_a_test_starts_with_empty_tables(any_database: Database) -> None:
    with any_database.reading() as db:
        counts = {
            table.name: db.scalar(select(func.count()).select_from(table)) for table in Base.metadata.sorted_tables
        }
    assert set(counts.values()) == {0}
