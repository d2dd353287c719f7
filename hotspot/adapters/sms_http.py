"""Text messages leave by HTTP: one request each, with a time for the whole."""

import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import timedelta

import httpx

from hotspot.adapters.bounded_http import HttpAnswer, HttpClient
from hotspot.adapters.sms import Asked, Provider, TextMessage
from hotspot.adapters.wire import Deadline, NoAnswer
from hotspot.errors import Unavailable

_WITHIN = timedelta(seconds=12)
_MOST_OCTETS = 64 * 1024


class Rejected(Exception):
    """The provider does not take this text message, and would not take it a second time. Says its status, not more."""


class TextSender:
    def __init__(self, client: HttpClient, provider: Provider, account: Mapping[str, str]) -> None:
        """`account`: sender, key, secret, account."""
        self._client = client
        self._provider = provider
        self._account = account

    def send(self, message: TextMessage) -> None:
        """Rejected, or Unavailable("sms") where another try may succeed."""
        answer = self._exchange(self._provider.ask(message, self._account, int(time.time())))
        if answer.status == 429 or answer.status >= 500:
            raise Unavailable("sms")
        if not self._provider.says_yes(answer.status, answer.body):
            raise Rejected(f"the provider answered {answer.status}, and not that it took the message")

    def reach(self) -> int:
        """The status that the provider's host answers with; nothing is sent to anybody."""
        address = httpx.URL(self._provider.address(self._account))
        return self._exchange(Asked("GET", str(address.copy_with(raw_path=b"/")), {}, "")).status

    def _exchange(self, asked: Asked) -> HttpAnswer:
        try:
            content = asked.body.encode() or None
            return self._client.send(asked.method, asked.url, Deadline(_WITHIN), headers=asked.headers, content=content)
        except (NoAnswer, ValueError) as error:  # or a header that is none
            raise Unavailable("sms") from error


@contextmanager
def open_text_sender(provider: Provider, account: Mapping[str, str]) -> Iterator[TextSender]:
    with closing(HttpClient(most_octets=_MOST_OCTETS)) as client:
        yield TextSender(client, provider, account)
