"""Authenticators and passwords, by the examples of the RFCs and by what real access points sent."""

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radius.authenticity import Chap, NoProof, Pap, SharedSecret
from radius.codec import Packet, parse
from tests.radius.packets import AUTHENTICATOR, SECRET, VECTORS, hidden_password, is_authentic_reply, packet, vector

RFC_SECRET = SharedSecret(b"xyzzy5461")
PAP_AUTHENTICATOR = bytes.fromhex("0f403f9473978057bd83d5cb98f4227a")
CHAP_AUTHENTICATOR = bytes.fromhex("2aee86f08d0d55969ca5978e0d3367a2")
CAPTURED_BY_NAS = [each for each in VECTORS if each["request_hex"] is None]


def parsed(octets: bytes) -> Packet:
    found = parse(octets)
    assert isinstance(found, Packet)
    return found


def test_the_password_of_rfc_2865_section_7_1_is_revealed() -> None:
    hidden = bytes.fromhex("0dbe708d93d413ce3196e43f782a0aee")

    assert RFC_SECRET.reveal_password(hidden, PAP_AUTHENTICATOR) == b"arctangent"


def test_the_accept_of_rfc_2865_section_7_1_is_made_octet_for_octet() -> None:
    attributes = bytes.fromhex("0606000000010f06000000000e06c0a80103")

    made = RFC_SECRET.reply(2, 0, PAP_AUTHENTICATOR, attributes, sign=False)

    assert made == bytes.fromhex("0200002686fe220e7624ba2a1005f6bf9b55e0b2") + attributes


def test_the_chap_response_of_rfc_2865_section_7_2_proves_its_password() -> None:
    chap = Chap(b"\x16", bytes.fromhex("e97557c316185895f293ff6344077275"), CHAP_AUTHENTICATOR)

    assert chap.proves("arctangent")
    assert not chap.proves("Arctangent")


@pytest.mark.parametrize("length", [0, 1, 15, 16, 17, 64, 128])
def test_a_password_of_any_length_is_revealed(length: int) -> None:
    password = b"p" * length

    assert SharedSecret(SECRET).reveal_password(hidden_password(password), AUTHENTICATOR) == password


def test_pap_proves_only_the_same_password_accents_included() -> None:
    assert Pap("été".encode()).proves("été")
    assert not Pap("été".encode()).proves("ete")
    assert not NoProof().proves("")


@given(secret=st.binary(min_size=1, max_size=200), packet_=st.binary(max_size=300))
def test_the_message_authenticator_is_hmac_md5_for_any_secret(secret: bytes, packet_: bytes) -> None:
    assert SharedSecret(secret).message_authenticator(packet_) == hmac.digest(secret, packet_, "md5")


@pytest.mark.parametrize("sign", [True, False], ids=["signed", "plain"])
def test_a_reply_is_authentic_to_another_implementation(sign: bool) -> None:
    request = packet(1, [(1, b"somebody")])

    made = SharedSecret(SECRET).reply(2, 7, AUTHENTICATOR, b"\x1b\x06\0\0\0\x3c", sign=sign)

    assert is_authentic_reply(made, request)
    assert (made[20:22] == b"\x50\x12") is sign


@pytest.mark.parametrize("captured", CAPTURED_BY_NAS, ids=lambda each: str(each["name"]))
def test_captured_packets_are_found_as_authentic_as_the_recorder_found_them(captured: dict) -> None:  # type: ignore[type-arg]
    read, secret, checks = (
        parsed(bytes.fromhex(captured["hex"])),
        SharedSecret(captured["secret"].encode()),
        captured["checks"],
    )

    if checks["authenticator_ok"] is not None:
        assert secret.has_request_authenticator(read.octets) is checks["authenticator_ok"]
    if checks["message_authenticator_ok"] is not None:
        at = read.message_authenticator_at
        assert (
            secret.has_message_authenticator(read.octets, at, read.authenticator) is checks["message_authenticator_ok"]
        )


@pytest.mark.parametrize(
    "captured", [each for each in VECTORS if each["request_hex"]], ids=lambda each: str(each["name"])
)
def test_captured_replies_fit_their_requests(captured: dict) -> None:  # type: ignore[type-arg]
    reply, request = bytes.fromhex(captured["hex"]), bytes.fromhex(captured["request_hex"])
    read = parsed(reply)

    made = SharedSecret(captured["secret"].encode()).reply(
        read.code, read.identifier, request[4:20], reply[20:], sign=False
    )

    assert made == reply


def test_what_coovachilli_sent_by_pap_is_revealed() -> None:
    captured = vector("coovachilli-1.8-access-request-pap-ma")
    read = parsed(bytes.fromhex(captured["hex"]))
    clear = next(each["cleartext"] for each in captured["decoded"]["attributes"] if each["name"] == "User-Password")

    revealed = SharedSecret(captured["secret"].encode()).reveal_password(read.first[2], read.authenticator)

    assert Pap(revealed).proves(clear)


def test_what_coovachilli_sent_by_chap_proves_its_password_only() -> None:
    read = parsed(bytes.fromhex(vector("coovachilli-1.8-access-request-chap-ma")["hex"]))
    chap = Chap(read.first[3][:1], read.first[3][1:], read.first[60])

    assert chap.proves("secret1")
    assert not chap.proves("secret2")
