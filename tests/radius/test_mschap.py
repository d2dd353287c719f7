"""MS-CHAPv2: the example of RFC 2759 section 9.2, a captured packet, and what our replies carry (RFC 2548)."""

from dataclasses import replace

import pytest

from hotspot.models import MessageAuthenticatorMode
from hotspot.services.radius_clients import RadiusClient, RadiusClients
from hotspot.vendors import VENDORS
from radius.authenticity import NoProof, Pap
from radius.codec import encode
from radius.messages import AccessRequest, DiscardReason, Door
from radius.mschap import MsChapV2, authenticator_response, challenge_digest, challenge_response, password_hash
from radius.protocol import Ask, Discard, RadiusProtocol
from tests import factories
from tests.radius.packets import SECRET, Attributes, hidden_password, signed, vector, vendor

# RFC 2759 section 9.2
USER, PASSWORD = b"User", "clientPass"
CHALLENGE = bytes.fromhex("5B5D7C7D7B3F2F3E3C2C602132262628")
PEER_CHALLENGE = bytes.fromhex("21402324255E262A28295F2B3A337C7E")
DIGEST = bytes.fromhex("D02E4386BCE91226")
HASH = bytes.fromhex("44EBBA8D5312B8D611474411F56989AE")
RESPONSE = bytes.fromhex("82309ECD8D708B5EA08FAA3981CD83544233114A3D85D6DF")
SUCCESS = "S=407A5589115FD0D6209F510FE9C04566932CDA56"

PROOF = MsChapV2(9, USER, CHALLENGE, PEER_CHALLENGE, RESPONSE)
ANSWERED = bytes((9, 0)) + PEER_CHALLENGE + bytes(8) + RESPONSE


def test_each_step_is_that_of_the_example() -> None:
    assert challenge_digest(PEER_CHALLENGE, CHALLENGE, USER) == DIGEST
    assert password_hash(PASSWORD) == HASH
    assert challenge_response(DIGEST, HASH) == RESPONSE
    assert authenticator_response(HASH, RESPONSE, DIGEST) == SUCCESS


def test_the_right_password_is_proven_and_answered_with_our_own_proof() -> None:
    proof = replace(PROOF)

    assert proof.proves(PASSWORD)
    assert proof.success_attributes() == [("MS-CHAP2-Success", b"\x09" + SUCCESS.encode())]


@pytest.mark.parametrize("password", ["clientpass", "", "x" * 300])
def test_another_password_is_not(password: str) -> None:
    proof = replace(PROOF)

    assert not proof.proves(password)
    assert proof.success_attributes() == []


def test_the_domain_before_a_name_does_not_count() -> None:
    assert replace(PROOF, user_name=b"TOWN\\User").proves(PASSWORD)


def test_a_failure_is_final_and_says_why() -> None:
    ((name, value),) = PROOF.failure_attributes("Non.")

    assert (name, value) == ("MS-CHAP-Error", b"\x09E=691 R=0 C=" + CHALLENGE.hex().upper().encode() + b" V=3 M=Non.")


def test_a_long_sentence_still_fits_its_attribute() -> None:
    assert len(encode(PROOF.failure_attributes("é" * 300))) <= 255


def receive(datagram: bytes, secret: bytes = SECRET) -> Ask | Discard:
    client = RadiusClient(
        nas_id=1,
        vendor=VENDORS["coovachilli"],
        secret=secret,
        message_authenticator=MessageAuthenticatorMode.REQUIRED,
        message_authenticator_seen=True,
        is_proxy=False,
        swaps_octets=False,
        site_id=1,
        sites={},
    )
    protocol = RadiusProtocol(RadiusClients([("192.0.2.1/32", client)]))
    step = protocol.receive(datagram, ("192.0.2.1", 4000), Door.AUTHENTICATION, factories.NOW)
    assert isinstance(step, Ask | Discard)
    return step


def proof_in(attributes: Attributes) -> object:
    step = receive(signed(1, attributes))
    if isinstance(step, Discard):
        return step.reason
    assert isinstance(step.exchange.request, AccessRequest)
    return step.exchange.request.proof


def test_what_coovachilli_sends_is_read_and_proven() -> None:
    captured = vector("coovachilli-1.8-access-request-mschapv2-ma")

    step = receive(bytes.fromhex(captured["hex"]), captured["secret"].encode())

    assert isinstance(step, Ask)
    assert isinstance(step.exchange.request, AccessRequest)
    assert isinstance(step.exchange.request.proof, MsChapV2)
    assert step.exchange.request.proof.proves("secret1")
    assert not step.exchange.request.proof.proves("secret2")


CHALLENGED, PROVEN = vendor(311, 11, CHALLENGE), vendor(311, 25, ANSWERED)


def test_challenge_and_response_are_found_in_any_order() -> None:
    assert proof_in([PROVEN, CHALLENGED, (1, USER)]) == PROOF


@pytest.mark.parametrize(
    "attributes",
    [
        [PROVEN],
        [PROVEN, vendor(311, 11, CHALLENGE[:8])],
        [CHALLENGED, vendor(311, 25, ANSWERED[:49])],
        [CHALLENGED, vendor(311, 25, b"")],
    ],
    ids=["no challenge", "a challenge of version 1", "a response too short", "an empty response"],
)
def test_half_a_proof_is_malformed(attributes: Attributes) -> None:
    assert proof_in([(1, USER), *attributes]) is DiscardReason.PASSWORD_MALFORMED


@pytest.mark.parametrize(
    "other", [(2, hidden_password(b"x")), (3, bytes(17)), (79, b"\x02\x00\x00\x05\x01")], ids=["PAP", "CHAP", "EAP"]
)
def test_two_kinds_of_proof_are_discarded(other: tuple[int, bytes]) -> None:
    assert proof_in([(1, USER), CHALLENGED, PROVEN, other]) is DiscardReason.TWO_PASSWORDS


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\x00",
        b"\x00\x00\x01\x37",
        b"\x00\x00\x01\x37\x19",
        b"\x00\x00\x01\x37\x19\x01",
        b"\x00\x00\x01\x37\x19\xff",
    ],
)
def test_a_vendor_attribute_that_is_broken_hides_nothing_and_breaks_nothing(value: bytes) -> None:
    assert proof_in([(1, USER), (26, value), (2, hidden_password(b"a password"))]) == Pap(b"a password")


def test_version_1_is_no_proof() -> None:
    assert proof_in([(1, USER), vendor(311, 11, bytes(8)), vendor(311, 1, bytes(50))]) == NoProof()
