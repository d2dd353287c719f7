"""Text messages leave by HTTP: one request each, with a time for each step and for the whole."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx

from hotspot.adapters.sms import Asked, Provider, TextMessage
from hotspot.errors import Unavailable

_STEP_SECONDS = 5.0
_WHOLE_SECONDS = 12.0
_LONGEST_ANSWER = 64 * 1024


class Rejected(Exception):
    """The provider does not take this text message, and would not take it a second time. Says its status, not more."""


class TextSender:
    def __init__(self, client: httpx.Client, provider: Provider, account: Mapping[str, str]) -> None:
        """`account`: sender, key, secret, account."""
        self._client = client
        self._provider = provider
        self._account = account

    def send(self, message: TextMessage) -> None:
        """Rejected, or Unavailable("sms") where another try may succeed."""
        status, answer = self._exchange(self._provider.ask(message, self._account, int(time.time())))
        if status == 429 or status >= 500:
            raise Unavailable("sms")
        if not self._provider.says_yes(status, answer):
            raise Rejected(f"the provider answered {status}, and not that it took the message")

    def reach(self) -> int:
        """The status that the provider's host answers with; nothing is sent to anybody."""
        address = httpx.URL(self._provider.address(self._account))
        status, _ = self._exchange(Asked("GET", str(address.copy_with(raw_path=b"/")), {}, ""))
        return status

    def _exchange(self, asked: Asked) -> tuple[int, bytes]:
        """A server that drips is a server that is away."""
        give_up = time.monotonic() + _WHOLE_SECONDS
        try:
            with self._client.stream(
                asked.method, asked.url, headers=dict(asked.headers), content=asked.body.encode() or None
            ) as response:
                answer = b""
                for piece in response.iter_bytes():
                    answer += piece
                    if time.monotonic() > give_up or len(answer) > _LONGEST_ANSWER:
                        raise Unavailable("sms")
                return response.status_code, answer
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            raise Unavailable("sms") from error


@contextmanager
def open_text_sender(provider: Provider, account: Mapping[str, str]) -> Iterator[TextSender]:
    """No proxy and no password file of the machine, and no redirects."""
    with httpx.Client(timeout=_STEP_SECONDS, trust_env=False, follow_redirects=False) as client:
        yield TextSender(client, provider, account)
