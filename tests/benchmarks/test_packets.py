"""What the benchmarks send is RADIUS, as another implementation reads it."""

from io import StringIO

import pytest
from pyrad.dictionary import Dictionary
from pyrad.packet import AcctPacket, AuthPacket

from benchmarks.fleet import Fleet
from benchmarks.packets import Step, Visitor, access_request, accounting_request

WORDS = Dictionary(
    StringIO(
        "ATTRIBUTE User-Name 1 string\n"
        "ATTRIBUTE User-Password 2 string\n"
        "ATTRIBUTE CHAP-Password 3 octets\n"
        "ATTRIBUTE NAS-IP-Address 4 ipaddr\n"
        "ATTRIBUTE Class 25 octets\n"
        "ATTRIBUTE Acct-Output-Octets 43 integer\n"
        "ATTRIBUTE Message-Authenticator 80 octets\n"
    )
)


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return Fleet()


@pytest.fixture
def visitor(fleet: Fleet) -> Visitor:
    return fleet.visitor(70, "label", ("somebody", "a password of 20 o."))


def read(visitor: Visitor, octets: bytes) -> AuthPacket:
    return AuthPacket(packet=octets, secret=visitor.speaker.secret, dict=WORDS)


def test_a_pap_login_is_signed_and_hides_its_password(visitor: Visitor) -> None:
    packet = read(visitor, access_request(visitor, 7, Step.PAP))

    assert packet.verify_message_authenticator()
    assert packet.PwDecrypt(packet["User-Password"][0]) == visitor.password


def test_a_chap_login_proves_its_password(visitor: Visitor) -> None:
    packet = read(visitor, access_request(visitor, 7, Step.CHAP))

    assert packet.verify_message_authenticator()
    assert packet.VerifyChapPasswd(visitor.password)


@pytest.mark.parametrize("step", [Step.START, Step.INTERIM, Step.STOP])
def test_an_accounting_request_is_signed(visitor: Visitor, step: Step) -> None:
    octets = accounting_request(visitor, 7, step, 300)

    packet = AcctPacket(packet=octets, secret=visitor.speaker.secret, dict=WORDS)

    assert packet.VerifyAcctRequest()
    assert packet["Class"] == [visitor.grant_class]
    assert packet.get("Acct-Output-Octets") == (None if step is Step.START else [300 * 6_000_000])


def test_each_nas_has_a_secret_and_an_address_of_its_own(fleet: Fleet) -> None:
    assert len({nas.network for nas in fleet.nases}) == len({nas.speaker.secret for nas in fleet.nases}) == 10_000
    assert all(str(nas.network).startswith("127.") for nas in fleet.nases[:64])


def test_a_device_keeps_to_one_nas_however_often_it_comes(fleet: Fleet) -> None:
    first, again = fleet.visitor(5, "a"), fleet.visitor(5 + 64 * 1562, "b")

    assert fleet.device(5) == fleet.device(5 + 64 * 1562)
    assert (first.speaker, first.grant_class) == (again.speaker, again.grant_class)
