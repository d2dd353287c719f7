"""FreeRADIUS's own client against `python -m radius`, over real sockets: it checks every authenticator of ours."""

import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from hotspot.adapters.one_time_login import OneTimeLogin
from hotspot.models import Admission, Nas, WifiSession, WifiSessionCounter
from hotspot.settings import Settings
from hotspot.values import RefusalReason, TerminateCause, print_mac
from tests import factories
from tests.radius.conftest import RadiusProcess, eventually, given_login


def ask(port: int, command: str, *attributes: str, secret: str = factories.RADIUS_SECRET) -> str:
    """What radclient prints: the reply with its attributes, or that there was none."""
    done = subprocess.run(
        ["radclient", "-x", "-r", "1", "-t", "2", f"127.0.0.1:{port}", command, secret],
        input="\n".join(attributes),
        text=True,
        capture_output=True,
        check=False,
    )
    return done.stdout + done.stderr


def of_device(login: OneTimeLogin) -> tuple[str, ...]:
    return (
        f'User-Name = "{login.user_name}"',
        f'Calling-Station-Id = "{print_mac(login.device_mac, "-").upper()}"',
        "NAS-Port-Type = Wireless-802.11",
    )


def test_a_one_time_login_is_accepted_by_pap(radius_process: RadiusProcess, login: OneTimeLogin) -> None:
    said = ask(
        radius_process.auth_port,
        "auth",
        *of_device(login),
        f'User-Password = "{login.password}"',
        "Message-Authenticator = 0x00",
    )

    assert "Access-Accept" in said
    assert f"Class = 0x{login.terms.grant_id.hex}" in said
    assert "WISPr-Bandwidth-Max-Down = 8000000" in said
    assert "Acct-Interim-Interval = 300" in said
    assert "/online/" in said


def test_a_one_time_login_is_accepted_by_chap(radius_process: RadiusProcess, login: OneTimeLogin) -> None:
    said = ask(
        radius_process.auth_port,
        "auth",
        *of_device(login),
        f'CHAP-Password = "{login.password}"',
        "Message-Authenticator = 0x00",
    )

    assert "Access-Accept" in said


def refusals(process: RadiusProcess) -> list[RefusalReason | None]:
    with process.database.reading() as db:
        return list(db.scalars(select(Admission.refusal)))


@pytest.mark.parametrize("kind", ["User-Password", "CHAP-Password"])
def test_a_wrong_password_is_rejected_with_a_sentence(
    radius_process: RadiusProcess, login: OneTimeLogin, kind: str
) -> None:
    said = ask(radius_process.auth_port, "auth", *of_device(login), f'{kind} = "wrong"', "Message-Authenticator = 0x00")

    assert "Access-Reject" in said
    assert "Reply-Message = " in said
    assert "/refused/wrong_password" in said
    assert eventually(lambda: refusals(radius_process)) == [RefusalReason.WRONG_PASSWORD]


def test_a_request_without_a_message_authenticator_is_left_unanswered(
    radius_process: RadiusProcess, login: OneTimeLogin
) -> None:
    said = ask(radius_process.auth_port, "auth", *of_device(login), f'User-Password = "{login.password}"')

    assert "No reply" in said


def test_a_wrong_secret_is_left_unanswered(radius_process: RadiusProcess) -> None:
    said = ask(radius_process.acct_port, "acct", "Acct-Status-Type = Accounting-On", secret="not this one")

    assert "No reply" in said


def test_status_server_is_answered_on_both_ports(radius_process: RadiusProcess) -> None:
    assert "Access-Accept" in ask(radius_process.auth_port, "status", "Message-Authenticator = 0x00")
    assert "Accounting-Response" in ask(radius_process.acct_port, "status", "Message-Authenticator = 0x00")


def test_a_session_is_kept_from_login_to_stop_on_each_database(
    any_radius_process: RadiusProcess, settings: Settings
) -> None:
    login = given_login(any_radius_process, settings)
    password = f'User-Password = "{login.password}"'
    said = ask(any_radius_process.auth_port, "auth", *of_device(login), password, "Message-Authenticator = 0x00")
    assert "Access-Accept" in said
    session = (
        *of_device(login),
        'Acct-Session-Id = "0000002a"',
        f"Class = 0x{login.terms.grant_id.hex}",
        "Framed-IP-Address = 10.1.0.2",
        'Called-Station-Id = "02-AA-00-00-00-01"',
    )
    counted = ("Acct-Input-Octets = 1000", "Acct-Output-Octets = 5", "Acct-Output-Gigawords = 1")

    for status in (
        ("Acct-Status-Type = Start",),
        ("Acct-Status-Type = Interim-Update", "Acct-Session-Time = 300", *counted),
        ("Acct-Status-Type = Stop", "Acct-Session-Time = 310", "Acct-Terminate-Cause = User-Request", *counted),
    ):
        assert "Accounting-Response" in ask(any_radius_process.acct_port, "acct", *session, *status)

    with any_radius_process.database.reading() as db:
        kept = db.scalars(select(WifiSession)).one()
        counter = db.get_one(WifiSessionCounter, kept.id)
    assert (kept.grant_id, kept.framed_ip) == (login.terms.grant_id, "10.1.0.2")
    assert kept.terminate_cause is TerminateCause.USER_REQUEST
    assert (counter.upload_octets, counter.download_octets) == (1000, 2**32 + 5)
    assert counter.session_seconds == 310


def test_a_nas_added_while_it_runs_is_known_within_seconds(radius_process: RadiusProcess) -> None:
    with radius_process.database.transaction() as db:
        db.get_one(Nas, radius_process.nas_id).secret_sealed = factories.VAULT.seal("a new secret")

    deadline = datetime.now(UTC) + timedelta(seconds=8)
    said = ""
    while "Access-Accept" not in said and datetime.now(UTC) < deadline:
        said = ask(radius_process.auth_port, "status", "Message-Authenticator = 0x00", secret="a new secret")

    assert "Access-Accept" in said
