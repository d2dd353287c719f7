"""One connection to a SIP2 server: TCP, TLS, signing in, questions and answers. No wait outlasts its Deadline."""

import re
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Self, TypeVar

from hotspot.adapters.library_systems import sip2_messages as sip2
from hotspot.adapters.library_systems.addresses import may_be_asked
from hotspot.adapters.library_systems.sip2_settings import Sip2Settings

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


class Trouble(Exception):
    """No sound answer. The text is for staff and names no card, PIN or password."""


class Broken(Trouble):
    """This connection is of no more use; another one may be."""


class OutOfTime(Trouble):
    """The time is up."""


class LoginRefused(Trouble):
    """The server does not take our account."""


class Deadline:
    """The end of the time that everything together may take."""

    def __init__(self, within: timedelta | float) -> None:
        self._at = time.monotonic() + (within.total_seconds() if isinstance(within, timedelta) else within)

    def left(self) -> float:
        """Seconds, more than 0. OutOfTime if there are none."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise OutOfTime("no answer in time")
        return left

    def sooner(self, seconds: float) -> "Deadline":
        """At most so long, and never later than this one."""
        return Deadline(min(seconds, self.left()))


class Resolver:
    """getaddrinfo knows no time limit: it runs in a thread, one at a time, and a late answer serves who asks next."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: _Resolving | None = None

    def addresses(self, host: str, port: int, deadline: Deadline) -> list[tuple[Any, ...]]:
        with self._lock:
            if self._running is None or self._running.done.is_set():
                self._running = _Resolving(host, port)
                threading.Thread(target=self._running.run, daemon=True).start()
            running = self._running
        if not running.done.wait(deadline.left()):
            raise OutOfTime("the name was not resolved in time")
        if running.problem is not None:
            raise Broken(running.problem)
        return running.found


class _Resolving:
    def __init__(self, host: str, port: int) -> None:
        self._asked = host, port
        self.done = threading.Event()
        self.found: list[tuple[Any, ...]] = []
        self.problem: str | None = None

    def run(self) -> None:
        try:
            self.found = list(socket.getaddrinfo(*self._asked, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            self.problem = f"the name cannot be resolved: {_reason(error)}"
        self.done.set()


def reach(settings: Sip2Settings, resolver: Resolver, deadline: Deadline) -> socket.socket:
    """Broken if nobody answers there. An address that is silent leaves the others their share of the time."""
    found = resolver.addresses(settings.host, settings.port, deadline)
    addresses = [each for each in found if may_be_asked(str(each[4][0]))]
    problem = "it has no address that may be asked"
    for at, (family, kind, protocol, _, address) in enumerate(addresses):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(deadline.left() / (len(addresses) - at))
            sock.connect(address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            sock.close()
            problem = _reason(error)
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    deadline.left()
    raise Broken(problem)


def secure(sock: socket.socket, settings: Sip2Settings, context: ssl.SSLContext, deadline: Deadline) -> ssl.SSLSocket:
    """Broken if there is no TLS, or a certificate that is not to be trusted; the socket is then closed."""
    try:
        sock.settimeout(deadline.left())
        return context.wrap_socket(sock, server_hostname=settings.tls_name or settings.host)
    except (OSError, ValueError) as error:
        sock.close()
        deadline.left()
        raise Broken(_reason(error)) from error
    except BaseException:
        sock.close()
        raise


class Connection:
    """Not for two threads at once. After any Trouble it is to be closed."""

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
    def open(
        cls, settings: Sip2Settings, context: ssl.SSLContext | None, resolver: Resolver, deadline: Deadline
    ) -> Self:
        """Reached, secured if there is a context for it, signed in, and well."""
        sock = reach(settings, resolver, deadline)
        if context is not None:
            sock = secure(sock, settings, context, deadline)
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
        """LoginRefused if the server says no."""
        settings = self._settings
        if settings.login == "message":
            body = sip2.login(settings.user, settings.password.get_secret_value(), settings.location)
            if not self._exchange(body, sip2.Login, deadline).is_accepted:
                raise LoginRefused("the server answers 940")
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
            raise LoginRefused("the server refuses name or password")
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
        except Trouble:
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
            raise Trouble(f"the settings cannot be sent: {error}") from error
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
            raise Broken(_reason(error)) from error
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
            raise Broken(_reason(error)) from error


def _reason(error: BaseException) -> str:
    """What the machine says, short: nothing that was sent can be in it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return type(error).__name__
