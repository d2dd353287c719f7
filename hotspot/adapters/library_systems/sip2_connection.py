"""One connection to a SIP2 server: TCP, TLS, signing in, questions and answers. No wait outlasts its Deadline."""

import re
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Self, TypeVar

from hotspot.adapters import wire
from hotspot.adapters.library_systems import sip2_messages as sip2
from hotspot.adapters.library_systems.sip2_settings import Sip2Settings
from hotspot.adapters.wire import Deadline, NoAnswer, Why

_MOST_REPEATS = 2
"""How often either side may ask for the same message again."""
_MOST_STRAYS = 20
"""Answers that are read, at most, until ours is among them."""
_MOST_PROMPT = 4096
_GOODBYE_TAKES = 0.3
"""Seconds at most for the end of a session: the reader is waiting, and the answer is there already."""
_TELNET_COMMAND = re.compile(rb"\xff(?:[\xfb-\xfe].|[\xf0-\xfa])", re.DOTALL)
"""RFC 854: IAC, and with WILL, WONT, DO and DONT an option. They are not answered: we have none."""
_ASKS_NAME = re.compile(rb"(?:login|user|account|name)[^\r\n]{0,40}[:>?]\s*$", re.IGNORECASE)
_ASKS_PASSWORD = re.compile(rb"pass[^\r\n]{0,40}[:>?]\s*$", re.IGNORECASE)
_IS_IN = re.compile(rb"(?:login ok|logged in|welcome|success)[^\r\n]*[\r\n]", re.IGNORECASE)
_IS_OUT = re.compile(rb"invalid|incorrect|fail|denied|refused|error|bad|login[^\r\n]{0,9}:\s*$", re.IGNORECASE)

Said = TypeVar("Said", sip2.Login, sip2.Status, sip2.Patron, sip2.SessionEnd)


class Broken(NoAnswer):
    """This connection is of no more use; another one may be."""

    def __init__(self, detail: str) -> None:
        super().__init__(Why.BROKE_OFF, detail)


class Connection:
    """Not for two threads at once. After any NoAnswer it is to be closed."""

    def __init__(self, sock: socket.socket, settings: Sip2Settings) -> None:
        self._sock = sock
        self._settings = settings
        self._dialect = settings.dialect
        self._lines = sip2.Lines()
        self._sequence = -1
        self.status: sip2.Status | None = None
        """Once it is signed in."""
        self.echoes = False
        """Its answers name the request that they belong to: only then may it be used for another card."""
        self.used_at = time.monotonic()

    @classmethod
    def open(cls, settings: Sip2Settings, context: ssl.SSLContext | None, deadline: Deadline) -> Self:
        """Reached, secured if there is a context for it, signed in, and well."""
        sock = wire.connect(settings.host, settings.port, deadline)
        if context is not None:
            sock = wire.begin_tls(sock, context, settings.tls_name or settings.host, deadline)
        connection = cls(sock, settings)
        try:
            connection.log_in(deadline)
            connection.ask_status(deadline)
        except BaseException:
            connection.close()
            raise
        return connection

    def close(self) -> None:
        with suppress(OSError):
            self._sock.close()

    # signing in

    def log_in(self, deadline: Deadline) -> None:
        """Why.REFUSED if the server says no."""
        settings = self._settings
        if settings.login == "message":
            body = sip2.login(settings.user, settings.password.get_secret_value(), settings.location)
            if not self._exchange(body, sip2.Login, deadline).is_accepted:
                raise NoAnswer(Why.REFUSED, "the server answers 940")
        elif settings.login == "telnet":
            self._log_in_by_telnet(deadline)

    def ask_status(self, deadline: Deadline) -> sip2.Status:
        self.status = self._exchange(sip2.sc_status(), sip2.Status, deadline)
        if not self.status.is_online:
            raise Broken("the server says that it is not online (98)")
        return self.status

    def _log_in_by_telnet(self, deadline: Deadline) -> None:
        """`login:` and `password:` as prompts, without an end of line; then a line that says yes or no."""
        self._read_until(_ASKS_NAME.search, deadline)
        self._send(sip2.encode(self._settings.user, self._dialect) + b"\r\n", deadline)
        self._read_until(_ASKS_PASSWORD.search, deadline)
        password = self._settings.password.get_secret_value()
        self._send(sip2.encode(password, self._dialect) + b"\r\n", deadline)
        said = self._read_until(lambda heard: _IS_OUT.search(heard) or _IS_IN.search(heard), deadline)
        is_in = _IS_IN.search(said)
        if is_in is None or _IS_OUT.search(said):
            raise NoAnswer(Why.REFUSED, "the server refuses name or password")
        self._lines.feed(said[is_in.end() :])

    def _read_until(self, is_enough: Callable[[bytes], object], deadline: Deadline) -> bytes:
        heard = b""
        while not is_enough(heard):
            if len(heard) > _MOST_PROMPT:
                raise Broken("the server does not ask for name and password in a way that is known")
            heard = _TELNET_COMMAND.sub(b"", heard + self._receive(deadline))
        return heard

    # asking

    def ask_patron(self, card: str, pin: str, now: datetime, deadline: Deadline) -> sip2.Patron:
        if self._asks_status_only():
            body = sip2.patron_status(self._dialect, card, pin, now)
        else:
            body = sip2.patron_information(self._dialect, card, pin, now)
        return self._exchange(body, sip2.Patron, deadline)

    def end_session(self, card: str, pin: str, now: datetime, deadline: Deadline) -> None:
        """If it is wanted and offered. What goes wrong with it only makes this connection the last card's."""
        if not self._settings.end_session or self.status is None or not self.status.offers(9):
            return
        try:
            body = sip2.end_session(self._dialect, card, pin, now)
            self._exchange(body, sip2.SessionEnd, deadline.sooner(_GOODBYE_TAKES))
        except NoAnswer:
            self.echoes = False

    def _asks_status_only(self) -> bool:
        if self._settings.inquiry == "auto" and self.status is not None:
            return self.status.offers(8) is False
        return self._settings.inquiry == "status"

    def is_quiet(self) -> bool:
        """False if the server has closed it, or has said something unasked: what comes next might be about somebody
        else."""
        try:
            self._sock.settimeout(0)
            octets = self._sock.recv(4096)
            self._lines.feed(octets)
            return bool(octets) and self._lines.is_empty
        except (BlockingIOError, ssl.SSLWantReadError):
            return self._lines.is_empty
        except OSError:
            return False

    def _exchange(self, body: str, wanted: type[Said], deadline: Deadline) -> Said:
        self._sequence = (self._sequence + 1) % 10
        try:
            request = sip2.seal(body, self._dialect, self._sequence)
        except sip2.Unsendable as error:
            raise NoAnswer(Why.REFUSED, f"the settings cannot be sent: {error}") from error
        self._send(request, deadline)
        repeats = 0
        for _ in range(_MOST_STRAYS):
            try:
                answer = sip2.read_answer(self._read_line(deadline), self._dialect)
            except sip2.BadChecksum:
                repeats = self._repeat(repeats, sip2.resend(self._dialect), deadline)
                continue
            except sip2.NotSip2 as error:
                raise Broken(f"no SIP2: {error}") from error
            if isinstance(answer.says, sip2.Resend):
                repeats = self._repeat(repeats, request, deadline)
            elif isinstance(answer.says, wanted) and answer.sequence in (None, self._sequence):
                self.echoes = answer.sequence is not None
                self.used_at = time.monotonic()
                return answer.says
            # else it is late, or said twice
        raise Broken("many answers, and none of them to what was asked")

    def _repeat(self, repeats: int, octets: bytes, deadline: Deadline) -> int:
        if repeats == _MOST_REPEATS:
            raise Broken("damaged messages, again and again")
        self._send(octets, deadline)
        return repeats + 1

    def _read_line(self, deadline: Deadline) -> bytes:
        """Broken after twice the longest line: so many empty ones are nonsense too."""
        received = 0
        while received <= 2 * sip2.LONGEST_LINE:
            try:
                line = self._lines.next()
            except sip2.NotSip2 as error:
                raise Broken(f"no SIP2: {error}") from error
            if line is not None:
                return line
            octets = self._receive(deadline)
            received += len(octets)
            self._lines.feed(octets)
        raise Broken("no SIP2: empty lines without end")

    def _receive(self, deadline: Deadline) -> bytes:
        try:
            self._sock.settimeout(deadline.left())
            octets = self._sock.recv(4096)
        except OSError as error:
            deadline.left()
            raise Broken(wire.explain(error).detail) from error
        if not octets:
            raise Broken("the server closed the connection")
        return octets

    def _send(self, octets: bytes, deadline: Deadline) -> None:
        """In one piece: not every server puts a message together again."""
        try:
            self._sock.settimeout(deadline.left())
            self._sock.sendall(octets)
        except OSError as error:
            deadline.left()
            raise Broken(wire.explain(error).detail) from error
