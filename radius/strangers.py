"""Sources that are no NAS of ours: noted, so that staff can take them in, at a cost that a flood cannot raise.

A source is looked into once between two writings, all of them together a few times a second; everything else is a
count. Nothing that it says is believed.
"""

import threading
from datetime import datetime

from hotspot.services.unknown_sources import MOST_KEPT, Knock
from hotspot.vendors import brand_of
from radius.codec import VENDOR_SPECIFIC, parse
from radius.messages import DiscardReason, Door

LOOKS_PER_SECOND = 20
_CALLED_STATION_ID = 30
_NAS_IDENTIFIER = 32


class Strangers:
    def __init__(self) -> None:
        self._knocks: dict[str, Knock] = {}
        self._second = 0
        self._looks = 0
        self._noting = threading.Lock()

    def note(self, address: str, door: Door, datagram: bytes, now: datetime, name: str = "") -> None:
        """`name`: what it is known by instead of its address, from its certificate."""
        source = name or address
        with self._noting:
            knock = self._knocks.get(source)
            if knock is None:
                if len(self._knocks) >= MOST_KEPT:
                    return
                knock = self._knocks[source] = Knock(now, now, address, door.value)
            knock.packets += 1
            knock.last_at = now
            if knock.code is None and self._may_look(now):
                _look(knock, datagram)

    def take(self) -> dict[str, Knock]:
        """What was noted since it was last taken."""
        with self._noting:
            taken, self._knocks = self._knocks, {}
        return taken

    def _may_look(self, now: datetime) -> bool:
        second = int(now.timestamp())
        if second != self._second:
            self._second, self._looks = second, 0
        self._looks += 1
        return self._looks <= LOOKS_PER_SECOND


def _look(knock: Knock, datagram: bytes) -> None:
    """What it claims to be, if that is RADIUS at all."""
    packet = parse(datagram)
    if isinstance(packet, DiscardReason):
        return
    knock.code = packet.code
    knock.nas_identifier = packet.text(_NAS_IDENTIFIER)
    knock.called_station_id = packet.text(_CALLED_STATION_ID)
    knock.vendor = brand_of(int.from_bytes(value[:4]) for value in packet.all(VENDOR_SPECIFIC))
