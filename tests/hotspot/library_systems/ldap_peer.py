"""A directory that answers each request with what a test says, and nothing more."""

import socketserver
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import cast

from hotspot.adapters.library_systems.ldap_messages import Tag, integer, octets, request, tlv
from tests.fixtures.processes import PATIENCE

Part = bytes | Callable[[int], bytes]
"""Octets as they stand, or the message of that id."""


def done(code: int = 0, tag: int = Tag.SEARCH_DONE, text: str = "") -> Callable[[int], bytes]:
    return lambda message_id: request(message_id, tlv(tag, integer(code, 0x0A), octets(""), octets(text)))


def an_entry(dn: str, attributes: Mapping[str, bytes]) -> Callable[[int], bytes]:
    pairs = [tlv(0x30, octets(name), tlv(0x31, octets(value))) for name, value in attributes.items()]
    return lambda message_id: request(message_id, tlv(Tag.SEARCH_ENTRY, octets(dn), tlv(0x30, *pairs)))


def a_search(*parts: Part) -> Callable[[int], bytes]:
    return lambda message_id: b"".join(part if isinstance(part, bytes) else part(message_id) for part in parts)


def a_bind(code: int, text: str) -> Callable[[int], bytes]:
    return done(code, Tag.BIND_RESPONSE, text)


class LdapPeer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, answers: tuple[Callable[[int], bytes], ...]) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.answers = answers
        self.heard: list[bytes] = []
        self.was_left = threading.Event()

    @property
    def port(self) -> int:
        return int(self.server_address[1])


@contextmanager
def an_ldap_peer(*answers: Callable[[int], bytes]) -> Iterator[LdapPeer]:
    """An answer of nothing ends the connection; where there is none left, it says nothing."""
    with LdapPeer(answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Conversation(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        peer = cast("LdapPeer", self.server)
        self.request.settimeout(PATIENCE)
        answers = iter(enumerate(peer.answers, start=1))
        with suppress(OSError):
            while asked := self.request.recv(65536):
                peer.heard.append(asked)
                number, answer = next(answers, (0, None))
                if answer is None:
                    continue
                octets_of_it = answer(number)
                if not octets_of_it:
                    return
                self.request.sendall(octets_of_it)
        peer.was_left.set()
