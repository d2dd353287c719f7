"""OAuth 2 client credentials (RFC 6749 section 4.4): a token for our account, fetched once, kept while it is good."""

import threading
import time
from base64 import b64encode
from collections.abc import Callable
from urllib.parse import quote_plus, urlencode

from pydantic import SecretStr

from hotspot.adapters.library_systems.http_client import Answer, HttpClient, described
from hotspot.adapters.library_systems.library_system import Step
from hotspot.adapters.library_systems.trouble import Trouble, as_trouble
from hotspot.adapters.wire import Deadline

_MARGIN = 30.0
"""Seconds before its end in which a token is no longer used."""
_USUAL_LIFE = 300.0
"""Where the answer does not say."""


def basic(name: str, secret: str) -> dict[str, str]:
    """RFC 7617."""
    return {"Authorization": "Basic " + b64encode(f"{name}:{secret}".encode()).decode("ascii")}


class ClientCredentials:
    """`in_body`: name and secret go as form fields, else as HTTP Basic."""

    def __init__(self, http: HttpClient, address: str, name: str, secret: SecretStr, *, in_body: bool) -> None:
        self._http = http
        self._address = address
        self._name = name
        self._secret = secret
        self._in_body = in_body
        self._lock = threading.Lock()
        self._token: tuple[str, float] | None = None
        """With the moment of its end."""

    def send(self, ask: Callable[[dict[str, str]], Answer], deadline: Deadline) -> Answer:
        """`ask` with the header of a token; once more with a new one if it was withdrawn before its end."""
        token = self._get(deadline)
        answer = ask(_bearer(token))
        if answer.status != 401:
            return answer
        return ask(_bearer(self._get(deadline, instead_of=token)))

    def _get(self, deadline: Deadline, instead_of: str | None = None) -> str:
        """Several threads that need one wait for the one that fetches it."""
        with as_trouble():
            if not self._lock.acquire(timeout=deadline.left()):
                raise TimeoutError
        try:
            if self._token is None or self._token[0] == instead_of or self._token[1] <= time.monotonic():
                self._token = self._fetch(deadline)
            return self._token[0]
        finally:
            self._lock.release()

    def _fetch(self, deadline: Deadline) -> tuple[str, float]:
        self._token = None
        secret = self._secret.get_secret_value()
        form = {"grant_type": "client_credentials"}
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if self._in_body:
            form |= {"client_id": self._name, "client_secret": secret}
        else:  # RFC 6749 section 2.3.1 has both form-encoded first
            headers |= basic(quote_plus(self._name), quote_plus(secret))
        answer = self._http.send("POST", self._address, deadline, headers=headers, content=urlencode(form).encode())
        began = time.monotonic()
        if answer.status != 200:
            step = Step.LET_IN if answer.status in (400, 401, 403) else Step.SPEAKS
            raise Trouble(step, f"token: {described(answer, (secret,))}")
        given = answer.json()
        token = given.get("access_token") if isinstance(given, dict) else None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise Trouble(Step.SPEAKS, "token: the answer has none")
        life = given.get("expires_in")
        seconds = float(life) if isinstance(life, int) and not isinstance(life, bool) else _USUAL_LIFE
        return token, began + seconds - _MARGIN


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
