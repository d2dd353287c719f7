"""Believable past weeks: the Accounting packets that the access points of a small town would have sent.

Real packets, each with the moment at which it would have arrived. Seeded: the same town has the same past. Only Start
and Stop: the Interim-Updates between them would change nothing that is kept.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from simulator.phones import print_mac
from simulator.radius import accounting_request

_START, _STOP = 1, 2
_WIRELESS = 19
_CLIENTS_VIEW = 2
_CAUSES = {1: 0.55, 4: 0.33, 5: 0.09, 2: 0.03}
"""Acct-Terminate-Cause by how often: User-Request, Idle-Timeout, Session-Timeout, Lost-Carrier (RFC 2866, 5.10)."""


@dataclass(frozen=True)
class Rhythm:
    """How a kind of place lives."""

    visits: float
    """On an ordinary day."""
    by_weekday: Sequence[float]
    """Monday first; 1 is an ordinary day."""
    by_hour: Sequence[float]
    """24 weights, local time."""
    minutes: float
    """The median stay."""
    kilobits: float
    """The median download speed over a stay, kbit/s."""


def _hours(**weights: float) -> list[float]:
    """`_hours(h10=3)`: weight 3 at ten o'clock, 0 where nothing is said."""
    return [weights.get(f"h{hour}", 0.0) for hour in range(24)]


LIBRARY = Rhythm(
    visits=85,
    by_weekday=(0.35, 1.0, 1.5, 0.95, 1.05, 1.7, 0.25),  # Wednesday and Saturday are the children's days
    by_hour=_hours(h9=1, h10=4, h11=5, h12=3, h13=4, h14=8, h15=9, h16=9, h17=8, h18=4, h19=1, h20=0.4),
    minutes=42,
    kilobits=900,
)
SQUARE = Rhythm(
    visits=48,
    by_weekday=(0.8, 0.8, 1.1, 0.9, 1.2, 1.7, 1.3),  # Saturday is market day
    by_hour=_hours(
        h7=1,
        h8=2,
        h9=3,
        h10=4,
        h11=5,
        h12=6,
        h13=5,
        h14=3,
        h15=3,
        h16=4,
        h17=6,
        h18=6,
        h19=5,
        h20=4,
        h21=3,
        h22=2,
        h23=1,
    ),
    minutes=14,
    kilobits=420,
)
TOWN_HALL = Rhythm(
    visits=17,
    by_weekday=(1.2, 1.0, 1.0, 1.0, 0.9, 0.0, 0.0),
    by_hour=_hours(h8=2, h9=4, h10=5, h11=4, h13=2, h14=4, h15=3, h16=3, h17=0.5),
    minutes=11,
    kilobits=350,
)


@dataclass(frozen=True)
class PastPlace:
    called_station_id: str
    rhythm: Rhythm


@dataclass(frozen=True)
class PastNas:
    secret: str
    nas_identifier: str
    places: Sequence[PastPlace]
    zone: ZoneInfo
    address: str = "127.0.0.1"


@dataclass(frozen=True)
class _Visit:
    place: PastPlace
    began_at: datetime
    seconds: int
    download: int
    upload: int
    phone: str
    """Twelve hexadecimal digits."""
    cause: int
    number: int

    @property
    def ended_at(self) -> datetime:
        return self.began_at + timedelta(seconds=self.seconds)


def past_weeks(nas: PastNas, until: datetime, days: int = 35, seed: int = 1) -> Iterator[tuple[datetime, bytes]]:
    """(when it arrived, the datagram), in order; everybody has left before `until`."""
    chance = random.Random(seed)
    visits = [visit for visit in _visits(nas, until, days, chance) if visit.ended_at < until]
    moments = [(visit.began_at, _START, visit) for visit in visits] + [(v.ended_at, _STOP, v) for v in visits]
    moments.sort(key=lambda each: (each[0], each[1], each[2].number))
    for identifier, (moment, status, visit) in enumerate(moments):
        yield moment, _packet(nas, visit, status, moment, identifier % 256)


def _visits(nas: PastNas, until: datetime, days: int, chance: random.Random) -> Iterator[_Visit]:
    phones = [f"02{chance.getrandbits(40):010x}" for _ in range(700)]
    familiarity = [1 / (rank + 6) for rank in range(len(phones))]  # some come every day, most once
    today = until.astimezone(nas.zone).date()
    number = 0
    for day in (today - timedelta(days=back) for back in range(days, -1, -1)):
        for place in nas.places:
            expected = place.rhythm.visits * place.rhythm.by_weekday[day.weekday()]
            count = round(expected * chance.gauss(1, 0.12))
            for phone in chance.choices(phones, familiarity, k=max(0, count)):
                number += 1
                yield _visit(nas, place, day, phone, number, chance)


def _visit(nas: PastNas, place: PastPlace, day: date, phone: str, number: int, chance: random.Random) -> _Visit:
    rhythm = place.rhythm
    hour = chance.choices(range(24), rhythm.by_hour)[0]
    wall = datetime.combine(day, time(hour, chance.randrange(60), chance.randrange(60)), tzinfo=nas.zone)
    seconds = int(min(6 * 3600, 60 + 60 * rhythm.minutes * chance.lognormvariate(0, 0.8)))
    download = int(seconds * 125 * rhythm.kilobits * chance.lognormvariate(0, 1.0))
    return _Visit(
        place=place,
        began_at=wall.astimezone(UTC),
        seconds=seconds,
        download=download,
        upload=int(download * chance.uniform(0.04, 0.25)),
        phone=phone,
        cause=chance.choices(list(_CAUSES), list(_CAUSES.values()))[0],
        number=number,
    )


def _packet(nas: PastNas, visit: _Visit, status: int, moment: datetime, identifier: int) -> bytes:
    """As CoovaChilli writes it: Acct-Input-Octets are what the citizen downloaded."""
    mac = print_mac(visit.phone)
    attributes: list[tuple[str, str | int | bytes]] = [
        ("ChilliSpot-Acct-View-Point", _CLIENTS_VIEW),
        ("Event-Timestamp", int(moment.timestamp())),
        ("User-Name", f"{visit.number:020x}"),
        ("Acct-Status-Type", status),
        ("Acct-Session-Id", f"{int(visit.began_at.timestamp()):x}{visit.number:08x}"),
        ("Framed-IP-Address", f"10.1.{visit.number // 250 % 250}.{visit.number % 250 + 2}"),
        ("NAS-Port-Type", _WIRELESS),
        ("Calling-Station-Id", mac),
        ("Called-Station-Id", visit.place.called_station_id),
        ("NAS-IP-Address", nas.address),
        ("NAS-Identifier", nas.nas_identifier),
    ]
    if status == _STOP:
        attributes += [
            ("Acct-Session-Time", visit.seconds),
            ("Acct-Input-Octets", visit.download % 2**32),
            ("Acct-Input-Gigawords", visit.download // 2**32),
            ("Acct-Output-Octets", visit.upload % 2**32),
            ("Acct-Output-Gigawords", visit.upload // 2**32),
            ("Acct-Terminate-Cause", visit.cause),
        ]
    octets: bytes = accounting_request(identifier, nas.secret, attributes).RequestPacket()
    return octets
