"""`parvis identity`: adding a provider, who we are there, trying it, retiring it."""

import json
from collections.abc import Iterator

import pytest

from hotspot.db import open_database
from hotspot.models import IdentityProvider
from hotspot.sealing import Vault
from hotspot.settings import Settings
from tests.fixtures.openid import Script, a_scripted_provider
from tests.parvis.conftest import Run


@pytest.fixture
def script() -> Iterator[Script]:
    with a_scripted_provider() as started:
        yield started


def test_franceconnect_is_added_by_a_word_and_says_what_to_declare(
    parvis: Run, installed: Settings, environment: dict[str, str]
) -> None:
    done = parvis("identity", "add", "FranceConnect", "--profile", "franceconnect", "--issuer", "integration")

    assert done.exit_code == 0, done.output
    assert f"{environment['PARVIS_PORTAL_URL']}/identity/1/callback" in done.output
    (row,) = json.loads(parvis("identity", "list", "--json").output)
    assert row["issuer"] == "https://fcp-low.integ01.dev-franceconnect.fr/api/v2"
    assert row["ready"] is False


def test_the_secret_comes_from_standard_input_and_is_sealed(parvis: Run, installed: Settings) -> None:
    parvis("identity", "add", "Compte", "--profile", "generic", "--issuer", "https://compte.loue.test")

    done = parvis("identity", "client", "1", "--id", "parvis", stdin="a secret\n")

    assert done.exit_code == 0, done.output
    database = open_database(installed)
    with database.reading() as db:
        sealed = db.query(IdentityProvider).one().client_secret_sealed
    database.dispose()
    assert Vault(installed.secret_key.get_secret_value()).open(sealed or b"") == "a secret"
    assert "a secret" not in done.output


@pytest.mark.integration
def test_the_test_fails_where_something_is_wrong(parvis: Run, installed: Settings, script: Script) -> None:
    parvis("identity", "add", "Compte", "--profile", "generic", "--issuer", script.issuer)
    assert parvis("identity", "test", "1").exit_code == 0

    script.status = {"/jwks": 500}
    done = parvis("identity", "test", "1", "--json")

    assert done.exit_code == 1
    assert json.loads(done.output)[-1] == {"check": "keys", "verdict": "wrong", "detail": "it answers with status 500"}


def test_a_retired_provider_is_listed_no_longer(parvis: Run, installed: Settings) -> None:
    parvis("identity", "add", "Compte", "--profile", "generic", "--issuer", "https://compte.loue.test")

    assert parvis("identity", "retire", "1").exit_code == 0
    assert "none yet" in parvis("identity", "list").output
    assert parvis("identity", "retire", "1").exit_code == 1


def test_an_issuer_that_is_none_is_named(parvis: Run, installed: Settings) -> None:
    done = parvis("identity", "add", "Compte", "--profile", "generic", "--issuer", "http://compte.loue.test")

    assert done.exit_code == 1
    assert "issuer" in done.output
