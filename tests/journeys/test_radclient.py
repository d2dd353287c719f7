"""FreeRADIUS's radclient, which we did not write, with the secret that demo.json tells."""

import subprocess

import pytest

from tests.journeys.town import Town

LOGIN = """User-Name = "nobody"
User-Password = "nothing"
Calling-Station-Id = "02-00-00-00-00-99"
NAS-Identifier = "pocket"
Message-Authenticator = 0x00
"""
START = """Acct-Status-Type = Start
Acct-Session-Id = "radclient-1"
User-Name = "nobody"
Calling-Station-Id = "02-00-00-00-00-99"
"""


def radclient(town: Town, port: str, kind: str, attributes: str, *, secret: str = "") -> str:
    radius = town.demo["radius"]
    command = [
        "radclient",
        "-x",
        "-r",
        "2",
        "-t",
        "1",
        f"{radius['host']}:{radius[port]}",
        kind,
        secret or radius["secret"],
    ]
    return subprocess.run(command, input=attributes, capture_output=True, text=True, check=False).stdout


def test_an_unknown_login_is_rejected_with_a_sentence(town: Town) -> None:
    answer = radclient(town, "auth_port", "auth", LOGIN)
    assert "Received Access-Reject" in answer
    assert "Reply-Message" in answer


def test_accounting_is_answered(town: Town) -> None:
    assert "Received Accounting-Response" in radclient(town, "acct_port", "acct", START)


@pytest.mark.parametrize(
    ("port", "answer"), [("auth_port", "Received Access-Accept"), ("acct_port", "Received Accounting-Response")]
)
def test_status_server_is_answered(town: Town, port: str, answer: str) -> None:
    assert answer in radclient(town, port, "status", "Message-Authenticator = 0x00\n")


def test_another_secret_gets_no_answer(town: Town) -> None:
    assert "Received" not in radclient(town, "acct_port", "acct", START, secret="another")
