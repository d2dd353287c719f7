"""The command line, on a data folder of its own: what it does, what it says, its exit codes."""

import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hotspot.db import open_database
from hotspot.models import Nas, Patron
from hotspot.passwords import is_password
from hotspot.sealing import Vault
from hotspot.services.staff import sign_in_staff
from hotspot.settings import Settings
from tests.fixtures.smtp import a_mail_server
from tests.parvis.conftest import Run
from tests.radius.tls_peers import SERVER_NAME, Town


def test_upgrade_makes_the_tables_and_a_key_for_this_user_alone(parvis: Run, environment: dict[str, str]) -> None:
    first = parvis("db", "upgrade")
    key = Path(environment["PARVIS_VAR_DIR"]) / "secret.key"
    made = key.read_text()
    second = parvis("db", "upgrade")

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len(made.strip()) >= 32
    assert key.read_text() == made


def test_upgrade_makes_no_key_where_one_is_given(parvis: Run, environment: dict[str, str]) -> None:
    assert parvis("db", "upgrade", PARVIS_SECRET_KEY="k" * 40).exit_code == 0

    assert not (Path(environment["PARVIS_VAR_DIR"]) / "secret.key").exists()


def test_check_says_whether_the_tables_are_up_to_date(parvis: Run, environment: dict[str, str]) -> None:
    Path(environment["PARVIS_VAR_DIR"]).mkdir()
    before = parvis("db", "check", "--json", PARVIS_SECRET_KEY="k" * 40)
    parvis("db", "upgrade", PARVIS_SECRET_KEY="k" * 40)
    after = parvis("db", "check", "--json", PARVIS_SECRET_KEY="k" * 40)

    assert (before.exit_code, json.loads(before.stdout)) == (1, {"up_to_date": False})
    assert (after.exit_code, json.loads(after.stdout)) == (0, {"up_to_date": True})


def test_every_bad_setting_is_named(parvis: Run) -> None:
    result = parvis("serve", PARVIS_PORTAL_PORT="99999", PARVIS_WEB_THREADS="many", PARVIS_SECRET_KEY="k" * 40)

    assert result.exit_code == 1
    assert "PARVIS_PORTAL_PORT:" in result.stderr
    assert "PARVIS_WEB_THREADS:" in result.stderr
    assert "Traceback" not in result.output


def test_without_a_key_it_says_how_to_make_one(parvis: Run) -> None:
    result = parvis("serve")

    assert result.exit_code == 1
    assert "parvis db upgrade" in result.stderr


def test_a_database_that_is_away_is_one_sentence(parvis: Run) -> None:
    away = "postgresql://nobody@127.0.0.1:1/nothing"

    result = parvis("nas", "list", PARVIS_DATABASE_URL=away, PARVIS_SECRET_KEY="k" * 40)

    assert (result.exit_code, result.stderr) == (1, "Error: The database cannot be reached.\n")


def test_an_account_can_sign_in_with_the_password_that_was_printed(parvis: Run, installed: Settings) -> None:
    result = parvis("staff", "create", "A.Martin@commune.example", "--role", "librarian", "--site", "Library")

    assert result.exit_code == 0
    assert result.stdout.startswith("a.martin@commune.example can sign in with the password ")
    assert _can_sign_in(installed, "a.martin@commune.example", result.stdout.split()[-1])


def test_an_account_takes_its_password_from_standard_input(parvis: Run, installed: Settings) -> None:
    password = "a long password of mine"

    result = parvis("staff", "create", "a@commune.example", "--password-stdin", stdin=password + "\n")

    assert result.exit_code == 0
    assert password not in result.stdout
    assert _can_sign_in(installed, "a@commune.example", password)


def test_a_reset_password_replaces_the_old_one(parvis: Run, installed: Settings) -> None:
    old = parvis("staff", "create", "a@commune.example").stdout.split()[-1]

    new = parvis("staff", "reset", "a@commune.example").stdout.split()[-1]

    assert not _can_sign_in(installed, "a@commune.example", old)
    assert _can_sign_in(installed, "a@commune.example", new)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("staff", "create", "not an address"), "email: This is not an e-mail address."),
        (("staff", "create", "a@b.example", "--role", "librarian"), "sites: A librarian needs at least one site."),
        (("staff", "create", "a@b.example", "--role", "librarian", "--site", "Moon"), "There is no such site."),
        (("staff", "create", "a@b.example", "--organisation", "Moon"), "There is no such organisation."),
        (("staff", "reset", "nobody@b.example"), "There is no such staff member."),
    ],
    ids=["address", "librarian-without-site", "site", "organisation", "unknown"],
)
def test_what_cannot_be_done_is_said_in_one_sentence(
    parvis: Run, installed: Settings, arguments: tuple[str, ...], sentence: str
) -> None:
    result = parvis(*arguments)

    assert (result.exit_code, result.stderr) == (1, f"Error: {sentence}\n")


def _add_nas(parvis: Run, name: str, identifier: str, address: str, *more: str) -> tuple[int, str, str]:
    options = ("--brand", "coovachilli", "--site", "Library", "--identifier", identifier, "--address", address)
    result = parvis("nas", "add", name, *options, *more)
    return result.exit_code, result.stdout, result.stderr


def test_an_access_point_is_added_with_a_secret_and_listed(parvis: Run, installed: Settings) -> None:
    code, made, _ = _add_nas(parvis, "Ground floor", "lib-1", "192.0.2.10", "--login-host", "10.1.0.1:3990", "--json")
    listed = json.loads(parvis("nas", "list", "--json").stdout)

    assert code == 0
    assert [(each["name"], each["addresses"], each["last_packet_at"]) for each in listed] == [
        ("Ground floor", ["192.0.2.10/32"], None)
    ]
    database = open_database(installed)
    with database.reading() as db:
        sealed = db.get_one(Nas, json.loads(made)["id"]).secret_sealed
    database.dispose()
    assert Vault(installed.secret_key.get_secret_value()).open(sealed) == json.loads(made)["secret"]


def test_adding_an_access_point_prints_what_to_type_on_it(parvis: Run, installed: Settings) -> None:
    code, said, _ = _add_nas(parvis, "Ground floor", "lib-1", "192.0.2.10")

    assert code == 0
    assert 'HS_NASID="lib-1"' in said
    assert "Ground floor" in parvis("nas", "list").stdout


def test_an_address_that_another_has_is_refused_with_its_name(parvis: Run, installed: Settings) -> None:
    _add_nas(parvis, "Ground floor", "lib-1", "192.0.2.10")

    code, _, said = _add_nas(parvis, "First floor", "lib-2", "192.0.2.10")

    assert code == 1
    assert "The address 192.0.2.10/32 already belongs to the gateway Ground floor." in said


def test_an_address_that_is_none_is_refused(parvis: Run, installed: Settings) -> None:
    assert _add_nas(parvis, "Ground floor", "lib-1", "somewhere")[::2] == (
        1,
        "Error: address: somewhere is neither an address nor a network.\n",
    )


CARDS = "numero_carte;code;nom\n0001;1234;Camille\n0002;5678;Claude\n"


def test_cards_are_imported(parvis: Run, installed: Settings, tmp_path: Path) -> None:
    file = tmp_path / "cards.csv"
    file.write_text(CARDS)

    result = parvis("patrons", "import", str(file), "--json")

    assert json.loads(result.stdout) == {"new": 2, "updated": 0, "unchanged": 0, "missing": 0}
    assert _pins(installed, {"0001": "1234", "0002": "5678"})


def test_cards_that_are_missing_expire_only_if_that_is_asked_for(parvis: Run, installed: Settings) -> None:
    parvis("patrons", "import", "-", stdin=CARDS)
    one = "numero_carte;code\n0001;1234\n"

    stay = parvis("patrons", "import", "-", stdin=one)
    expire = parvis("patrons", "import", "-", "--missing-expire", "--json", stdin=one)

    assert stay.stdout.endswith("Not in the file: 1; they stay as they are.\n")
    assert json.loads(expire.stdout)["expired"] == 1


def test_a_dry_run_imports_nothing(parvis: Run, installed: Settings) -> None:
    result = parvis("patrons", "import", "-", "--dry-run", stdin=CARDS)

    assert result.stdout == "Would import: 2 new, 0 updated, 0 unchanged.\n"
    assert _pins(installed, {})


def test_one_wrong_line_keeps_all_cards_out_and_is_named(parvis: Run, installed: Settings) -> None:
    result = parvis("patrons", "import", "-", stdin=CARDS + ";9999;Nobody\n")

    assert result.exit_code == 1
    assert "Line 4:" in result.stderr
    assert _pins(installed, {})


def test_the_doctor_finds_a_sound_installation_sound(parvis: Run, installed: Settings) -> None:
    result = parvis("doctor", "--json")

    assert result.exit_code == 0, result.stdout
    assert {each["what"] for each in json.loads(result.stdout)} >= {"database", "tables", "secret key", "portal"}


def test_the_doctor_finds_a_key_that_others_can_read(parvis: Run, installed: Settings) -> None:
    (installed.var_dir / "secret.key").chmod(0o644)

    result = parvis("doctor")

    assert result.exit_code == 1
    assert "BAD  secret key: others can read" in result.stdout


@pytest.mark.parametrize(
    ("days", "says"),
    [(400, "ok   RadSec certificate: ends on"), (20, "renew it soon"), (-20, "BAD  RadSec certificate: ended on")],
    ids=["far", "near", "past"],
)
def test_the_doctor_looks_at_the_end_of_the_certificate_of_radsec(
    parvis: Run, installed: Settings, tmp_path: Path, days: int, says: str
) -> None:
    town = Town(tmp_path)
    server = town.certificate(SERVER_NAME, is_server=True, file="server", age_days=50, days=50 + days)
    files = {"PARVIS_RADSEC_CERTIFICATE": str(server.certificate), "PARVIS_RADSEC_KEY": str(server.key)}

    result = parvis("doctor", **town.environment() | files)

    assert says in result.stdout
    assert result.exit_code == (0 if days == 400 else 1)


def test_the_doctor_holds_the_certificate_of_radsec_against_what_gateways_are_told(
    parvis: Run, installed: Settings, tmp_path: Path
) -> None:
    town = Town(tmp_path)
    server = town.certificate("radius.commune.example", is_server=True, days=400)
    files = {"PARVIS_RADSEC_CERTIFICATE": str(server.certificate), "PARVIS_RADSEC_KEY": str(server.key)}

    result = parvis("doctor", **town.environment() | files)

    assert "it is not for 127.0.0.1, which gateways are told to connect to" in result.stdout
    assert result.exit_code == 1


def test_the_doctor_looks_for_the_mail_server(parvis: Run, installed: Settings) -> None:
    with a_mail_server() as server:
        through = {
            "PARVIS_MAIL_HOST": "127.0.0.1",
            "PARVIS_MAIL_PORT": str(server.port),
            "PARVIS_MAIL_SECURITY": "none",
            "PARVIS_MAIL_FROM": "parvis@commune.test",
        }
        there = parvis("doctor", **through)
    away = parvis("doctor", **through)

    assert (there.exit_code, away.exit_code) == (0, 1)
    assert f"ok   mail server: 127.0.0.1:{server.port} takes our mails" in there.stdout
    assert f"BAD  mail server: 127.0.0.1:{server.port} cannot be used: " in away.stdout


@pytest.mark.parametrize(
    "command",
    [
        ("serve",),
        ("demo",),
        ("db", "upgrade"),
        ("db", "check"),
        ("staff", "create"),
        ("staff", "reset"),
        ("nas", "list"),
        ("nas", "add"),
        ("radsec", "authority"),
        ("radsec", "certificate"),
        ("patrons", "import"),
        ("doctor",),
    ],
    ids=" ".join,
)
def test_every_command_explains_itself_with_an_example(parvis: Run, command: tuple[str, ...]) -> None:
    result = parvis(*command, "--help")

    assert result.exit_code == 0
    assert "Example" in result.stdout
    assert f"parvis {' '.join(command)}" in result.stdout


def test_a_mistyped_command_is_told_from_a_failed_one(parvis: Run) -> None:
    assert parvis("serv").exit_code == 2


def _can_sign_in(settings: Settings, email: str, password: str) -> bool:
    database = open_database(settings)
    try:
        with database.transaction() as db:
            return sign_in_staff(db, email, password, datetime.now(UTC)) is not None
    finally:
        database.dispose()


def _pins(settings: Settings, expected: dict[str, str]) -> bool:
    database = open_database(settings)
    try:
        with database.reading() as db:
            hashes = {patron.card_number: patron.pin_hash for patron in db.query(Patron)}
    finally:
        database.dispose()
    return hashes.keys() == expected.keys() and all(is_password(expected[card], hashes[card]) for card in expected)
