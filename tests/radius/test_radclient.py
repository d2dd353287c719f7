"""FreeRADIUS's own client against `python -m radius`, over real sockets: it checks every authenticator of ours."""

import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from hotspot.adapters.one_time_login import OneTimeLogin
from hotspot.models import Admission, Grant, Nas, Offer, Patron, WifiSession, WifiSessionCounter
from hotspot.policy.voucher_codes import print_code
from hotspot.services.nases import rotate_secret
from hotspot.services.remembering import remember_device
from hotspot.settings import Settings
from hotspot.values import RefusalReason, TerminateCause, Way, print_mac
from tests import factories
from tests.radius.conftest import RadiusProcess, administrator_of, eventually, given_login


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


def test_a_nas_changed_while_it_runs_is_known_within_seconds(radius_process: RadiusProcess) -> None:
    with radius_process.database.transaction() as db:
        by = administrator_of(db, db.get_one(Nas, radius_process.nas_id))
        nas = rotate_secret(db, by, radius_process.nas_id, datetime.now(UTC), factories.VAULT)
        secret = factories.VAULT.open(nas.secret_sealed)

    deadline = datetime.now(UTC) + timedelta(seconds=8)
    said = ""
    while "Access-Accept" not in said and datetime.now(UTC) < deadline:
        said = ask(radius_process.auth_port, "status", "Message-Authenticator = 0x00", secret=secret)

    assert "Access-Accept" in said


# ---- people: what they type on the access point's own page, and devices that come back ----


@dataclass(frozen=True)
class Library:
    """The site of the process's NAS: an offer for cards that remembers devices, and one for vouchers."""

    card: str
    code: str
    offer_id: int


@pytest.fixture
def library(any_radius_process: RadiusProcess) -> Library:
    now = datetime.now(UTC)
    with any_radius_process.database.transaction() as db:
        site = db.get_one(Nas, any_radius_process.nas_id).site
        cards = factories.make_offer(db, site=site, way=Way.LIBRARY_CARD, remember_for=timedelta(days=30))
        codes = factories.make_offer(db, site=site, way=Way.VOUCHER)
        batch = factories.make_voucher_batch(db, offer=codes, created_at=now, expires_at=now + timedelta(days=30))
        voucher = factories.make_voucher(db, batch=batch)
        patron = factories.make_patron(db, organisation=site.organisation)
        return Library(patron.card_number, print_code(factories.VAULT.open(voucher.code_sealed)), cards.id)


def typed(process: RadiusProcess, user_name: str, password: str) -> str:
    device = 'Calling-Station-Id = "02-00-00-00-00-01"'
    return ask(
        process.auth_port, "auth", f'User-Name = "{user_name}"', device, password, "Message-Authenticator = 0x00"
    )


def test_a_voucher_typed_on_the_access_points_page_is_accepted_by_chap(
    any_radius_process: RadiusProcess, library: Library
) -> None:
    said = typed(any_radius_process, library.code, f'CHAP-Password = "{library.code}"')

    assert "Access-Accept" in said
    assert "Session-Timeout" in said


def test_a_card_typed_on_the_access_points_page_is_accepted_by_pap_alone(
    any_radius_process: RadiusProcess, library: Library
) -> None:
    by_chap = typed(any_radius_process, library.card, f'CHAP-Password = "{factories.PIN}"')
    by_pap = typed(any_radius_process, library.card, f'User-Password = "{factories.PIN}"')

    assert "Access-Reject" in by_chap
    assert "/refused/card_needs_pap" in by_chap
    assert "Access-Accept" in by_pap


def test_ms_chap_version_1_is_answered_with_no(any_radius_process: RadiusProcess, library: Library) -> None:
    said = typed(any_radius_process, library.card, f'MS-CHAP-Password = "{factories.PIN}"')

    assert "Access-Reject" in said


def test_a_device_is_let_in_by_its_address_once_it_is_remembered(
    any_radius_process: RadiusProcess, library: Library
) -> None:
    address = '"02-00-00-00-00-01"'

    def connects() -> str:
        attributes = (f"User-Name = {address}", f"Calling-Station-Id = {address}", f"User-Password = {address}")
        asked = (*attributes, "Service-Type = Framed-User", "Message-Authenticator = 0x00")
        return ask(any_radius_process.auth_port, "auth", *asked)

    unknown = connects()
    now = datetime.now(UTC)
    with any_radius_process.database.transaction() as db:
        patron_id = db.scalars(select(Patron.id)).one()
        offer = db.get_one(Offer, library.offer_id)
        nas = db.get_one(Nas, any_radius_process.nas_id)
        over = {"created_at": now - timedelta(days=2), "ends_at": now - timedelta(days=1)}
        grant = factories.make_grant(db, offer=offer, nas=nas, patron_id=patron_id, terms_version=0, **over)
        assert remember_device(db, grant, now)
    remembered = connects()

    assert "Access-Reject" in unknown
    assert "Reply-Message" not in unknown
    assert "Access-Accept" in remembered
    with any_radius_process.database.reading() as db:
        assert db.scalars(select(Grant.by_mac).order_by(Grant.created_at)).all() == [False, True]
    assert eventually(lambda: refusals(any_radius_process)) == [None]
