"""Fixtures for every test. Provisional: the schema will come from the migrations."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hotspot.db import Base, Database, open_database
from hotspot.sealing import Vault
from hotspot.settings import Settings, load_settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({}, var_dir=tmp_path, secret_key="k" * 40)


@pytest.fixture
def vault(settings: Settings) -> Vault:
    return Vault(settings.secret_key.get_secret_value())


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    import hotspot.models  # noqa: F401

    opened = open_database(settings)
    Base.metadata.create_all(opened.engine)
    yield opened
    opened.dispose()
