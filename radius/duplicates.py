"""A retransmission gets the answer already given (RFC 5080 section 2.2.2), for 30 seconds."""

from collections import OrderedDict
from datetime import datetime, timedelta

LIFE = timedelta(seconds=30)
MOST = 100_000
"""Beyond this many the oldest are forgotten first: some 50 MB."""

DuplicateKey = tuple[str, int, int, bytes, str]
"""Source address, source port, Identifier, Authenticator, our own port."""


class Duplicates:
    """What was asked, when, and the answer once there is one."""

    def __init__(self, life: timedelta = LIFE, most: int = MOST) -> None:
        self._life = life
        self._most = most
        self._asked: OrderedDict[DuplicateKey, tuple[datetime, bytes | None]] = OrderedDict()  # in the order of asking

    def __len__(self) -> int:
        return len(self._asked)

    def is_known(self, key: DuplicateKey, now: datetime) -> bool:
        """Was it asked within the life?"""
        known = self._asked.get(key)
        return known is not None and now - known[0] < self._life

    def answer(self, key: DuplicateKey) -> bytes | None:
        """The answer that was given, or None while it is in work."""
        known = self._asked.get(key)
        return None if known is None else known[1]

    def begin(self, key: DuplicateKey, now: datetime) -> None:
        self._asked.pop(key, None)  # an expired one must not keep its old place
        self._asked[key] = (now, None)
        self._forget_old(now)

    def remember(self, key: DuplicateKey, answer: bytes) -> None:
        known = self._asked.get(key)
        if known is not None:
            self._asked[key] = (known[0], answer)

    def forget(self, key: DuplicateKey) -> None:
        """It could not be answered: its retransmission is a new try."""
        self._asked.pop(key, None)

    def _forget_old(self, now: datetime) -> None:
        while self._asked:
            oldest = next(iter(self._asked))
            if len(self._asked) <= self._most and now - self._asked[oldest][0] < self._life:
                return
            del self._asked[oldest]
