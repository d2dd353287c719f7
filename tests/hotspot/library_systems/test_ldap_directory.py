"""A directory: against a real slapd, with TLS; and Active Directory's answers, which only it gives, from a script."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from hotspot.adapters.library_systems.ldap_connection import open_connection
from hotspot.adapters.library_systems.ldap_directory import LdapDirectory
from hotspot.adapters.library_systems.ldap_settings import LdapSettings, servers_of
from hotspot.adapters.library_systems.library_system import Finding, Outcome, Step, Unreadable
from hotspot.adapters.wire import Deadline, trust
from hotspot.errors import Unavailable
from hotspot.policy.readers import Block, Reader
from tests.fixtures.slapd import ACCOUNT, PASSWORD, SUFFIX, Slapd, a_slapd
from tests.hotspot.library_systems.ldap_peer import LdapPeer, a_bind, a_search, an_entry, an_ldap_peer, done

pytestmark = pytest.mark.integration

SOON = timedelta(seconds=30)
CARD, PIN = "20001234", "1985"
ODD = "a*b(c)\\d, e=f"
PERSON = "inetOrgPerson\nshadowAccount\naccountOfAd"


def person(uid: str, **more: str) -> dict[str, str]:
    return {"objectClass": PERSON, "uid": uid, "cn": "Somebody", "sn": "Body", "userPassword": PIN} | more


READERS = {
    f"uid={CARD},{SUFFIX}": person(
        CARD,
        employeeNumber="0042",
        employeeType="Élève",
        l="CENTRE",
        description="1985-03-04",
        shadowExpire="20819",
        accountExpires="134117244000000000",
        title="20261231235959Z",
    ),
    f"uid=for-ever,{SUFFIX}": person("for-ever", accountExpires="9223372036854775807", shadowExpire="-1"),
    f"uid=disabled,{SUFFIX}": person("disabled", userAccountControl="514"),
    f"uid=twin-1,{SUFFIX}": person("twin-1", mail="twins@town.test"),
    f"uid=twin-2,{SUFFIX}": person("twin-2", mail="twins@town.test"),
    f"cn=odd,{SUFFIX}": person(ODD, cn="odd"),
    f"uid=pinless,{SUFFIX}": {"objectClass": "inetOrgPerson", "uid": "pinless", "cn": "x", "sn": "x"},
    f"uid=undated,{SUFFIX}": person("undated", title="soon"),
}


@pytest.fixture(scope="module")
def slapd() -> Iterator[Slapd]:
    with a_slapd(READERS) as started:
        yield started


def settings(slapd: Slapd, **more: Any) -> LdapSettings:
    port = slapd.ldaps_port if more.get("security", "ldaps") == "ldaps" else slapd.plain_port
    usual = {
        "servers": f"127.0.0.1:{port}",
        "ca_pem": slapd.ca_pem,
        "account": ACCOUNT,
        "account_password": PASSWORD,
        "base": SUFFIX,
    }
    return LdapSettings(**usual | more)


def directory(slapd: Slapd, **more: Any) -> LdapDirectory:
    return LdapDirectory(settings(slapd, **more))


def last(system: LdapDirectory, card: str = CARD, pin: str = PIN) -> Finding:
    return list(system.examine(card, pin, SOON))[-1]


@pytest.mark.parametrize("security", ["ldaps", "starttls", "none"])
def test_the_right_pin_gives_the_reader(slapd: Slapd, security: str) -> None:
    assert directory(slapd, security=security).ask(f" {CARD} ", PIN, SOON) == Reader(CARD)


@pytest.mark.parametrize(
    ("card", "pin"),
    [(CARD, "0000"), ("nobody", PIN), (CARD, ""), (CARD, "  "), ("", PIN), ("pinless", PIN), ("parvis", PASSWORD)],
    ids=["pin", "card", "no pin", "blank pin", "no card", "has no pin", "no reader"],
)
def test_anything_else_is_a_no(slapd: Slapd, card: str, pin: str) -> None:
    assert directory(slapd).ask(card, pin, SOON) is None


@pytest.mark.parametrize("card", ["*", f"{CARD})(uid=*", "x)(|(uid=*", f"{CARD}*", "(uid=x)", "\\2a", "x)(uid=\\00"])
def test_a_card_number_is_never_a_part_of_the_filter(slapd: Slapd, card: str) -> None:
    assert directory(slapd).ask(card, PIN, SOON) is None
    assert directory(slapd, filter="(|(uid={card})(cn={card}))").ask(card, PIN, SOON) is None


def test_a_card_number_of_odd_characters_is_found(slapd: Slapd) -> None:
    assert directory(slapd).ask(ODD, PIN, SOON) == Reader(ODD)


def test_what_finds_several_lets_nobody_in(slapd: Slapd) -> None:
    system = directory(slapd, filter="(mail={card})")

    assert system.ask("twins@town.test", PIN, SOON) is None
    assert last(system, "twins@town.test") == Finding(Step.CARD, Outcome.WRONG, "several entries")
    assert directory(slapd, filter="(&(mail={card})(!(uid=twin-2)))").ask("twins@town.test", PIN, SOON) is not None


def test_facts_are_read_from_the_attributes(slapd: Slapd) -> None:
    system = directory(
        slapd,
        card_number_attribute="employeenumber",
        category_attribute="employeeType",
        home_library_attribute="l",
        born_on_attribute="description",
        expires_on_attribute="title",
    )

    assert system.ask(CARD, PIN, SOON) == Reader(
        "0042", category="Élève", home_library="CENTRE", born_on=date(1985, 3, 4), expires_on=date(2026, 12, 31)
    )


@pytest.mark.parametrize(
    ("attribute", "card", "expires_on"),
    [
        ("shadowExpire", CARD, date(2026, 12, 31)),
        ("accountExpires", CARD, date(2026, 1, 1)),
        ("shadowExpire", "for-ever", None),
        ("accountExpires", "for-ever", None),
        ("title", "for-ever", None),
    ],
)
def test_an_expiry_in_each_of_its_forms(slapd: Slapd, attribute: str, card: str, expires_on: date | None) -> None:
    reader = directory(slapd, expires_on_attribute=attribute).ask(card, PIN, SOON)

    assert reader is not None
    assert reader.expires_on == expires_on


def test_an_expiry_that_cannot_be_read_is_not_a_card_without_one(slapd: Slapd) -> None:
    system = directory(slapd, expires_on_attribute="title")

    with pytest.raises(Unreadable):
        system.ask("undated", PIN, SOON)
    assert last(system, "undated") == Finding(Step.SPEAKS, Outcome.WRONG, "title is not a date")


def test_a_disabled_account_is_blocked(slapd: Slapd) -> None:
    reader = directory(slapd).ask("disabled", PIN, SOON)

    assert reader is not None
    assert reader.blocks == {Block.BLOCKED}


def test_a_reader_without_the_number_that_is_wanted_is_no_answer(slapd: Slapd) -> None:
    with pytest.raises(Unavailable):
        directory(slapd, card_number_attribute="employeeNumber").ask("for-ever", PIN, SOON)


# Servers and trust


def test_the_next_server_is_asked_when_the_first_is_away(slapd: Slapd) -> None:
    system = directory(slapd, servers=f"127.0.0.1:1 127.0.0.1:{slapd.ldaps_port}")

    assert system.ask(CARD, PIN, SOON) is not None
    assert system._in_order()[0] == ("127.0.0.1", slapd.ldaps_port)


def test_no_server_is_no_answer(slapd: Slapd) -> None:
    system = directory(slapd, servers="127.0.0.1:1 127.0.0.1:2")

    with pytest.raises(Unavailable):
        system.ask(CARD, PIN, SOON)
    assert last(system) == Finding(Step.REACHED, Outcome.WRONG, "Connection refused")


@pytest.mark.parametrize("security", ["ldaps", "starttls"])
def test_a_directory_that_is_not_trusted_gets_no_password(slapd: Slapd, security: str) -> None:
    found = last(directory(slapd, security=security, ca_pem=""))

    assert (found.step, found.outcome) == (Step.TRUSTED, Outcome.WRONG)
    assert "certificate" in found.detail


def test_ldaps_at_a_port_without_tls_is_told(slapd: Slapd) -> None:
    assert last(directory(slapd, servers=f"127.0.0.1:{slapd.plain_port}")).step is Step.TRUSTED


# Examination


def test_all_is_well_but_for_binds_without_a_password(slapd: Slapd) -> None:
    found = directory(slapd).examine(CARD, PIN, SOON)

    assert {each.step: each.outcome for each in found} == {
        Step.REACHED: Outcome.WELL,
        Step.TRUSTED: Outcome.WELL,
        Step.LET_IN: Outcome.WELL,
        Step.SPEAKS: Outcome.WELL,
        Step.CARD: Outcome.WELL,
        Step.WRONG_PIN: Outcome.WELL,
        Step.NO_PIN: Outcome.DOUBTFUL,
    }
    assert found[1].detail.startswith("TLSv1")


@pytest.mark.parametrize(
    ("wrong", "finding"),
    [
        ({"account_password": "another"}, Finding(Step.LET_IN, Outcome.WRONG, "invalidCredentials")),
        ({"account": "cn=x,dc=else"}, Finding(Step.LET_IN, Outcome.WRONG, "invalidCredentials")),
        ({"base": "dc=elsewhere"}, Finding(Step.SPEAKS, Outcome.WRONG, "noSuchObject")),
        ({"account": "", "account_password": ""}, Finding(Step.SPEAKS, Outcome.WRONG, "noSuchObject")),
        ({"filter": "(|(uid={card})(objectClass=*))"}, None),
    ],
    ids=["password", "account", "base", "anonymous", "filter"],
)
def test_what_is_wrong_is_told(slapd: Slapd, wrong: dict[str, str], finding: Finding | None) -> None:
    found = last(directory(slapd, **wrong), "", "")

    if finding is None:
        finding = Finding(Step.SPEAKS, Outcome.WRONG, "the filter finds an entry for a card that does not exist")
    assert found == finding


def test_a_card_that_is_not_there_is_told(slapd: Slapd) -> None:
    assert last(directory(slapd), "nobody") == Finding(Step.CARD, Outcome.WRONG, "no entry")
    assert last(directory(slapd), CARD, "0000").step is Step.CARD


def test_an_empty_password_is_never_sent_as_a_proof(slapd: Slapd) -> None:
    port, deadline = slapd.ldaps_port, Deadline(SOON)
    with open_connection("127.0.0.1", port, "ldaps", trust(slapd.ca_pem), deadline) as connection:
        assert connection.bind_without_password(f"uid={CARD},{SUFFIX}").code == 0  # this is why
        for dn, password in ((f"uid={CARD},{SUFFIX}", ""), ("", PIN)):
            with pytest.raises(ValueError, match="proves nothing"):
                connection.bind(dn, password)


# Active Directory, and directories that behave badly


def scripted(peer: LdapPeer, **more: Any) -> LdapDirectory:
    usual = {"servers": f"127.0.0.1:{peer.port}", "security": "none", "base": "dc=x"}
    return LdapDirectory(LdapSettings(**usual | more))


AD = "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data {}, v4563"
YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)


@pytest.mark.parametrize(
    ("data", "reader"),
    [
        ("52e", None),
        ("525", None),
        ("775", None),
        ("530", Reader(CARD, blocks=frozenset({Block.BLOCKED}))),
        ("532", Reader(CARD, blocks=frozenset({Block.BLOCKED}))),
        ("533", Reader(CARD, blocks=frozenset({Block.BLOCKED}))),
        ("773", Reader(CARD, blocks=frozenset({Block.BLOCKED}))),
        ("701", Reader(CARD, expires_on=YESTERDAY)),
    ],
)
def test_what_active_directory_says_of_a_right_pin(data: str, reader: Reader | None) -> None:
    with an_ldap_peer(a_search(an_entry("cn=z", {}), done()), a_bind(49, AD.format(data))) as peer:
        found = scripted(peer).ask(CARD, PIN, SOON)

    assert found == reader


@pytest.mark.parametrize("code", [19, 32, 48, 50, 53])
def test_a_refusal_of_one_entry_is_a_no(code: int) -> None:
    with an_ldap_peer(a_search(an_entry("cn=z", {}), done()), a_bind(code, "")) as peer:
        assert scripted(peer).ask(CARD, PIN, SOON) is None


@pytest.mark.parametrize("code", [1, 2, 8, 13, 51, 52, 80, 10, 99])
def test_a_directory_in_trouble_is_no_answer(code: int) -> None:
    for answers in ((a_search(an_entry("cn=z", {}), done()), a_bind(code, "")), (done(code),)):
        with an_ldap_peer(*answers) as peer, pytest.raises(Unavailable):
            scripted(peer).ask(CARD, PIN, SOON)


def test_what_staff_read_of_it_does_not_name_the_reader() -> None:
    dn = "cn=Camille Martin,ou=people,dc=x"
    refused = a_bind(51, f"too busy for {dn}, card {CARD}")
    with an_ldap_peer(a_search(an_entry(dn, {}), done()), refused) as peer, pytest.raises(Unavailable) as raised:
        scripted(peer).ask(CARD, PIN, SOON)

    said = str(raised.value.__cause__)
    assert "too busy" in said
    assert "Camille" not in said
    assert CARD not in said


@pytest.mark.parametrize(
    ("search", "reason"),
    [
        (a_search(an_entry("", {}), done()), "the entry has no name"),
        (a_search(b"\x30\x03\x02\x01\x01"), "no message id"),
        (a_search(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "no message"),
        (a_search(b"\x30\x84\x7f\xff\xff\xff"), "too large"),
        (a_search(b"\x30\x80"), "no definite length"),
        (a_search(b"\x30\x0c\x02\x01\x63\x65\x07\x0a\x01\x00\x04\x00\x04\x00"), "was not asked"),
        (a_search(b""), "ended the connection"),
        (a_bind(0, ""), "something else than was asked"),
        (a_search(an_entry("cn=z", {"userAccountControl": b"many"}), done()), "not a number"),
    ],
    ids=["nameless", "short", "http", "huge", "indefinite", "another id", "ends", "bind", "flags"],
)
def test_what_is_not_ldap_is_no_answer(search: Any, reason: str) -> None:
    with an_ldap_peer(search, a_bind(0, "")) as peer, pytest.raises(Unavailable) as raised:
        scripted(peer).ask(CARD, PIN, SOON)

    assert reason in str(raised.value.__cause__)


def test_a_directory_that_sends_entries_for_ever_is_left() -> None:
    entries = [an_entry(f"cn={number}", {}) for number in range(1000)]
    with an_ldap_peer(a_search(*entries)) as peer:
        assert scripted(peer).ask(CARD, PIN, SOON) is None


def test_a_directory_that_says_nothing_is_left() -> None:
    with an_ldap_peer() as peer:
        with pytest.raises(Unavailable) as raised:
            scripted(peer).ask(CARD, PIN, timedelta(seconds=1))

        assert peer.was_left.wait(20)
    assert str(raised.value.__cause__) == "no answer in time"


def test_a_notice_of_the_end_is_told() -> None:
    notice = b"\x30\x10\x02\x01\x00\x78\x0b\x0a\x01\x34\x04\x00\x04\x04gone"
    with an_ldap_peer(a_search(notice)) as peer:
        assert last(scripted(peer)).detail == "it ends the connection: unavailable gone"


def test_what_was_said_before_tls_is_refused_or_forgotten() -> None:
    with an_ldap_peer(lambda message_id: done(0, 0x78)(message_id) + done()(message_id + 1)) as peer:
        found = last(scripted(peer, security="starttls"))

    assert found.step is Step.TRUSTED


def test_a_directory_without_starttls_gets_no_password() -> None:
    with an_ldap_peer(done(2, 0x78, "unsupported")) as peer:
        found = last(scripted(peer, security="starttls", account="cn=a", account_password="s3cret"))

    assert found == Finding(Step.TRUSTED, Outcome.WRONG, "StartTLS: protocolError unsupported")
    assert not any(b"s3cret" in each for each in peer.heard)


# Settings


@pytest.mark.parametrize(
    "wrong",
    [
        {"servers": ""},
        {"servers": "a b:99999"},
        {"servers": "ldaps://ldap.example.org"},
        {"servers": "me@ldap.example.org"},
        {"servers": " ".join("abcdefghi")},
        {"security": "none"},
        {"account": "cn=a"},
        {"filter": "(uid=x)"},
        {"filter": "uid={card}"},
        {"ca_pem": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"},
        {"category_attribute": "a b"},
    ],
    ids=lambda wrong: str(wrong)[:40],
)
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, str]) -> None:
    right = {"servers": "ldap.example.org", "base": "dc=example,dc=org"}
    LdapSettings.model_validate(right)

    with pytest.raises(ValidationError):
        LdapSettings.model_validate(right | wrong)


def test_servers_have_the_usual_port_unless_they_name_another() -> None:
    assert servers_of("a, b:1 [::1]:2 [::1]", 636) == (("a", 636), ("b", 1), ("::1", 2), ("::1", 636))
