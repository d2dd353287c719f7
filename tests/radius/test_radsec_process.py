"""`python -m radius` with RadSec: a NAS in Python, and Debian's radsecproxy in front of FreeRADIUS's own client."""

import signal
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import select

from hotspot.adapters.one_time_login import OneTimeLogin
from hotspot.db import Database
from hotspot.models import (
    ChangeRecord,
    Nas,
    SessionWish,
    WifiSession,
    WifiSessionCounter,
    WishKind,
    WishReason,
    WishState,
)
from hotspot.services.nases import NasDraft, change_nas
from hotspot.services.wishes import ask as ask_for
from hotspot.settings import Settings
from hotspot.values import TerminateCause
from hotspot.vendors.coovachilli import COOVACHILLI
from hotspot.vendors.vendor import SetupFacts
from tests import factories
from tests.fixtures.processes import running
from tests.radius.conftest import RadiusProcess, administrator_of, eventually, free_port, given_login, started
from tests.radius.packets import (
    accounting,
    attributes_of,
    hidden_password,
    integer,
    is_authentic_change,
    is_authentic_reply,
    packet,
    reply,
    signed,
    status,
)
from tests.radius.test_radclient import ask, of_device
from tests.radius.test_radsec import wait_until
from tests.radius.test_server import Exchanged
from tests.radius.tls_peers import RADSEC, SERVER_NAME, TlsNas, Town, nas_context, start, status_server

PROXY_SECRET = "betweenRadclientAndRadsecproxy"


@pytest.fixture
def town(tmp_path: Path) -> Town:
    folder = tmp_path / "certificates"
    folder.mkdir()
    return Town(folder)


@pytest.fixture
def radsec_process(
    database: Database, settings: Settings, redis: "Redis", tmp_path: Path, town: Town
) -> Iterator[RadiusProcess]:
    with started(database, settings, tmp_path, radsec=town.environment()) as process:
        yield process


def connected(town: Town, process: RadiusProcess) -> TlsNas:
    return TlsNas(nas_context(town, town.certificate("nas-1")), process.radsec_port)


def pap(login: OneTimeLogin, identifier: int, authenticator: bytes) -> bytes:
    """Without a Message-Authenticator: TLS does its work."""
    attributes = [
        (1, login.user_name.encode()),
        (2, hidden_password(login.password.encode(), authenticator=authenticator, secret=RADSEC)),
        (31, login.device_mac.encode()),
        (33, b"a proxy's state"),
    ]
    return packet(1, attributes, identifier=identifier, authenticator=authenticator)


# ---- a NAS in Python ----


def test_one_connection_carries_everything(town: Town, radsec_process: RadiusProcess, settings: Settings) -> None:
    login = given_login(radsec_process, settings)
    with connected(town, radsec_process) as nas:
        for request, code in (
            (status_server(1), 2),
            (pap(login, 2, bytes(range(16, 32))), 2),
            (start(3), 5),
            (accounting(status(2, more=[(46, b"\0\0\0\x0a")]), identifier=4, secret=RADSEC), 5),
        ):
            answer = nas.ask(request)

            assert (answer[0], answer[1]) == (code, request[1])
            assert is_authentic_reply(answer, request, RADSEC)

    with radsec_process.database.reading() as db:
        assert db.scalars(select(WifiSession)).one().ended_at is not None


def test_a_session_is_ended_over_the_connection_that_it_came_by(town: Town, radsec_process: RadiusProcess) -> None:
    """Its gateway has no address at all: asked, answered and confirmed inside TLS."""
    with connected(town, radsec_process) as nas:
        nas.ask(start())
        wish(radsec_process, WishKind.DISCONNECT)

        request = nas.hear()
        assert (request[0], is_authentic_change(request, RADSEC)) == (40, True)
        asked = dict(attributes_of(request))
        assert (asked[1], asked[44]) == (b"a-login", b"0000002a")

        nas.socket.sendall(reply(41, request, secret=RADSEC))
        assert eventually(lambda: wish_is(radsec_process, WishState.ACCEPTED))
        with radsec_process.database.reading() as db:
            assert db.scalars(select(WifiSession)).one().ended_at is None

        stop = accounting(status(2, more=[(46, b"\0\0\0\x0a"), (49, b"\0\0\0\6")]), identifier=8, secret=RADSEC)
        assert is_authentic_reply(nas.ask(stop), stop, RADSEC)
        assert eventually(lambda: wish_is(radsec_process, WishState.CONFIRMED))

    with radsec_process.database.reading() as db:
        assert db.scalars(select(WifiSession)).one().terminate_cause is TerminateCause.ADMIN_RESET
        record = db.get_one(ChangeRecord, (radsec_process.nas_id, WishKind.DISCONNECT))
        assert (record.accepted_at is not None, record.unanswered_in_a_row) == (True, 0)


def test_a_session_is_changed_over_the_connection_and_the_no_has_its_reason(
    town: Town, radsec_process: RadiusProcess, settings: Settings
) -> None:
    login = given_login(radsec_process, settings)
    with connected(town, radsec_process) as nas:
        nas.ask(accounting(status(1, more=[(25, login.terms.grant_id.bytes)]), secret=RADSEC))
        wish(radsec_process, WishKind.CHANGE)

        request = nas.hear()
        assert (request[0], is_authentic_change(request, RADSEC)) == (43, True)
        assert 27 in dict(attributes_of(request))

        nas.socket.sendall(reply(45, request, [(101, integer(401))], secret=RADSEC))
        assert eventually(lambda: wish_is(radsec_process, WishState.REFUSED))

    with radsec_process.database.reading() as db:
        assert db.scalars(select(SessionWish)).one().error_cause == 401


def test_a_forged_answer_over_the_connection_counts_for_nothing(town: Town, radsec_process: RadiusProcess) -> None:
    with connected(town, radsec_process) as nas:
        nas.ask(start())
        wish(radsec_process, WishKind.DISCONNECT)

        request = nas.hear()
        nas.socket.sendall(reply(41, request, secret=b"not radsec"))
        nas.socket.sendall(reply(42, request, [(101, integer(503))], secret=RADSEC))

        assert eventually(lambda: wish_is(radsec_process, WishState.GONE))


def wish(process: RadiusProcess, kind: WishKind) -> None:
    """Of the only session there is."""
    with process.database.transaction() as db:
        assert ask_for(db, WifiSession.ended_at.is_(None), kind, WishReason.TIME_USED_UP, "system", datetime.now(UTC))


def wish_is(process: RadiusProcess, state: WishState) -> bool:
    with process.database.reading() as db:
        return db.scalars(select(SessionWish.state)).one() is state


def test_many_requests_at_once_are_all_answered(town: Town, radsec_process: RadiusProcess) -> None:
    with connected(town, radsec_process) as nas:
        requests = {
            number: accounting(status(1, session=b"%08x" % number), identifier=number, secret=RADSEC)
            for number in range(200)
        }
        nas.socket.sendall(b"".join(requests.values()))

        answers = [nas.hear() for _ in requests]

    assert sorted(answer[1] for answer in answers) == list(requests)
    assert all(is_authentic_reply(answer, requests[answer[1]], RADSEC) for answer in answers)


def test_a_login_asked_again_on_another_connection_is_the_same_request(
    town: Town, radsec_process: RadiusProcess, settings: Settings
) -> None:
    """Its first connection broke before the answer was heard."""
    login = given_login(radsec_process, settings)
    authenticator = bytes(range(16, 32))
    with connected(town, radsec_process) as first:
        first.ask(pap(login, 2, authenticator))
    context = nas_context(town, town.certificate("nas-1", file="again"))

    with TlsNas(context, radsec_process.radsec_port) as second:
        repeated = second.ask(pap(login, 9, authenticator))
        stolen = second.ask(pap(login, 10, bytes(16)))

    assert (repeated[0], stolen[0]) == (2, 3)


def test_a_wrong_authenticator_ends_the_connection(town: Town, radsec_process: RadiusProcess) -> None:
    with connected(town, radsec_process) as nas:
        assert nas.ask(accounting(status(1), secret=b"not radsec")) == b""


def test_a_known_certificate_from_an_address_that_nobody_listed_is_enough_and_udp_is_not(
    town: Town, radsec_process: RadiusProcess
) -> None:
    with connected(town, radsec_process) as nas:
        assert nas.ask(start())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(0.5)
        udp.sendto(start(), ("127.0.0.1", radsec_process.acct_port))

        with pytest.raises(TimeoutError):
            udp.recv(4096)


def test_a_nas_whose_certificate_is_taken_away_is_cut_off_within_seconds(
    town: Town, radsec_process: RadiusProcess
) -> None:
    with connected(town, radsec_process) as nas:
        with radsec_process.database.transaction() as db:
            changed = db.get_one(Nas, radsec_process.nas_id)
            draft = NasDraft(changed.name, changed.site_id, changed.nas_identifier, ("192.0.2.7/32",), ())
            change_nas(db, administrator_of(db, changed), changed.id, draft, datetime.now(UTC))

        assert nas.is_cut_off()


def test_it_stops_cleanly_with_connections_open(town: Town, radsec_process: RadiusProcess) -> None:
    assert radsec_process.popen is not None
    with connected(town, radsec_process) as nas:
        radsec_process.popen.send_signal(signal.SIGTERM)

        assert nas.is_cut_off()
        assert radsec_process.popen.wait(timeout=5) == 0
    assert "Traceback" not in radsec_process.log.read_text()


def test_an_unknown_certificate_is_counted_and_named(town: Town, radsec_process: RadiusProcess) -> None:
    with TlsNas(nas_context(town, town.certificate("stranger")), radsec_process.radsec_port) as nas:
        assert nas.is_cut_off()

    wait_until(lambda: "stranger" in radsec_process.log.read_text())
    with urllib.request.urlopen(f"http://127.0.0.1:{radsec_process.status_port}/metrics") as page:
        metrics = page.read().decode()
    assert 'parvis_radius_discards_total{reason="unknown_certificate"} 1.0' in metrics
    assert 'parvis_radsec_closed_total{reason="unknown_certificate"} 1.0' in metrics


def test_a_flood_of_strangers_keeps_nobody_waiting(town: Town, radsec_process: RadiusProcess) -> None:
    with radsec_process.database.transaction() as db:
        factories.make_nas(db, networks=("127.0.0.1/32",))
    with connected(town, radsec_process) as nas, Exchanged(radsec_process.auth_port) as udp, ExitStack() as opened:
        wait_until(lambda: is_answered(udp))
        for _ in range(400):
            stranger = opened.enter_context(socket.socket())
            stranger.setblocking(False)
            with suppress(BlockingIOError):
                stranger.connect(("127.0.0.1", radsec_process.radsec_port))

        for identifier in range(50):
            assert nas.ask(start(identifier))
            assert udp.ask(signed(12, [], identifier=100 + identifier))


def is_answered(udp: Exchanged) -> bool:
    """A NAS that was just added is known within two seconds."""
    udp._socket.settimeout(0.5)
    with suppress(TimeoutError):
        return bool(udp.ask(signed(12, [])))
    return False


# ---- radclient, through radsecproxy ----


@dataclass(frozen=True)
class Beside:
    """The ports of a radsecproxy on the access point."""

    auth_port: int
    acct_port: int


@pytest.fixture
def radsecproxy(town: Town, radsec_process: RadiusProcess, tmp_path: Path) -> Iterator[Beside]:
    """UDP on one side, our TLS on the other: set up by what the gateway's page says, word for word."""
    town.certificate("nas-1")
    udp = socket.SOCK_DGRAM
    ports = Beside(free_port(udp), free_port(udp))
    facts = SetupFacts(
        nas_identifier="nas-1",
        secret=PROXY_SECRET,
        redirect_secret="",
        radius_host=SERVER_NAME,
        auth_port=ports.auth_port,
        acct_port=ports.acct_port,
        coa_port=3799,
        portal_url="https://portal.example",
        interim_seconds=300,
        radsec_port=radsec_process.radsec_port,
        certificate_name="nas-1",
    )
    step = next(each for each in COOVACHILLI.setup_steps(facts) if "radsecproxy.conf" in each.title)
    configuration = tmp_path / "radsecproxy.conf"
    configuration.write_text("LogLevel 2\n" + step.text.replace("/etc/radsecproxy", str(town.folder)) + "\n")
    log = tmp_path / "radsecproxy.log"
    command = ["/usr/sbin/radsecproxy", "-f", "-c", str(configuration)]
    with running(command, ready=lambda: "TLS connection to portal" in _read(log), log=log):
        yield ports


def _read(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


@pytest.mark.parametrize("kind", ["User-Password", "CHAP-Password"])
def test_radclient_gets_in_through_radsecproxy(
    radsecproxy: Beside, radsec_process: RadiusProcess, settings: Settings, kind: str
) -> None:
    login = given_login(radsec_process, settings)

    said = ask(
        radsecproxy.auth_port,
        "auth",
        *of_device(login),
        f'{kind} = "{login.password}"',
        "Message-Authenticator = 0x00",
        secret=PROXY_SECRET,
    )

    assert "Access-Accept" in said, said
    assert f"Class = 0x{login.terms.grant_id.hex}" in said


def test_radclient_accounts_and_is_refused_through_radsecproxy(
    radsecproxy: Beside, radsec_process: RadiusProcess, settings: Settings
) -> None:
    login = given_login(radsec_process, settings)
    session = (*of_device(login), 'Acct-Session-Id = "0000002a"', f"Class = 0x{login.terms.grant_id.hex}")
    counted = ("Acct-Input-Octets = 1000", "Acct-Output-Octets = 5", "Acct-Session-Time = 310")

    wrong = ask(radsecproxy.auth_port, "auth", *of_device(login), 'User-Password = "wrong"', secret=PROXY_SECRET)
    for what in (
        ("Acct-Status-Type = Start",),
        ("Acct-Status-Type = Interim-Update", *counted),
        ("Acct-Status-Type = Stop", "Acct-Terminate-Cause = User-Request", *counted),
    ):
        assert "Accounting-Response" in ask(radsecproxy.acct_port, "acct", *session, *what, secret=PROXY_SECRET)

    assert "Access-Reject" in wrong
    with radsec_process.database.reading() as db:
        kept = db.scalars(select(WifiSession)).one()
        counter = db.get_one(WifiSessionCounter, kept.id)
    assert (kept.nas_id, kept.grant_id) == (radsec_process.nas_id, login.terms.grant_id)
    assert kept.terminate_cause is TerminateCause.USER_REQUEST
    assert (counter.upload_octets, counter.download_octets, counter.session_seconds) == (1000, 5, 310)
