"""`python -m tests.radius.flood --source 127.0.0.9 AUTH ACCT`: forged packets, so many a second, until it is killed.

Says "flooding" when it begins.
"""

import argparse
import itertools
import socket
import sys
import time

from tests.radius.packets import accounting, packet, signed, status

_GUESS = b"a guess"
_PAUSE = 0.002
"""Seconds between two bursts."""


def forged() -> list[tuple[int, bytes]]:
    """(0 for authentication, 1 for accounting; octets) as somebody makes them who does not know the secret: what looks
    right but for that, what is as long as can be, what has as many attributes as can be, and what is no RADIUS."""
    made = []
    for number in range(256):
        made += [
            (0, signed(1, [(1, b"a-login"), (31, b"02-00-00-00-00-01")], identifier=number, secret=_GUESS)),
            (1, accounting(status(3), identifier=number, secret=_GUESS)),
            (0, signed(1, [(33, bytes(253))] * 15, identifier=number, secret=_GUESS)),
            (1, accounting([(33, b"")] * 200, identifier=number, secret=_GUESS)),
            (1, accounting([(33, b"")] * 2000, identifier=number, secret=_GUESS)),
            (0, packet(1, [(1, b"a-login")], identifier=number)[:-1]),
        ]
    return made


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.radius.flood", description=__doc__)
    parser.add_argument("--source", required=True, help="the address to send from")
    parser.add_argument("--rate", type=int, default=10_000, help="packets a second")
    parser.add_argument("ports", type=int, nargs=2, metavar="PORT")
    asked = parser.parse_args()

    packets = itertools.cycle(forged())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
        sending.bind((asked.source, 0))
        sys.stdout.write("flooding\n")
        sys.stdout.flush()
        began = time.monotonic()
        sent = 0
        while True:
            time.sleep(_PAUSE)
            due = int((time.monotonic() - began) * asked.rate)
            for door, octets in itertools.islice(packets, due - sent):
                sending.sendto(octets, ("127.0.0.1", asked.ports[door]))
            sent = due


if __name__ == "__main__":
    main()
