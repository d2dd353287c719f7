"""The phones that an access point sees: who they are, and what each has used while it was online."""

import random
import re
import time
from dataclasses import dataclass, field

from simulator.config import Place

_MAC = re.compile(r"[0-9a-f]{12}")
UNLIMITED_BPS = 20_000_000
BUTTON_OCTETS = 10_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What an Accept or a CoA allows. 0 is no limit, as on the real ones."""

    session_timeout: int = 0
    idle_timeout: int = 0
    interim_interval: int = 0
    total_octets: int = 0
    download_bps: int = 0
    upload_bps: int = 0
    terminate_at: float = 0
    """Unix time."""


@dataclass(slots=True)
class Connection:
    """One accounting session. Times without `wall` are the access point's own clock, in seconds."""

    user_name: str
    acct_session_id: str
    limits: Limits
    started_at: float
    last_traffic_at: float
    next_interim_at: float
    class_octets: bytes | None = None
    charged_as: bytes | None = None
    message: str = ""
    wall_started_at: float = field(default_factory=time.time)
    download_octets: int = 0
    upload_octets: int = 0
    asked_for: int = 0
    """What is left of the downloads that the person asked for."""

    def carry(self, seconds: float, now: float, *, awake: bool) -> None:
        """Let pretend traffic flow for so long, within the speeds allowed."""
        if not awake and not self.asked_for:
            return
        down_room = int((self.limits.download_bps or UNLIMITED_BPS) / 8 * seconds)
        up_room = int((self.limits.upload_bps or UNLIMITED_BPS) / 8 * seconds)
        background = int(random.uniform(8_000, 60_000) * seconds) if awake else 0
        asked = min(self.asked_for, max(0, down_room - background))
        down = min(down_room, background + asked)
        self.asked_for -= asked
        self.download_octets += down
        self.upload_octets += min(up_room, down // 12)
        self.last_traffic_at = now

    def why_over(self, now: float, wall: float) -> str | None:
        """The cause that ends it now, or None. Too many octets end it as Session-Timeout, as measured."""
        limits = self.limits
        if limits.session_timeout and now - self.started_at >= limits.session_timeout:
            return "Session-Timeout"
        if limits.terminate_at and wall >= limits.terminate_at:
            return "Session-Timeout"
        if limits.total_octets and self.download_octets + self.upload_octets >= limits.total_octets:
            return "Session-Timeout"
        if limits.idle_timeout and now - self.last_traffic_at >= limits.idle_timeout:
            return "Idle-Timeout"
        return None


@dataclass(slots=True)
class Phone:
    """A device, known by its MAC."""

    mac: str
    """`AA-BB-CC-DD-EE-FF`."""
    number: int
    """NAS-Port, and the host part of its address."""
    place: Place
    acct_session_id: str = ""
    challenge: bytes = b""
    challenge_at: float = 0
    visited: str = ""
    """The page that it asked for first."""
    redirection: str = ""
    """WISPr-Redirection-URL, which CoovaChilli keeps from one answer to the next."""
    asleep: bool = False
    is_connected: bool = False
    """To the radio, since it came or walked here."""
    connection: Connection | None = None
    just_left: Connection | None = None

    @property
    def ip(self) -> str:
        return f"10.1.{self.number // 250}.{self.number % 250 + 2}"

    @property
    def cookie(self) -> str:
        return self.mac.replace("-", "").lower()


def print_mac(digits: str) -> str:
    """Twelve hexadecimal digits -> `AA-BB-..`."""
    return "-".join(digits[at : at + 2] for at in range(0, 12, 2)).upper()


def is_cookie(text: str) -> bool:
    return bool(_MAC.fullmatch(text))


def random_cookie() -> str:
    """A locally administered address, as a phone makes one for each network."""
    return f"{random.getrandbits(8) & 0xFC | 2:02x}{random.getrandbits(40):010x}"
