"""`python -m simulator.library readers.json`: a library’s own system, as far as SIP2 goes, with a few pretend readers.

It answers 93 (login), 99 (status), 23 and 63 (a reader), 35 (end of a session) and 97 (say that again), with sequence
numbers and checksums, as the standard has them. The file is read again for each reader, so that an edit counts at once.
"""

import argparse
import json
import signal
import socketserver
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

EXAMPLE = """\
an example of the file:

  {"institution": "VDL", "name": "Médiathèque", "user": "parvis", "password": "hush",
   "readers": [{"card": "20261001", "pin": "1234", "name": "Jeanne Petit", "category": "ADULTE",
                "home_library": "CENTRE", "born_on": "1990-01-31", "expires_on": "2027-08-31",
                "blocks": ["lost", "overdue", "owes", "blocked"], "owes": "12.50"}]}

`card` and `pin` are needed, the rest may be left out.

  python -m simulator.library readers.json --port 6001
"""
_FLAGS = {"blocked": (1, 2, 3, 4), "lost": (1, 2, 3, 4, 5), "overdue": (1, 7), "owes": (1, 11, 12)}
"""Flags of the patron status that each block sets, as Koha sets them."""
_SUPPORTED = "YNNNYYYYYNNNNNNN"
"""Patron status, SC status, resend, login, patron information, end of a session."""
_STOPPING = (signal.SIGINT, signal.SIGTERM)
_LONGEST = 4096
_PATIENCE = 60
"""Seconds of silence before a line is closed, as real ones do."""


class LibraryError(ValueError):
    """The file cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Card:
    card: str
    pin: str
    name: str = ""
    category: str = ""
    home_library: str = ""
    born_on: str = ""
    expires_on: str = ""
    blocks: tuple[str, ...] = ()
    owes: str = ""

    def __post_init__(self) -> None:
        if unknown := set(self.blocks) - set(_FLAGS):
            raise LibraryError(f"blocks: {', '.join(sorted(unknown))} is none of {', '.join(_FLAGS)}")

    def flags(self, today: str) -> str:
        is_expired = bool(self.expires_on) and self.expires_on < today
        raised = {flag for block in self.blocks for flag in _FLAGS[block]} | ({1, 2, 3, 4} if is_expired else set())
        return "".join("Y" if flag in raised else " " for flag in range(1, 15))


@dataclass(frozen=True, slots=True)
class Library:
    institution: str = ""
    name: str = ""
    user: str = ""
    """Empty: anybody may ask, without a login."""
    password: str = ""
    readers: tuple[Card, ...] = ()

    def find(self, card: str) -> Card | None:
        return next((each for each in self.readers if each.card == card), None)


def read_library(path: Path) -> Library:
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
        readers = [Card(**each | {"blocks": tuple(each.get("blocks", ()))}) for each in given.get("readers", ())]
        return Library(**given | {"readers": tuple(readers)})
    except OSError as error:
        raise LibraryError(f"cannot read {path}: {error.strerror}") from error
    except LibraryError:
        raise
    except (ValueError, TypeError, AttributeError) as error:
        raise LibraryError(f"{path.name}: {error}") from error


def seal(body: str, sequence: str) -> bytes:
    octets = f"{body}AY{sequence}AZ".encode()
    return octets + b"%04X\r" % (-sum(octets) & 0xFFFF)


def is_sound(line: bytes) -> bool:
    """Without a checksum there is nothing to find fault with."""
    before, tag, digits = line.rpartition(b"AZ")
    try:
        return not tag or (sum(before) + sum(tag) + int(digits, 16)) & 0xFFFF == 0
    except ValueError:
        return False


@dataclass
class Conversation:
    """What one line has said so far: octets of a message in, octets of the answer out, None to hang up."""

    library: Library
    is_logged_in: bool = False
    last: bytes = field(default=b"96AZFEF6\r", repr=False)

    def answer(self, line: bytes) -> bytes | None:
        if not is_sound(line):
            return b"96AZFEF6\r"
        code = line[:2].decode("ascii", "replace")
        if code == "97":
            return self.last
        if code not in ("93", "99") and not self._may_ask():
            return None
        body = self._body(code, line.decode("utf-8", "replace"))
        if body is None:
            return None
        seal_at = line.rfind(b"AY")
        self.last = (
            seal(body, chr(line[seal_at + 2]))
            if seal_at > 0 and line[seal_at + 3 :][:2] == b"AZ"
            else (body.encode() + b"\r")
        )
        return self.last

    def _may_ask(self) -> bool:
        return self.is_logged_in or not self.library.user

    def _body(self, code: str, text: str) -> str | None:
        match code:
            case "93":
                given = _fields(text[4:])
                known = self.library.user, self.library.password
                self.is_logged_in = (given.get("CN"), given.get("CO")) == known
                return f"94{int(self.is_logged_in)}"
            case "99":
                return f"98YNNNNN100003{_now()}2.00AO{self.library.institution}|AM{self.library.name}|BX{_SUPPORTED}|"
            case "23":
                return self._patron("24", "", _fields(text[23:]))
            case "63":
                return self._patron("64", "0000" * 6, _fields(text[33:]))
            case "35":
                return f"36Y{_now()}AO{self.library.institution}|AA{_fields(text[20:]).get('AA', '')}|"
        return None

    def _patron(self, code: str, counts: str, given: dict[str, str]) -> str:
        asked = given.get("AA", "")
        card = self.library.find(asked) if given.get("AO", "") == self.library.institution else None
        head = f"{code}{card.flags(time.strftime('%Y-%m-%d')) if card else 'YYYY' + ' ' * 10}002{_now()}{counts}"
        if card is None:
            return f"{head}AO{self.library.institution}|AA{asked}|AE|BLN|CQN|"
        is_right = "Y" if given.get("AD") == card.pin and card.pin else "N"
        body = f"{head}AO{self.library.institution}|AA{card.card}|AE{card.name}|BLY|CQ{is_right}|"
        if is_right == "Y":
            body += "".join(f"{tag}{value}|" for tag, value in _facts(card) if value)
        return body


def _facts(card: Card) -> tuple[tuple[str, str], ...]:
    return (
        ("BH", "EUR" if card.owes else ""),
        ("BV", card.owes),
        ("PA", card.expires_on.replace("-", "")),
        ("PB", card.born_on.replace("-", "")),
        ("PC", card.category),
        ("AQ", card.home_library),
    )


def _fields(text: str) -> dict[str, str]:
    return {part[:2]: part[2:] for part in text.split("|") if len(part) >= 2}


def _now() -> str:
    return time.strftime("%Y%m%d    %H%M%S")


class LibraryHandler(socketserver.StreamRequestHandler):
    timeout = _PATIENCE
    server: "LibraryServer"

    def handle(self) -> None:
        conversation = Conversation(self.server.library())
        try:
            while line := self._line():
                conversation.library = self.server.library()
                answer = conversation.answer(line)
                if answer is None:
                    return
                self.wfile.write(answer)
        except OSError:  # the other side has gone, or is silent
            return

    def _line(self) -> bytes:
        """Without its CR; empty at the end."""
        line = bytearray()
        while len(line) < _LONGEST and (octet := self.rfile.read(1)):
            if octet not in b"\r\n":
                line += octet
            elif line:
                return bytes(line)
        return b""


class LibraryServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    handler: type[LibraryHandler] = LibraryHandler

    def __init__(self, path: Path, host: str = "127.0.0.1", port: int = 6001) -> None:
        self._path = path
        self._last = read_library(path)
        super().__init__((host, port), self.handler)

    def library(self) -> Library:
        """As the file stands now; as it stood before, while it is half written."""
        try:
            self._last = read_library(self._path)
        except LibraryError:
            return self._last
        return self._last

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: a line that breaks is the other side's business."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m simulator.library",
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("readers", type=Path, help="JSON file")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=6001, help="0 takes any free one (default: %(default)s)")
    asked = parser.parse_args(arguments)
    try:
        server = LibraryServer(asked.readers, asked.host, asked.port)
    except (LibraryError, OSError, OverflowError) as error:
        print(f"library: {error}", file=sys.stderr)  # noqa: T201 - a command's own word
        return 2
    # before there are threads: none of them then takes a signal away from this one
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
    threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
    host, port = server.server_address[:2]
    print(f"library on SIP2, {host!s}:{port}", flush=True)  # noqa: T201
    signal.sigwait(_STOPPING)
    server.shutdown()
    server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
