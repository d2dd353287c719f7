"""Four French providers, as their public documentation describes them. None could be tried without an account: what is
written here was tested against a server of our own that plays them (docs/passes.md).
"""

import hashlib
from collections.abc import Mapping

from hotspot.adapters.sms import BodyKind, Provider
from hotspot.settings import Settings


def _sign_as_ovh(method: str, address: str, body: str, places: Mapping[str, str], seconds: int) -> Mapping[str, str]:
    """The application's secret and the consumer key are never sent: their SHA-1 with all of the request is."""
    application, consumer = places["key"].partition(":")[::2]
    signed = "+".join((places["secret"], consumer, method, address, body, str(seconds)))
    return {
        "X-Ovh-Application": application,
        "X-Ovh-Consumer": consumer,
        "X-Ovh-Timestamp": str(seconds),
        "X-Ovh-Signature": "$1$" + hashlib.sha1(signed.encode()).hexdigest(),  # noqa: S324 - the interface wants it
    }


PROVIDERS: Mapping[str, Provider] = {
    "ovhcloud": Provider(
        method="POST",
        url="https://eu.api.ovh.com/1.0/sms/{account}/jobs",
        headers={},
        # no STOP clause: nothing is advertised
        body='{"message": "{text}", "receivers": ["{to}"], "sender": "{sender}", "noStopClause": true, '
        '"charset": "UTF-8", "class": "phoneDisplay", "coding": "7bit", "priority": "high", "validityPeriod": 10}',
        kind=BodyKind.JSON,
        statuses=frozenset((200,)),
        answer_path="validReceivers.0",
        sign=_sign_as_ovh,
    ),
    "smsmode": Provider(
        method="POST",
        url="https://rest.smsmode.com/sms/v1/messages",
        headers={"X-Api-Key": "{key}", "Accept": "application/json"},
        body='{"recipient": {"to": "{digits}"}, "body": {"text": "{text}"}, "from": "{sender}", "refClient": "{ref}"}',
        kind=BodyKind.JSON,
        statuses=frozenset((201,)),
        answer_path="messageId",
    ),
    "smsfactor": Provider(
        method="POST",
        url="https://api.smsfactor.com/send",
        headers={"Authorization": "Bearer {key}", "Accept": "application/json"},
        body='{"sms": {"message": {"text": "{text}", "pushtype": "alert", "sender": "{sender}"}, '
        '"recipients": {"gsm": [{"gsmsmsid": "{ref}", "value": "{digits}"}]}}}',
        kind=BodyKind.JSON,
        statuses=frozenset((200,)),
        answer_path="status",
        answer_is="1",
    ),
    "brevo": Provider(
        method="POST",
        url="https://api.brevo.com/v3/transactionalSMS/send",
        headers={"api-key": "{key}", "Accept": "application/json"},
        body='{"sender": "{sender}", "recipient": "{digits}", "content": "{text}", "type": "transactional", '
        '"tag": "{ref}"}',
        kind=BodyKind.JSON,
        statuses=frozenset((200, 201, 202)),
        answer_path="messageId",
    ),
}


def provider_of(settings: Settings) -> Provider | None:
    """The one that the settings name or describe; None where no text message is sent."""
    if settings.sms_provider is None:
        return None
    if settings.sms_provider != "http":
        return PROVIDERS[settings.sms_provider]
    assert settings.sms_url is not None  # noqa: S101 - the settings saw to it
    return Provider(
        method=settings.sms_method,
        url=settings.sms_url.get_secret_value(),
        headers=settings.sms_header_lines,
        body=settings.sms_body.get_secret_value(),
        kind=BodyKind(settings.sms_body_kind),
        statuses=frozenset(settings.sms_statuses),
        answer_path=settings.sms_answer_path,
        answer_is=settings.sms_answer_is,
    )


def account_of(settings: Settings) -> Mapping[str, str]:
    return {
        "sender": settings.sms_sender,
        "key": settings.sms_key.get_secret_value(),
        "secret": settings.sms_secret.get_secret_value(),
        "account": settings.sms_account,
    }
