"""The demonstration: loaded once, the same at each start, never over somebody's data."""

import json
import shutil
import stat
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from hotspot.db import Database, open_database
from hotspot.models import Nas, Organisation, Patron, Site, StaffMember, UsageHour, Voucher, WifiSession
from hotspot.policy.opening_hours import closing_time
from hotspot.policy.voucher_codes import parse_code
from hotspot.sealing import Vault
from hotspot.services.staff import find_scope, sign_in_staff
from hotspot.services.surveys import get_survey, results
from hotspot.settings import load_settings
from parvis import demo_town
from parvis.cli import main
from parvis.demo_fleet import GATEWAYS
from simulator.config import read_config
from simulator.fleet.config import read_fleet
from tests import factories
from tests.parvis.conftest import Run, free_environment

pytestmark = pytest.mark.journey  # five weeks of packets: seconds, not milliseconds


@pytest.fixture(scope="module")
def once_prepared(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A first start, which the tests copy."""
    environ = free_environment(tmp_path_factory.mktemp("demo") / "var")
    result = CliRunner().invoke(main, ["demo", "--prepare"], env=environ)
    assert result.exit_code == 0, result.output
    return environ


@pytest.fixture
def environment(once_prepared: dict[str, str], tmp_path: Path) -> dict[str, str]:
    return once_prepared | {"PARVIS_VAR_DIR": str(tmp_path / "var")}


@pytest.fixture
def var(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)  # `demo` reads more than the settings
    return Path(environment["PARVIS_VAR_DIR"])


@pytest.fixture
def prepared(once_prepared: dict[str, str], var: Path) -> Path:
    shutil.copytree(once_prepared["PARVIS_VAR_DIR"], var)
    return var


def _open(var: Path) -> Database:
    return open_database(load_settings({}, var_dir=var))


def _counts(var: Path) -> dict[str, int]:
    tables = (Organisation, Site, Nas, Patron, Voucher, WifiSession, UsageHour)
    with _open(var).reading() as db:
        return {table.__name__: db.scalar(select(func.count()).select_from(table)) or 0 for table in tables}


def test_demo_json_has_exactly_what_is_promised_and_is_private(prepared: Path, environment: dict[str, str]) -> None:
    file = prepared / "demo.json"
    told = json.loads(file.read_text())

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    addresses = {"portal_url", "staff_url", "access_point_url", "mailbox_url"}
    assert set(told) == addresses | {"radius", "staff", "patron", "reader", "voucher"}
    assert set(told["radius"]) == {"host", "auth_port", "acct_port", "coa_port", "secret"}
    assert set(told["staff"]) == {"email", "password"}
    assert set(told["patron"]) == {"card", "pin"}
    assert told["access_point_url"] == f"http://localhost:{environment['PARVIS_ACCESS_POINT_PORT']}"


def test_a_second_start_is_on_the_same_data_with_the_same_logins(parvis: Run, prepared: Path) -> None:
    counts, told = _counts(prepared), json.loads((prepared / "demo.json").read_text())

    assert parvis("demo", "--prepare").exit_code == 0

    assert _counts(prepared) == counts
    assert json.loads((prepared / "demo.json").read_text()) == told


def test_the_past_weeks_are_lived_through(prepared: Path) -> None:
    counts = _counts(prepared)
    with _open(prepared).reading() as db:
        live = db.scalar(select(func.count()).select_from(WifiSession).where(WifiSession.ended_at.is_(None)))
        download, upload = db.execute(
            select(func.sum(UsageHour.download_octets), func.sum(UsageHour.upload_octets))
        ).one()
        sites = db.scalar(select(func.count(UsageHour.site_id.distinct())))

    assert counts["WifiSession"] > 3000
    assert counts["UsageHour"] > 500
    assert live == 0
    assert sites == 3
    assert download > upload > 0  # CoovaChilli counts from the client's side: read the wrong way round it would show


def test_the_voucher_is_always_one_that_nobody_has_used(parvis: Run, prepared: Path) -> None:
    vault = Vault(load_settings({}, var_dir=prepared).secret_key.get_secret_value())
    offered = []
    for _ in range(2):
        offered.append(json.loads((prepared / "demo.json").read_text())["voucher"])
        with _open(prepared).transaction() as db:
            code = parse_code(offered[-1])
            assert code is not None
            db.scalars(
                select(Voucher).where(Voucher.code_digest == vault.digest(code))
            ).one().redeemed_at = factories.NOW
        parvis("demo", "--prepare")
    offered.append(json.loads((prepared / "demo.json").read_text())["voucher"])

    assert len(set(offered)) == 3


def test_when_all_vouchers_are_used_there_are_new_ones(parvis: Run, prepared: Path) -> None:
    with _open(prepared).transaction() as db:
        for voucher in db.scalars(select(Voucher)):
            voucher.redeemed_at = factories.NOW

    parvis("demo", "--prepare")

    assert _counts(prepared)["Voucher"] == 2 * demo_town.VOUCHERS


def test_the_logins_work_again_after_their_file_is_lost(parvis: Run, prepared: Path) -> None:
    (prepared / "demo.json").unlink()

    parvis("demo", "--prepare")

    staff = json.loads((prepared / "demo.json").read_text())["staff"]
    with _open(prepared).transaction() as db:
        assert sign_in_staff(db, staff["email"], staff["password"], datetime.now(UTC)) is not None


def test_the_library_is_open_at_any_hour_and_the_town_hall_is_not(prepared: Path) -> None:
    paris = ZoneInfo("Europe/Paris")
    night, morning = datetime(2026, 3, 11, 3, tzinfo=paris), datetime(2026, 3, 11, 10, tzinfo=paris)
    with _open(prepared).reading() as db:
        hours = {site.name: site.hours for site in db.scalars(select(Site))}

    def is_open(name: str, at: datetime) -> bool:
        return closing_time(hours[name], at.astimezone(UTC)) is not None

    assert [is_open(demo_town.LIBRARY, at) for at in (night, morning)] == [True, True]
    assert [is_open(demo_town.TOWN_HALL, at) for at in (night, morning)] == [False, True]


def test_the_access_point_is_set_up_with_the_ports_of_this_start(
    parvis: Run, prepared: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    environment["PARVIS_ACCESS_POINT_PORT"] = "4990"
    monkeypatch.setenv("PARVIS_ACCESS_POINT_PORT", "4990")

    parvis("demo", "--prepare")

    with _open(prepared).reading() as db:
        nas = demo_town.get_access_point(db)
        assert nas.login_hosts.split() == ["localhost:4990", "127.0.0.1:4990"]
    config = read_config(prepared / "pocket.json")
    assert (config.port, config.nas_identifier) == (4990, nas.nas_identifier)
    assert config.secret == json.loads((prepared / "demo.json").read_text())["radius"]["secret"]


def test_it_is_never_loaded_into_somebody_elses_data(parvis: Run, var: Path) -> None:
    parvis("db", "upgrade")
    with _open(var).transaction() as db:
        factories.make_organisation(db, name="A real commune")

    result = parvis("demo", "--prepare")

    assert result.exit_code == 1
    assert "it holds other data" in result.stderr
    assert not (var / "demo.json").exists()


def test_forgetting_removes_a_demonstration_and_nothing_else(parvis: Run, prepared: Path) -> None:
    (prepared / "notes.txt").write_text("mine")

    assert parvis("demo", "--forget").exit_code == 0

    assert {each.name for each in prepared.iterdir()} <= {"notes.txt", "lock"}


def test_forgetting_leaves_an_installation_alone(parvis: Run, var: Path) -> None:
    parvis("db", "upgrade")

    result = parvis("demo", "--forget")

    assert "There is no demonstration" in result.stdout
    assert (var / "parvis.sqlite3").exists()


def test_the_librarys_survey_is_open_and_tells_three_months(prepared: Path) -> None:
    now = datetime.now(UTC)
    with _open(prepared).reading() as db:
        site = db.scalars(select(Site).where(Site.name == demo_town.LIBRARY)).one()
        librarian = db.scalars(select(StaffMember).where(StaffMember.email == demo_town.LIBRARIAN)).one()
        scope = find_scope(db, librarian.id, librarian.session_key)
        assert scope is not None
        assert get_survey(db, scope, site.id).is_open
        months = results(db, scope, site.id, now)
    assert len(months) >= 2  # on the first morning of a month the one before is not told yet
    assert any(None in each.questions[0].groups for each in months)
    assert any(each.questions[0].total is not None for each in months)


def test_the_fleet_is_there_when_it_is_asked_for(prepared: Path, parvis: Run, environment: dict[str, str]) -> None:
    assert not (prepared / "fleet.json").exists()

    assert parvis("demo", "--prepare", "--fleet", **environment).exit_code == 0
    assert len(read_fleet(prepared / "fleet.json").gateways) == GATEWAYS
    assert stat.S_IMODE((prepared / "fleet.json").stat().st_mode) == 0o600

    assert parvis("demo", "--forget", **environment).exit_code == 0
    assert not (prepared / "fleet.json").exists()
