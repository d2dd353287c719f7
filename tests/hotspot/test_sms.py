"""Text messages by HTTP: what each provider is asked, what counts as its yes, and every way in which it can fail."""

import hashlib
import socket
import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from hotspot.adapters import sms_http
from hotspot.adapters.sms import BodyKind, Provider, TextMessage, fill, unknown_places
from hotspot.adapters.sms_http import Rejected, open_text_sender
from hotspot.adapters.sms_providers import PROVIDERS, account_of, provider_of
from hotspot.errors import Unavailable
from hotspot.settings import SettingsError, load_settings
from tests.factories import SECRET_KEY
from tests.fixtures.sms import AskedFor, TextProvider, a_text_provider

pytestmark = pytest.mark.integration

MESSAGE = TextMessage("ref-1", "+33612345678", '123456 "est" {key} votre code\\ ; à bientôt')
ACCOUNT = {"sender": "Mairie", "key": "app:consumer", "secret": "s3cret", "account": "sms-ab123-1"}
YES: Mapping[str, tuple[int, Any]] = {
    "ovhcloud": (
        200,
        {"totalCreditsRemoved": 1, "invalidReceivers": [], "ids": [1], "validReceivers": ["+33612345678"]},
    ),
    "smsmode": (201, {"messageId": "0a1b", "status": {"value": "ENQUEUED"}}),
    "smsfactor": (200, {"status": 1, "message": "OK", "ticket": "14672468", "sent": 1}),
    "brevo": (201, {"messageId": 1511882900176220}),
}
NO: Mapping[str, tuple[int, Any]] = {
    "ovhcloud": (
        200,
        {"totalCreditsRemoved": 0, "invalidReceivers": ["+33612345678"], "ids": [], "validReceivers": []},
    ),
    "smsmode": (401, {"status": 401, "title": "Unauthorized"}),
    "smsfactor": (200, {"status": -1, "message": "ERROR", "details": "authentication error"}),
    "brevo": (402, {"code": "not_enough_credits", "message": "buy some"}),
}


def at(provider: Provider, server: TextProvider) -> Provider:
    """The same, asked here."""
    parts = urlsplit(provider.url)
    return replace(provider, url=provider.url.replace(f"{parts.scheme}://{parts.netloc}", server.url))


def send(provider: Provider, server: TextProvider, message: TextMessage = MESSAGE) -> AskedFor:
    with open_text_sender(at(provider, server), ACCOUNT) as sender:
        sender.send(message)
    return server.asked[-1]


def test_ovhcloud_is_asked_with_a_signature() -> None:
    with a_text_provider(*YES["ovhcloud"]) as server:
        asked = send(PROVIDERS["ovhcloud"], server)
    assert (asked.method, asked.path) == ("POST", "/1.0/sms/sms-ab123-1/jobs")
    assert asked.json["message"] == MESSAGE.body
    assert asked.json["receivers"] == ["+33612345678"]
    assert (asked.json["sender"], asked.json["noStopClause"]) == ("Mairie", True)
    seconds = asked.headers["X-Ovh-Timestamp"]
    signed = f"s3cret+consumer+POST+{server.url}{asked.path}+{asked.body}+{seconds}"
    assert asked.headers["X-Ovh-Signature"] == "$1$" + hashlib.sha1(signed.encode()).hexdigest()
    assert (asked.headers["X-Ovh-Application"], asked.headers["X-Ovh-Consumer"]) == ("app", "consumer")
    assert "s3cret" not in str(asked)


def test_smsmode_is_asked_with_its_key() -> None:
    with a_text_provider(*YES["smsmode"]) as server:
        asked = send(PROVIDERS["smsmode"], server)
    assert (asked.path, asked.headers["X-Api-Key"]) == ("/sms/v1/messages", "app:consumer")
    assert asked.json == {
        "recipient": {"to": "33612345678"},
        "body": {"text": MESSAGE.body},
        "from": "Mairie",
        "refClient": "ref-1",
    }


def test_smsfactor_is_asked_for_an_alert() -> None:
    with a_text_provider(*YES["smsfactor"]) as server:
        asked = send(PROVIDERS["smsfactor"], server)
    assert asked.headers["Authorization"] == "Bearer app:consumer"
    assert asked.json["sms"]["message"] == {"text": MESSAGE.body, "pushtype": "alert", "sender": "Mairie"}
    assert asked.json["sms"]["recipients"] == {"gsm": [{"gsmsmsid": "ref-1", "value": "33612345678"}]}


def test_brevo_is_asked_for_a_transactional_message() -> None:
    with a_text_provider(*YES["brevo"]) as server:
        asked = send(PROVIDERS["brevo"], server)
    assert (asked.path, asked.headers["api-key"]) == ("/v3/transactionalSMS/send", "app:consumer")
    assert (asked.json["content"], asked.json["type"]) == (MESSAGE.body, "transactional")


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_no_of_each_provider_is_a_no(name: str) -> None:
    with a_text_provider(*NO[name]) as server, pytest.raises(Rejected) as said:
        send(PROVIDERS[name], server)
    assert "33612345678" not in str(said.value)
    assert "123456" not in str(said.value)


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("answer", [b"", b"<html>", b"[]", b"null", b"\xff\xfe", b"[" * 5000])
def test_an_answer_that_makes_no_sense_is_no_yes(name: str, answer: bytes) -> None:
    with a_text_provider() as server:
        server.answers = [(min(PROVIDERS[name].statuses), answer)]
        with pytest.raises(Rejected):
            send(PROVIDERS[name], server)


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_provider_in_trouble_is_asked_again_later(status: int) -> None:
    with a_text_provider(status) as server, pytest.raises(Unavailable):
        send(PROVIDERS["brevo"], server)


def test_nobody_there_is_unavailable() -> None:
    with a_text_provider() as server:
        gone = server.url
    with open_text_sender(replace(PROVIDERS["brevo"], url=gone), ACCOUNT) as sender, pytest.raises(Unavailable):
        sender.send(MESSAGE)


def test_a_redirect_is_not_followed() -> None:
    with a_text_provider(*YES["brevo"]) as elsewhere, a_text_provider(302) as server:
        server.headers = {"Location": elsewhere.url}
        with pytest.raises(Rejected):
            send(PROVIDERS["brevo"], server)
        assert elsewhere.asked == []


def test_an_endless_answer_is_cut_off() -> None:
    with a_text_provider() as server:
        server.answers = [(201, b" " * 200_000)]
        with pytest.raises(Unavailable):
            send(PROVIDERS["brevo"], server)


def test_a_server_that_drips_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each octet comes in time, and all of them never."""
    monkeypatch.setattr(sms_http, "_WITHIN", timedelta(0))
    with a_text_provider(*YES["brevo"]) as server, pytest.raises(Unavailable):
        send(PROVIDERS["brevo"], server)


def test_a_server_that_says_nothing_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sms_http, "_WITHIN", timedelta(seconds=0.2))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        taken: list[socket.socket] = []
        thread = threading.Thread(target=lambda: taken.append(listening.accept()[0]), daemon=True)
        thread.start()
        with open_text_sender(replace(PROVIDERS["brevo"], url=url), ACCOUNT) as sender, pytest.raises(Unavailable):
            sender.send(MESSAGE)
        thread.join()
        taken[0].close()


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with a_text_provider(*YES["brevo"]) as server:
        send(PROVIDERS["brevo"], server)
        assert len(server.asked) == 1


# ---- any other provider ----


def generic(**described: Any) -> Provider:
    settings = load_settings({}, secret_key=SECRET_KEY, sms_provider="http", **described)
    provider = provider_of(settings)
    assert provider is not None
    return provider


def test_a_form_is_filled_in_and_escaped() -> None:
    with a_text_provider(200) as server:
        provider = generic(
            sms_url=f"{server.url}/send",
            sms_body_kind="form",
            sms_body="numero={digits}&message={text}&emetteur={sender}&token={key}",
        )
        asked = send(provider, server)
    assert parse_qs(asked.body) == {
        "numero": ["33612345678"],
        "message": [MESSAGE.body],
        "emetteur": ["Mairie"],
        "token": ["app:consumer"],
    }


def test_an_address_is_filled_in_and_escaped() -> None:
    message = replace(MESSAGE, body="a b&to=+33899&c=é/../x?y#z")
    with a_text_provider(200) as server:
        provider = generic(sms_method="GET", sms_body_kind="none", sms_url=f"{server.url}/send?to={{to}}&text={{text}}")
        asked = send(provider, server, message)
    assert urlsplit(asked.path).path == "/send"
    assert parse_qs(urlsplit(asked.path).query) == {"to": ["+33612345678"], "text": [message.body]}


def test_headers_come_from_lines_and_the_yes_from_a_path() -> None:
    with a_text_provider(200, {"results": [{"state": "queued"}]}) as server:
        described: dict[str, Any] = {
            "sms_url": server.url,
            "sms_headers": "X-Token: {secret}\nAccept: application/json\n",
            "sms_body": '{"n": ["{to}"], "t": "{text}"}',
            "sms_answer_path": "results.0.state",
        }
        asked = send(generic(**described, sms_answer_is="queued"), server)
        with pytest.raises(Rejected):
            send(generic(**described, sms_answer_is="sent"), server)
    assert (asked.headers["X-Token"], asked.headers["Accept"]) == ("s3cret", "application/json")
    assert asked.json == {"n": ["+33612345678"], "t": MESSAGE.body}


def test_what_was_filled_in_is_not_looked_at_again() -> None:
    assert fill("{text}|{key}|{nobody}|{", {"text": "{key}", "key": "k"}) == "{key}|k|{nobody}|{"


def test_a_place_that_is_none_is_found() -> None:
    assert unknown_places('{"to": "{to}", "x": "{number}", "y": {"z": 1}}') == ["number"]


@pytest.mark.parametrize("name", PROVIDERS)
def test_ready_providers_use_known_places_only(name: str) -> None:
    provider = PROVIDERS[name]
    assert provider.kind is BodyKind.JSON
    templates = (provider.url, provider.body, *provider.headers.values())
    assert [place for template in templates for place in unknown_places(template)] == []


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"sms_provider": "brevo"}, "PARVIS_SMS_SENDER, PARVIS_SMS_KEY"),
        ({"sms_provider": "ovhcloud", "sms_sender": "Mairie", "sms_key": "a:b"}, "PARVIS_SMS_ACCOUNT"),
        ({"sms_provider": "http"}, "PARVIS_SMS_URL"),
        ({"sms_provider": "http", "sms_url": "ftp://x", "sms_body": "{}"}, "PARVIS_SMS_URL"),
        ({"sms_provider": "http", "sms_url": "https://x", "sms_body": '{"text": {text}}'}, "must be JSON"),
        ({"sms_provider": "http", "sms_url": "https://x", "sms_body": "{}", "sms_headers": "x"}, "PARVIS_SMS_HEADERS"),
        ({"sms_provider": "carrier pigeon"}, "PARVIS_SMS_PROVIDER"),
        ({"sms_sender": "Mairie de Besançon"}, "PARVIS_SMS_SENDER"),
        ({"sms_countries": "FR,France"}, "PARVIS_SMS_COUNTRIES"),
        ({"sms_statuses": "200,404"}, "PARVIS_SMS_STATUSES"),
    ],
)
def test_settings_that_cannot_work_stop_the_start_and_are_named(given: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        load_settings({}, secret_key=SECRET_KEY, **given)


def test_keys_may_come_from_files_and_are_never_printed(tmp_path: Any) -> None:
    (tmp_path / "key").write_text("a-long-key\n")
    environ = {"PARVIS_SMS_PROVIDER": "brevo", "PARVIS_SMS_SENDER": "Mairie", "PARVIS_SMS_KEY_FILE": f"{tmp_path}/key"}
    settings = load_settings(environ, secret_key=SECRET_KEY)
    assert account_of(settings)["key"] == "a-long-key"
    assert "a-long-key" not in repr(settings)
