"""Settings: where they come from, and that each bad value is named."""

from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

import pytest
from pydantic import ValidationError

from hotspot.settings import SettingsError, load_settings

KEY = "a key of the tests, long enough to be one"


def test_only_the_secret_key_has_no_default(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as problem:
        load_settings({"PARVIS_VAR_DIR": str(tmp_path)})
    assert str(problem.value) == "PARVIS_SECRET_KEY: Field required"


def test_what_is_not_said_is_on_loopback_and_embedded(tmp_path: Path) -> None:
    settings = load_settings({"PARVIS_SECRET_KEY": KEY, "PARVIS_VAR_DIR": str(tmp_path)})
    assert settings.listen_host == settings.radius_host == "127.0.0.1"
    assert settings.database_address == f"sqlite:///{tmp_path}/parvis.sqlite3"
    assert settings.redis_address == f"unix://{tmp_path}/redis.sock"
    assert settings.default_language == "fr"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PARVIS_SECRET_KEY", "too short"),
        ("PARVIS_DATABASE_URL", "mysql://town"),
        ("PARVIS_PORTAL_PORT", "0"),
        ("PARVIS_STAFF_PORT", "65536"),
        ("PARVIS_RADIUS_AUTH_PORT", "radius"),
        ("PARVIS_PORTAL_URL", "wifi.town.example"),
        ("PARVIS_TRUSTED_PROXIES", "10.0.0.0/8, everybody"),
        ("PARVIS_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("PARVIS_WEB_THREADS", "0"),
        ("PARVIS_DEFAULT_LANGUAGE", "tlh"),
        ("PARVIS_ONE_TIME_LOGIN_LIFE", "a while"),
        ("PARVIS_ARRIVAL_LIFE", "0"),
        ("PARVIS_IDLE_TIMEOUT", "-PT1M"),
        ("PARVIS_LONGEST_SESSION", "59"),
        ("PARVIS_LOG_FORMAT", "paper"),
    ],
)
def test_a_bad_value_stops_the_start_and_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as problem:
        load_settings({"PARVIS_SECRET_KEY": KEY} | {name: value})
    assert str(problem.value).startswith(name)


def test_all_bad_values_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as problem:
        load_settings({"PARVIS_VAR_DIR": str(tmp_path), "PARVIS_PORTAL_PORT": "x", "PARVIS_LOG_FORMAT": "y"})
    named = [line.split(":")[0] for line in str(problem.value).splitlines()]
    assert named == ["PARVIS_SECRET_KEY", "PARVIS_PORTAL_PORT", "PARVIS_LOG_FORMAT"]


@pytest.mark.parametrize("written", ["90", "00:01:30", "PT90S", "PT1M30S"])
def test_a_length_of_time_can_be_written_in_several_ways(written: str) -> None:
    settings = load_settings({"PARVIS_SECRET_KEY": KEY, "PARVIS_ONE_TIME_LOGIN_LIFE": written})
    assert settings.one_time_login_life == timedelta(seconds=90)


def test_proxies_are_separated_by_commas() -> None:
    settings = load_settings({"PARVIS_SECRET_KEY": KEY, "PARVIS_TRUSTED_PROXIES": "10.0.0.0/8, 2001:db8::1"})
    assert settings.trusted_proxies == (IPv4Network("10.0.0.0/8"), IPv6Network("2001:db8::1/128"))


@pytest.mark.parametrize("address", ["postgres://wifi@db/parvis", "postgresql://wifi@db/parvis"])
def test_postgresql_is_spoken_to_through_psycopg(address: str) -> None:
    settings = load_settings({"PARVIS_SECRET_KEY": KEY, "PARVIS_DATABASE_URL": address})
    assert settings.database_address == "postgresql+psycopg://wifi@db/parvis"


def test_the_environment_wins_over_the_toml_file(tmp_path: Path) -> None:
    config = tmp_path / "parvis.toml"
    config.write_text(f'secret_key = "{KEY}"\nportal_port = 81\nstaff_port = 82\ntrusted_proxies = ["10.0.0.0/8"]\n')
    settings = load_settings({"PARVIS_CONFIG": str(config), "PARVIS_STAFF_PORT": "83"})
    assert (settings.portal_port, settings.staff_port) == (81, 83)
    assert settings.trusted_proxies == (IPv4Network("10.0.0.0/8"),)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (None, "PARVIS_CONFIG: cannot read"),
        (b"portal_port =", "PARVIS_CONFIG: not TOML"),
        (b"\xff", "PARVIS_CONFIG: "),
        (b"portal_prot = 81", "PARVIS_PORTAL_PROT: Extra"),
    ],
    ids=["missing", "broken", "not text", "misspelt"],
)
def test_a_bad_toml_file_is_named(tmp_path: Path, content: bytes | None, named: str) -> None:
    config = tmp_path / "parvis.toml"
    if content is not None:
        config.write_bytes(content)
    with pytest.raises(SettingsError, match=named):
        load_settings({"PARVIS_CONFIG": str(config), "PARVIS_SECRET_KEY": KEY})


@pytest.mark.parametrize("name", ["SECRET_KEY", "DATABASE_URL", "REDIS_URL"])
def test_what_holds_a_secret_may_come_from_a_file(tmp_path: Path, name: str) -> None:
    value = "postgresql+psycopg://wifi:word@db/parvis-and-more"
    (tmp_path / "secret").write_text(value + "\n")
    settings = load_settings(
        {"PARVIS_SECRET_KEY": KEY, f"PARVIS_{name}": "", f"PARVIS_{name}_FILE": f"{tmp_path}/secret"}
    )
    found = getattr(settings, name.lower())
    assert value == (found.get_secret_value() if name == "SECRET_KEY" else found)


def test_a_secret_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="PARVIS_SECRET_KEY_FILE: cannot read"):
        load_settings({"PARVIS_SECRET_KEY_FILE": str(tmp_path / "nothing")})


def test_the_generated_key_is_found_in_the_var_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text(KEY)
    assert load_settings({"PARVIS_VAR_DIR": str(tmp_path)}).secret_key.get_secret_value() == KEY


def test_secrets_print_as_stars() -> None:
    settings = load_settings({"PARVIS_SECRET_KEY": KEY, "PARVIS_DATABASE_URL": "postgresql://wifi:hush@db/parvis"})
    assert KEY not in repr(settings)
    assert "hush" not in repr(settings)


def test_settings_cannot_be_changed() -> None:
    settings = load_settings({"PARVIS_SECRET_KEY": KEY})
    with pytest.raises(ValidationError):
        settings.portal_port = 1  # type: ignore[misc]


def test_the_process_environment_is_not_looked_at_behind_our_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARVIS_PORTAL_PORT", "99")
    assert load_settings({"PARVIS_SECRET_KEY": KEY}).portal_port == 8080


@pytest.mark.parametrize("given", [["RADSEC_CERTIFICATE"], ["RADSEC_KEY", "RADSEC_CA"], ["RADSEC_CA"]], ids=str)
def test_radsec_has_all_of_its_files_or_none(given: list[str]) -> None:
    environ = {"PARVIS_SECRET_KEY": "k" * 40} | {f"PARVIS_{name}": "a.pem" for name in given}

    with pytest.raises(SettingsError, match=r"PARVIS_RADSEC_CA: .*go together"):
        load_settings(environ)


def test_radsec_is_off_until_its_files_are_given() -> None:
    files = {f"PARVIS_RADSEC_{name}": "a.pem" for name in ("CERTIFICATE", "KEY", "CA")}

    assert not load_settings({"PARVIS_SECRET_KEY": "k" * 40}).has_radsec
    assert load_settings({"PARVIS_SECRET_KEY": "k" * 40} | files).has_radsec
