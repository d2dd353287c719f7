"""What may be entered for a SIP2 server, and what is said of the rest."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from hotspot.adapters.library_systems import sip2_settings as texts
from hotspot.adapters.library_systems.connection_fields import BAD_CERTIFICATE
from hotspot.adapters.library_systems.sip2_settings import Sip2Settings
from tests.radius.tls_peers import Town

ACCOUNT = {"host": "sip2.library.test", "user": "parvis", "password": "hush"}


def test_a_host_and_an_account_are_enough() -> None:
    made = Sip2Settings(**ACCOUNT)

    assert (made.port, made.dialect.error_detection, made.card_only) == (6001, True, False)


def test_secrets_do_not_show() -> None:
    made = Sip2Settings(**ACCOUNT, terminal_password="also")

    assert not any(each in repr(made) + repr(made.dialect) for each in ("hush", "also"))


def test_what_was_kept_as_json_is_read_again() -> None:
    made = Sip2Settings(**ACCOUNT, expiry_field="pa, bw", blocked_flags=" 5, 1 + 2")

    again = made.model_dump(mode="json") | {"password": "hush", "terminal_password": ""}

    assert Sip2Settings(**again) == made
    assert (made.expiry_field, made.blocked_flags) == ("PA,BW", "5,1+2")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"host": "https://x"}, texts.BAD_HOST),
        ({"host": " "}, texts.BAD_HOST),
        ({"host": "a b"}, texts.BAD_HOST),
        ({"user": "a|b"}, texts.BAD_VALUE),
        ({"institution": "a\rb"}, texts.BAD_VALUE),
        ({"password": "a\nb"}, texts.BAD_VALUE),
        ({"location": "x" * 300}, texts.BAD_VALUE),
        ({"user": ""}, texts.NEEDS_USER),
        ({"password": ""}, texts.NEEDS_USER),
        ({"institution": "Ω", "encoding": "latin-1"}, texts.BAD_LETTERS),
        ({"terminal_password": "Ω", "encoding": "cp850"}, texts.BAD_LETTERS),
        ({"lost_flags": "15"}, texts.BAD_FLAGS),
        ({"lost_flags": "0"}, texts.BAD_FLAGS),
        ({"blocked_flags": "1+,2"}, texts.BAD_FLAGS),
        ({"category_field": "P"}, texts.BAD_TAGS),
        ({"birth_field": "PB;PC"}, texts.BAD_TAGS),
        ({"tls_ca": "hello"}, BAD_CERTIFICATE),
        ({"tls_ca": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"}, BAD_CERTIFICATE),
    ],
    ids=repr,
)
def test_what_cannot_be_is_named(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Sip2Settings(**ACCOUNT | wrong)

    (error,) = caught.value.errors()
    assert str(error["ctx"]["error"]) == said


@pytest.mark.parametrize("wrong", [{"port": 0}, {"connections": 0}, {"login": "ssh"}, {"more": 1}], ids=repr)
def test_what_has_no_meaning_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Sip2Settings(**ACCOUNT | wrong)


def test_an_authority_can_be_pasted(tmp_path: Path) -> None:
    pem = Town(tmp_path).authority.certificate.read_text()

    assert Sip2Settings(**ACCOUNT, tls=True, tls_ca=f"\n{pem}\n").tls_ca


def test_every_setting_has_a_title_and_every_choice_a_label() -> None:
    for name, field in Sip2Settings.model_fields.items():
        assert field.title, name
    schema = Sip2Settings.model_json_schema()["properties"]
    choices = {name: each for name, each in schema.items() if "enum" in each}
    assert choices.keys() == {"login", "inquiry", "encoding", "date_form"}
    assert all(set(each["labels"]) == set(each["enum"]) for each in choices.values())
