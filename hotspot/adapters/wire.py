"""Connections to servers that we do not run: within a time that covers everything, resolving and TLS included."""

import select
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future
from datetime import timedelta
from enum import StrEnum
from ipaddress import ip_address

import httpx

from hotspot.adapters.addresses import may_be_asked

_LONGEST_DETAIL = 180
_Found = list[tuple[int, str]]
"""Address family and address."""

_lock = threading.Lock()
_looked_up: dict[str, Future[_Found]] = {}
"""Names that the resolver is busy with."""


class Why(StrEnum):
    NOT_REACHED = "not reached"
    NOT_TRUSTED = "not trusted"
    """TLS: none in time, or a certificate that is not right for the host."""
    BROKE_OFF = "broke off"
    """Or says what cannot be read."""
    REFUSED = "refused"
    """It answers, and takes neither our account nor what we say: asking again is of no use."""
    OUT_OF_TIME = "out of time"
    TOO_LARGE = "too large"


class NoAnswer(Exception):
    """No whole answer: why, and what the other side or the machine said; nothing of what was sent."""

    def __init__(self, why: Why, detail: str) -> None:
        super().__init__(detail)
        self.why = why
        self.detail = detail


class Deadline:
    """Until when an answer is worth having."""

    def __init__(self, within: timedelta) -> None:
        self._at = time.monotonic() + within.total_seconds()

    def left(self) -> float:
        """Seconds, more than none; NoAnswer once it is over."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise NoAnswer(Why.OUT_OF_TIME, "no answer in time")
        return left

    def sooner(self, seconds: float) -> "Deadline":
        """At most so long, and never later than this one."""
        return Deadline(timedelta(seconds=min(seconds, self.left())))


def connect(host: str, port: int, deadline: Deadline) -> socket.socket:
    """To the first of its addresses that answers; each gets its share of the time. NoAnswer if none does."""
    failed = NoAnswer(Why.NOT_REACHED, "it has no address that may be asked")
    found = [each for each in resolve(host, deadline) if may_be_asked(each[1])]
    for number, (family, address) in enumerate(found):
        share = deadline.left() / (len(found) - number)
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.settimeout(share)
            connection.connect((address, port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            connection.close()
            failed = explain(error)
        else:
            return connection
    raise failed


def resolve(host: str, deadline: Deadline) -> _Found:
    """A resolver has time limits of its own, beyond ours: it is left behind, and its late answer serves who asks
    next."""
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        pass
    else:
        return [(socket.AF_INET if address.version == 4 else socket.AF_INET6, str(address))]
    with _lock:
        answer = _looked_up.get(host)
        if answer is None:
            answer = Future()
            threading.Thread(target=_look_up, args=(host, answer), name="resolver", daemon=True).start()
            _looked_up[host] = answer  # once there is a thread that takes it away again: it waits for the lock
    try:
        return answer.result(deadline.left())
    except OSError as error:
        raise explain(error) from error


def _look_up(host: str, answer: Future[_Found]) -> None:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        answer.set_result([(family, str(address[0])) for family, _, _, _, address in found])
    except OSError as error:
        answer.set_exception(error)
    except ValueError:
        answer.set_exception(socket.gaierror(socket.EAI_NONAME, "not a host name"))
    finally:
        with _lock:
            del _looked_up[host]


def begin_tls(connection: socket.socket, context: ssl.SSLContext, host: str, deadline: Deadline) -> ssl.SSLSocket:
    """`connection` is closed if that fails."""
    try:
        connection.settimeout(deadline.left())  # ssl counts the whole handshake against it
        return context.wrap_socket(connection, server_hostname=host.strip("[]"))
    except (OSError, ValueError, NoAnswer) as error:
        connection.close()
        raise NoAnswer(Why.NOT_TRUSTED, explain(error).detail) from error


def trust(ca_pem: str) -> ssl.SSLContext:
    """Those authorities alone, in PEM; none given: those of the machine and those that browsers know. ValueError."""
    if not ca_pem.strip():
        context = httpx.create_ssl_context(trust_env=False)
        context.load_default_certs()
        return context
    try:
        context = ssl.create_default_context(cadata=ca_pem)
    except (ssl.SSLError, ValueError) as error:
        raise ValueError("no certificate in PEM form") from error
    # A town's own authority was often made by hand, and what is pasted is often one from the middle of the chain
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def peer_of(connection: socket.socket) -> str:
    """Its address; empty if it has just gone."""
    try:
        return str(connection.getpeername()[0])
    except OSError:
        return ""


def is_readable(connection: socket.socket) -> bool:
    if connection.fileno() == -1:
        return True
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))


def explain(error: BaseException) -> NoAnswer:
    """What went wrong with a connection, in the machine's words."""
    why = Why.NOT_REACHED
    match error:
        case NoAnswer():
            return error
        case ssl.SSLCertVerificationError():
            why, detail = Why.NOT_TRUSTED, f"certificate: {error.verify_message or error.reason}"
        case ssl.SSLError():
            why, detail = Why.NOT_TRUSTED, error.reason or "TLS failed"
        case socket.gaierror():
            detail = f"its name is not known: {error.strerror or ''}"
        case TimeoutError():
            why, detail = Why.OUT_OF_TIME, "no answer in time"
        case OSError():
            detail = error.strerror or type(error).__name__
        case _:
            detail = type(error).__name__
    return NoAnswer(why, shown(detail))


def shown(text: str, hidden: Iterable[str] = ()) -> str:
    """What the other side said, on one line and short, with stars for the card, PIN or password that it may repeat."""
    line = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    for each in sorted({each for each in hidden if each}, key=len, reverse=True):
        line = line.replace(each, "***")
    return line if len(line) <= _LONGEST_DETAIL else line[: _LONGEST_DETAIL - 1] + "…"


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
