"""docs/data.md says of every table what it tells and how long it is kept."""

import re

import hotspot.models  # noqa: F401 - fills the metadata
from hotspot.db import Base
from tests.architecture.tree import ROOT

ROWS = re.compile(r"^\| `(\w+)` \| (\S.*?) \| (\S.*?) \|$", re.MULTILINE)


def test_every_table_states_how_long_it_is_kept() -> None:
    listed = [table for table, _about, _kept in ROWS.findall((ROOT / "docs/data.md").read_text(encoding="utf-8"))]
    assert sorted(listed) == sorted(Base.metadata.tables)
