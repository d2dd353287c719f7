"""Identity providers: adding one before it knows us, its client, the test, retiring; whose they are."""

from collections.abc import Iterator
from typing import Any

import pytest

from hotspot.db import Database
from hotspot.models import AuditEntry, IdentityProvider, Site
from hotspot.sealing import Vault
from hotspot.values import Way
from tests import factories
from tests.fixtures.openid import Script, a_scripted_provider
from tests.hotspot_admin.conftest import Browser, Town
from tests.page_client import Page

NEW: dict[str, Any] = {"profile": "generic", "name": "Compte Loue", "issuer": "https://compte.loue.test/oidc"}
SECRET = "kept by the provider and us"


@pytest.fixture
def script() -> Iterator[Script]:
    with a_scripted_provider() as started:
        yield started


def add(browser: Browser, **typed: Any) -> Page:
    page = browser.get("/identity-providers/new")
    return browser.submit(page.form("/identity-providers/new"), **{**NEW, **typed})


def set_client(browser: Browser, page: Page, client_id: str = "parvis", secret: str = SECRET) -> Page:
    form = page.form(f"{page.path}/client")
    return browser.submit(form, client_id=client_id, client_secret=secret)


def the_provider(database: Database) -> IdentityProvider:
    with database.reading() as db:
        return db.query(IdentityProvider).one()


def test_a_provider_is_added_and_its_addresses_to_declare_are_shown(
    administrator: Browser, database: Database, town: Town
) -> None:
    page = administrator.follow(add(administrator))

    provider = the_provider(database)
    assert (provider.organisation_id, provider.scopes, provider.client_id) == (town.organisation, "openid", "")
    shown = [each.text for each in page.root.all("pre")]
    assert shown == [
        f"http://localhost:8080/identity/{provider.id}/callback",
        "http://localhost:8080/identity/signed-out",
    ]


def test_the_issuers_of_franceconnect_are_proposed(administrator: Browser) -> None:
    page = administrator.get("/identity-providers/new")

    assert "https://oidc.franceconnect.gouv.fr/api/v2" in [each["value"] for each in page.root.all("option")]


def test_the_secret_is_kept_encrypted_and_never_shown(administrator: Browser, database: Database, vault: Vault) -> None:
    page = administrator.follow(set_client(administrator, administrator.follow(add(administrator))))

    provider = the_provider(database)
    assert provider.client_id == "parvis"
    assert vault.open(provider.client_secret_sealed or b"") == SECRET
    assert SECRET not in page.html
    with database.reading() as db:
        assert not [each for each in db.query(AuditEntry) if SECRET in str(each.facts)]


WRONG: dict[str, dict[str, str]] = {
    "clear text": {"issuer": "http://compte.loue.test"},
    "no address": {"issuer": "compte.loue.test"},
    "with a question": {"issuer": "https://compte.loue.test/?a=b"},
    "a user": {"issuer": "https://a@compte.loue.test"},
    "no openid": {"scopes": "profile"},
    "scopes with quotes": {"scopes": 'openid "x'},
    "an unknown level": {"profile": "franceconnect", "acr": "eidas9"},
    "a level of two words": {"acr": "a b"},
    "no name": {"name": ""},
}


@pytest.mark.parametrize("typed", WRONG.values(), ids=WRONG)
def test_what_cannot_be_right_is_said_beside_its_field(
    administrator: Browser, database: Database, typed: dict[str, str]
) -> None:
    page = add(administrator, **typed)

    assert page.status == 422
    assert page.root.all(class_="error")
    with database.reading() as db:
        assert db.query(IdentityProvider).count() == 0


@pytest.mark.parametrize("field", ["profile", "prompt", "organisation_id"])
def test_a_choice_that_was_not_offered_is_refused(administrator: Browser, database: Database, field: str) -> None:
    data = {**NEW, "organisation_id": "1", "scopes": "openid", "prompt": "as_usual", field: "999"}

    assert administrator.post_bare("/identity-providers/new", data).status == 422


def test_a_name_is_there_once(administrator: Browser) -> None:
    add(administrator)

    assert add(administrator).status == 409


@pytest.mark.parametrize(("client_id", "secret"), [("parvis", "é"), ("\x1b", SECRET), ("parvis", "x" * 201)])
def test_a_client_that_no_provider_gives_is_refused(
    administrator: Browser, database: Database, client_id: str, secret: str
) -> None:
    page = administrator.follow(add(administrator))

    assert set_client(administrator, page, client_id, secret).status == 422
    assert the_provider(database).client_id == ""


@pytest.mark.integration
def test_the_test_says_what_works_and_what_does_not(administrator: Browser, script: Script) -> None:
    page = administrator.follow(add(administrator, issuer=script.issuer))
    page = administrator.follow(set_client(administrator, page))
    script.status, script.bodies = {"/token": 401}, {"/token": b'{"error": "invalid_client"}'}

    found = administrator.submit(page.form(f"{page.path}/test")).root.one(id="findings").text

    assert "Le fournisseur répond" in found
    assert "Il ne nous reconnaît pas" in found
    assert script.forms[0]["client_id"] == "parvis"


@pytest.mark.integration
def test_the_test_of_a_provider_without_a_client_asks_for_no_token(administrator: Browser, script: Script) -> None:
    page = administrator.follow(add(administrator, issuer=script.issuer))

    administrator.submit(page.form(f"{page.path}/test"))

    assert "/token" not in script.asked


def test_a_retired_provider_is_gone(administrator: Browser, database: Database) -> None:
    page = administrator.follow(add(administrator))

    answer = administrator.submit(page.form(f"{page.path}/retire"))

    assert answer.status == 303
    assert administrator.get(page.path).status == 404
    assert the_provider(database).retired_at is not None


def test_a_provider_that_an_offer_leads_to_is_not_retired(
    administrator: Browser, database: Database, town: Town
) -> None:
    add(administrator)
    provider = the_provider(database)
    with database.transaction() as db:
        site = db.get_one(Site, town.library)
        factories.make_offer(
            db, site=site, way=Way.OPENID_CONNECT, name="Avec mon compte", identity_provider_id=provider.id
        )

    answer = administrator.post_bare(f"/identity-providers/{provider.id}/retire")

    assert answer.status == 409
    assert "Avec mon compte" in answer.text


def test_a_provider_of_another_town_is_not_there(administrator: Browser, stranger: Browser, database: Database) -> None:
    add(administrator)
    address = f"/identity-providers/{the_provider(database).id}"

    assert stranger.get(address).status == 404
    assert stranger.post_bare(f"{address}/client", {"client_id": "x", "client_secret": "y"}).status == 404
    assert stranger.post_bare(f"{address}/test").status == 404
    assert stranger.post_bare(f"{address}/retire").status == 404
    assert "Compte Loue" not in stranger.get("/identity-providers").text


def test_a_librarian_manages_none(librarian: Browser) -> None:
    assert librarian.get("/identity-providers").status == 403
    assert librarian.post_bare("/identity-providers/new", NEW).status == 403
