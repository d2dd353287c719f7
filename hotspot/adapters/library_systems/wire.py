"""Connections to library systems within a time, resolving and TLS included, whatever the other side does."""

import select
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_address
from queue import Empty, SimpleQueue

import httpx

from hotspot.adapters.library_systems.addresses import may_be_asked
from hotspot.adapters.library_systems.library_system import Finding, Outcome, Step
from hotspot.adapters.library_systems.trouble import Trouble, shown

_Found = list[tuple[int, str]]
"""Address family and address."""


class Deadline:
    """Until when an answer is worth having."""

    def __init__(self, within: timedelta) -> None:
        self._at = time.monotonic() + within.total_seconds()

    def left(self, at_most: float | None = None) -> float:
        """Seconds, more than none; TimeoutError once it is over."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left if at_most is None else min(left, at_most)


def connect(host: str, port: int, deadline: Deadline, at_most: float | None = None) -> socket.socket:
    """To the first of its addresses that answers; each gets its share of the time. Trouble if none does."""
    try:
        share_of = Deadline(timedelta(seconds=deadline.left(at_most)))
        found = [each for each in resolve(host, share_of) if may_be_asked(each[1])]
        for number, (family, address) in enumerate(found, start=1):
            connection = socket.socket(family, socket.SOCK_STREAM)
            connection.settimeout(share_of.left() / (len(found) - number + 1))
            try:
                connection.connect((address, port))
            except OSError:
                connection.close()
                if number == len(found):
                    raise
            else:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return connection
    except OSError as error:
        raise explain(error) from error
    raise Trouble(Step.REACHED, "it has no address that may be asked")


def resolve(host: str, deadline: Deadline) -> _Found:
    """A resolver has time limits of its own, beyond ours: whoever waits for it is left behind."""
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        pass
    else:
        return [(socket.AF_INET if address.version == 4 else socket.AF_INET6, str(address))]
    answers: SimpleQueue[_Found | OSError] = SimpleQueue()

    def look_up() -> None:
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            answers.put([(family, str(address[0])) for family, _, _, _, address in found])
        except OSError as error:
            answers.put(error)
        except UnicodeError:
            answers.put(socket.gaierror(socket.EAI_NONAME, "not a host name"))

    threading.Thread(target=look_up, name="resolver", daemon=True).start()
    try:
        answer = answers.get(timeout=deadline.left())
    except Empty:
        raise TimeoutError from None
    if isinstance(answer, OSError):
        raise answer
    return answer


def begin_tls(connection: socket.socket, context: ssl.SSLContext, host: str, deadline: Deadline) -> ssl.SSLSocket:
    """`connection` is closed if that fails."""
    try:
        connection.settimeout(deadline.left())  # ssl counts the whole handshake against it
        return context.wrap_socket(connection, server_hostname=host.strip("[]"))
    except OSError as error:
        connection.close()
        raise Trouble(Step.TRUSTED, explain(error).detail) from error


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


def reach(host: str, port: int, context: ssl.SSLContext | None, deadline: Deadline) -> Iterator[Finding]:
    """The first steps of an examination. Without `context`: not encrypted."""
    connection = connect(host, port, deadline)
    yield Finding(Step.REACHED, Outcome.WELL, peer_of(connection))
    if context is None:
        connection.close()
        yield Finding(Step.TRUSTED, Outcome.DOUBTFUL, NOT_ENCRYPTED)
        return
    with begin_tls(connection, context, host, deadline) as encrypted:
        yield Finding(Step.TRUSTED, Outcome.WELL, encrypted.version() or "")


NOT_ENCRYPTED = "not encrypted: cards and PINs can be read on the way"


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


def explain(error: BaseException) -> Trouble:
    """What went wrong with a connection, in the machine's words."""
    match error:
        case ssl.SSLCertVerificationError():
            return Trouble(Step.TRUSTED, shown(error.verify_message or error.reason or "certificate refused"))
        case ssl.SSLError():
            return Trouble(Step.TRUSTED, shown(error.reason or "TLS failed"))
        case socket.gaierror():
            return Trouble(Step.REACHED, f"its name is not known: {shown(error.strerror or '')}")
        case TimeoutError():
            return Trouble(Step.REACHED, "no answer in time")
        case OSError():
            return Trouble(Step.REACHED, shown(error.strerror or type(error).__name__))
    return Trouble(Step.REACHED, type(error).__name__)


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
