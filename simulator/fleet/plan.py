"""The day of each phone and of each gateway, drawn beforehand from a seed. Pure: the same seed, the same day.

Moments are seconds of the town since the run began.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Deed(StrEnum):
    """What a phone does while it is there."""

    SLEEP = "sleep"
    """Nothing flows until it wakes: the gateway ends it as idle, if that lasts."""
    WAKE = "wake"
    WALK = "walk"
    """To another access point of the same gateway."""
    ROAM = "roam"
    """To another gateway; the one behind finds out by the idle timeout."""
    CHANGE_MAC = "change_mac"
    SIGN_OUT = "sign_out"
    """By the button of the status page. It comes back a while later."""
    RENEW = "renew"
    """Looks at the announcement before it is due, where the status page offers that."""
    LOOK = "look"
    """Opens the status page, and asks the RFC 8908 address."""


class Mishap(StrEnum):
    """What befalls a gateway."""

    REBOOT = "reboot"
    """In good order: a Stop for everybody, Accounting-Off, then On."""
    CRASH = "crash"
    """No word until the Accounting-On."""
    SILENCE = "silence"
    """Its line to the server is down; phones stay online."""


@dataclass(frozen=True, slots=True)
class Shares:
    """How usual each thing is, among the phones that could."""

    probes: float = 0.7
    sleeps: float = 0.35
    walks: float = 0.15
    roams: float = 0.2
    changes_mac: float = 0.05
    signs_out: float = 0.15
    renews: float = 0.15
    looks: float = 0.25
    says_goodbye: float = 0.3
    """Signs out when it leaves; the others are just gone."""
    mishaps_per_gateway_hour: float = 0.25


@dataclass(frozen=True, slots=True)
class PhonePlan:
    number: int
    arrives_at: float
    leaves_at: float
    gateway: int
    place: int
    probes: int
    """Requests of its captive-portal detection before anybody looks at a page."""
    download_rate: float
    """Octets in a second, while it is awake."""
    upload_rate: float
    deeds: tuple[tuple[float, Deed], ...]
    says_goodbye: bool
    seed: int
    """For what is drawn on the way: reading times, the next gateway."""


@dataclass(frozen=True, slots=True)
class GatewayPlan:
    mishaps: tuple[tuple[float, Mishap, float], ...]
    """When, what, for how long."""


@dataclass(frozen=True, slots=True)
class Plan:
    seconds: float
    phones: tuple[PhonePlan, ...]
    gateways: tuple[GatewayPlan, ...]


def make_plan(
    phones: int, places: Sequence[Sequence[float]], seconds: float, seed: int, shares: Shares = Shares()
) -> Plan:
    """`places`: for each gateway how much each of its places attracts. Most phones come in the first third and stay."""
    rng = random.Random(seed)
    where = [(gateway, place) for gateway, several in enumerate(places) for place in range(len(several))]
    weights = [attraction for several in places for attraction in several]
    return Plan(
        seconds=seconds,
        phones=tuple(_phone(number, rng, where, weights, seconds, shares) for number in range(phones)),
        gateways=tuple(_gateway(rng, seconds, shares) for _ in places),
    )


def _phone(
    number: int,
    rng: random.Random,
    where: Sequence[tuple[int, int]],
    weights: Sequence[float],
    seconds: float,
    shares: Shares,
) -> PhonePlan:
    arrives_at = rng.triangular(0, seconds * 0.6, seconds * 0.1)
    stay = min(rng.lognormvariate(8.4, 0.8), 6 * 3600.0)  # half of them longer than 75 minutes
    leaves_at = min(arrives_at + max(stay, 300.0), seconds)
    gateway, place = rng.choices(where, weights)[0]
    megabytes_an_hour = min(rng.lognormvariate(4.0, 1.2), 2000)
    download_rate = megabytes_an_hour * 1e6 / 3600
    return PhonePlan(
        number=number,
        arrives_at=arrives_at,
        leaves_at=leaves_at,
        gateway=gateway,
        place=place,
        probes=rng.randint(1, 3) if rng.random() < shares.probes else 0,
        download_rate=download_rate,
        upload_rate=download_rate * rng.uniform(0.03, 0.3),
        deeds=_deeds(rng, arrives_at, leaves_at, shares),
        says_goodbye=rng.random() < shares.says_goodbye,
        seed=rng.getrandbits(32),
    )


def _deeds(rng: random.Random, arrives_at: float, leaves_at: float, shares: Shares) -> tuple[tuple[float, Deed], ...]:
    def some_time(longest_left: float = 60.0) -> float:
        return rng.uniform(arrives_at + 60, max(leaves_at - longest_left, arrives_at + 61))

    deeds = [
        (some_time(), deed)
        for deed, share in (
            (Deed.WALK, shares.walks),
            (Deed.ROAM, shares.roams),
            (Deed.CHANGE_MAC, shares.changes_mac),
            (Deed.SIGN_OUT, shares.signs_out),
            (Deed.RENEW, shares.renews),
            (Deed.LOOK, shares.looks),
        )
        if rng.random() < share
    ]
    if rng.random() < shares.sleeps:
        begins = some_time()
        deeds += [(begins, Deed.SLEEP), (begins + rng.uniform(120, 2400), Deed.WAKE)]
    return tuple(sorted(each for each in deeds if each[0] < leaves_at))


def _gateway(rng: random.Random, seconds: float, shares: Shares) -> GatewayPlan:
    mishaps = []
    moment = 300.0
    while shares.mishaps_per_gateway_hour > 0:
        moment += rng.expovariate(shares.mishaps_per_gateway_hour / 3600)
        if moment > seconds - 600:
            break
        mishap = rng.choice(list(Mishap))
        length = rng.uniform(60, 240) if mishap is not Mishap.SILENCE else rng.uniform(120, 700)
        mishaps.append((moment, mishap, length))
        moment += length + 300
    return GatewayPlan(tuple(mishaps))
