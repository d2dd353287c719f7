"""From an empty machine to a site that lets visitors in: organisation, terms, offers, on the command line."""

import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hotspot.db import open_database
from hotspot.models import Organisation
from hotspot.services.offers import SiteShown, show_site
from hotspot.settings import load_settings
from hotspot.values import Way
from parvis.secret_key import make_key_file
from parvis.startup import prepare_var
from tests import factories
from tests.parvis.conftest import Run


@pytest.fixture
def town(parvis: Run, environment: dict[str, str], migrated_sqlite: Path) -> Run:
    """A commune, and the square that its administrator has added."""
    var = Path(environment["PARVIS_VAR_DIR"])
    prepare_var(var)
    make_key_file(var)
    shutil.copyfile(migrated_sqlite, var / "parvis.sqlite3")
    assert parvis("organisation", "create", "Loue-la-Ville", "--contact", "mairie@commune.example").exit_code == 0
    database = open_database(load_settings({}, var_dir=Path(environment["PARVIS_VAR_DIR"])))
    with database.transaction() as db:
        factories.make_site(db, organisation=db.get_one(Organisation, 1), name="Square")
    database.dispose()
    return parvis


def shown(environment: dict[str, str]) -> SiteShown:
    database = open_database(load_settings({}, var_dir=Path(environment["PARVIS_VAR_DIR"])))
    with database.reading() as db:
        site = show_site(db, 1)
    database.dispose()
    return site


def test_a_new_offer_is_on_the_portal(town: Run, environment: dict[str, str]) -> None:
    arguments = ["--way", "one_tap", "--site", "Square", "--minutes", "120", "--download", "5000", "--upload", "1000"]
    assert town("offer", "add", "Accès libre", *arguments).exit_code == 0
    offers = shown(environment).offers
    assert [(each.name, each.way, each.download_kbps) for each in offers] == [("Accès libre", Way.ONE_TAP, 5000)]


def test_an_offer_may_limit_days_and_weeks_and_have_announcements(town: Run) -> None:
    day = ("--day-time", "120", "--day-volume", "500", "--day-upload-volume", "100", "--week-time", "420")
    visit = ("--download-volume", "200", "--announcement-every", "30", "--announcement-length", "15")
    assert town("offer", "add", "Accès libre", "--way", "one_tap", "--site", "Square", *day, *visit).exit_code == 0
    row = json.loads(town("offer", "list", "--json").output)[0]
    none = {"minutes": None, "octets": None, "upload_octets": None, "download_octets": None}
    assert row["visit"] == none | {"download_octets": 200_000_000}
    assert row["day"] == none | {"minutes": 120, "octets": 500_000_000, "upload_octets": 100_000_000}
    assert row["week"] == none | {"minutes": 420}
    assert (row["announcement_every_minutes"], row["announcement_seconds"]) == (30, 15)
    assert "day: 120 min and 500 MB and 100 MB up" in town("offer", "list").output


def test_the_length_of_announcements_needs_announcements(town: Run) -> None:
    arguments = ("--way", "one_tap", "--site", "Square", "--announcement-length", "15")
    assert town("offer", "add", "Accès libre", *arguments).exit_code == 2


def test_an_offer_for_cards_may_remember_devices(town: Run, environment: dict[str, str]) -> None:
    arguments = ("--way", "library_card", "--site", "Square", "--remember-days", "30")
    assert town("offer", "add", "Lecteurs", *arguments).exit_code == 0
    assert [each.remember_for for each in shown(environment).offers] == [timedelta(days=30)]


def test_a_sponsor_needs_a_domain_as_the_name_system_knows_it(town: Run, environment: dict[str, str]) -> None:
    arguments = ("--way", "sponsor", "--site", "Square")
    refused = town("offer", "add", "Invités", *arguments)
    strange = town("offer", "add", "Invités", *arguments, "--host-domain", "not a domain")
    elsewhere = town("offer", "add", "Accès", "--way", "one_tap", "--site", "Square", "--host-domain", "ville.fr")
    assert all(each.exit_code for each in (refused, strange, elsewhere))
    domains = ("--host-domain", "Ville.FR", "--host-domain", "besançon.fr", "--host-domain", "ville.fr")
    assert town("offer", "add", "Invités", *arguments, *domains).exit_code == 0
    assert [each.sponsor_domains for each in shown(environment).offers] == [("ville.fr", "xn--besanon-yxa.fr")]


def add_library_system(environment: dict[str, str], name: str, **fields: Any) -> int:
    database = open_database(load_settings({}, var_dir=Path(environment["PARVIS_VAR_DIR"])))
    with database.transaction() as db:
        organisation = fields.pop("organisation", None) or db.get_one(Organisation, 1)
        made = factories.make_library_system(db, organisation=organisation, name=name, **fields).id
    database.dispose()
    return made


def test_an_offer_for_cards_may_have_them_checked_by_a_library_system(town: Run, environment: dict[str, str]) -> None:
    system_id = add_library_system(environment, "Catalogue")
    arguments = ("--way", "library_card", "--site", "Square", "--library-system", "Catalogue")
    assert town("offer", "add", "Lecteurs", *arguments).exit_code == 0
    assert [each.library_system_id for each in shown(environment).offers] == [system_id]


def test_an_offer_that_only_a_rule_gives_is_not_on_the_portal(town: Run, environment: dict[str, str]) -> None:
    arguments = ("--way", "library_card", "--site", "Square", "--by-rule-only")
    assert "a rule can give it" in town("offer", "add", "Jeunes", *arguments).output
    assert shown(environment).offers == ()


def test_the_list_for_scripts_tells_both(town: Run, environment: dict[str, str]) -> None:
    add_library_system(environment, "Catalogue")
    arguments = ("--way", "library_card", "--site", "Square", "--library-system", "1", "--by-rule-only")
    town("offer", "add", "Jeunes", *arguments)
    town("offer", "add", "Accès libre", "--way", "one_tap", "--site", "Square")
    told = [
        (each["library_system"], each["by_rule_only"]) for each in json.loads(town("offer", "list", "--json").output)
    ]
    assert told == [("Catalogue", True), (None, False)]


@pytest.mark.parametrize(
    ("way", "system", "fields", "says"),
    [
        ("library_card", "Nowhere", {}, "no such library system"),
        ("library_card", "Catalogue", {"retired_at": factories.NOW}, "no such library system"),
        ("library_card", "Catalogue", {"ignores_pins": True}, "ignores PINs"),
        ("one_tap", "Catalogue", {}, "library cards"),
    ],
)
def test_a_library_system_that_cannot_check_cards_there_is_refused(
    town: Run, environment: dict[str, str], way: str, system: str, fields: dict[str, Any], says: str
) -> None:
    add_library_system(environment, "Catalogue", **fields)
    refused = town("offer", "add", "A", "--way", way, "--site", "Square", "--library-system", system)
    assert (refused.exit_code, says in refused.output) == (1, True), refused.output
    assert shown(environment).offers == ()


def test_a_retired_offer_is_not(town: Run, environment: dict[str, str]) -> None:
    town("offer", "add", "Accès libre", "--way", "one_tap", "--site", "Square")
    assert town("offer", "retire", "1").exit_code == 0
    assert shown(environment).offers == ()
    assert town("offer", "retire", "1").exit_code == 1


def test_new_terms_follow_the_old(town: Run, environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "fr.txt").write_text("Soyez sages.", encoding="utf-8")
    (tmp_path / "en.txt").write_text("Be good.", encoding="utf-8")
    both = ("--fr", str(tmp_path / "fr.txt"), "--en", str(tmp_path / "en.txt"))
    town("organisation", "terms", *both)
    assert "Version 2" in town("organisation", "terms", *both).output
    site = shown(environment)
    assert (site.terms_version, site.terms) == (2, {"fr": "Soyez sages.", "en": "Be good."})


def test_a_commune_stands_in_its_metropolis(town: Run) -> None:
    assert town("organisation", "create", "Village", "--parent", "Loue-la-Ville").exit_code == 0
    listed = json.loads(town("organisation", "list", "--json").output)
    assert listed[1] == {"id": 2, "name": "Village", "parent": "Loue-la-Ville"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("organisation", "create", "Loue-la-Ville"), "already an organisation"),
        (("organisation", "create", " "), "name"),
        (("organisation", "create", "Village", "--parent", "Nowhere"), "no such organisation"),
        (("organisation", "terms"), "at least one language"),
        (("offer", "add", "A", "--way", "one_tap", "--site", "Nowhere"), "no such site"),
        (("offer", "add", "A", "--way", "one_tap", "--site", "Square", "--minutes", "0"), "visit-time"),
        (("offer", "add", "A", "--way", "one_tap", "--site", "Square", "--minutes", "9" * 30), "no time"),
        (("offer", "add", "A", "--way", "one_tap", "--site", "Square", "--download", "0"), "download"),
        (("offer", "add", "A", "--way", "one_tap", "--site", "Square", "--megabytes", "-1"), "volume"),
        (("offer", "add", "A", "--way", "one_tap", "--site", "Square", "--devices", "0"), "devices"),
        (("offer", "add", "A", "--way", "one_tap", "--site", "Square", "--remember-days", "30"), "remember-days"),
        (("offer", "add", "A", "--way", "voucher", "--site", "Square", "--remember-days", "0"), "remember-days"),
        (("offer", "add", "A", "--way", "voucher", "--site", "Square", "--remember-days", "9" * 30), "no time"),
        (("offer", "add", "A", "--way", "voucher", "--site", "Square", "--by-rule-only"), "library cards"),
        (("offer", "add", "", "--way", "one_tap", "--site", "Square"), "name"),
        (("offer", "retire", "7"), "no such offer"),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, tuple) else "",
)
def test_what_cannot_be_is_said_in_one_sentence(
    town: Run, environment: dict[str, str], arguments: tuple[str, ...], says: str
) -> None:
    refused = town(*arguments)
    assert refused.exit_code == 1
    assert says in refused.output
    assert "Traceback" not in refused.output
    assert shown(environment).offers == ()


def test_terms_that_are_no_text_are_refused(town: Run, tmp_path: Path) -> None:
    (tmp_path / "fr.txt").write_bytes(b"\xff\xfe")
    refused = town("organisation", "terms", "--fr", str(tmp_path / "fr.txt"))
    assert (refused.exit_code, "UTF-8" in refused.output) == (1, True)


def test_two_live_offers_of_one_name_are_a_conflict(town: Run) -> None:
    add = ("offer", "add", "Accès libre", "--way", "one_tap", "--site", "Square")
    assert [town(*add).exit_code, town(*add).exit_code] == [0, 1]
