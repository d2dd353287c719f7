"""What time it is for this installation: that of the world, or of a demonstration in which it passes faster."""

from collections.abc import Callable
from datetime import UTC, datetime

from hotspot.settings import Settings


def clock_of(settings: Settings) -> Callable[[], datetime]:
    """All processes of an installation that is sped up must be given the same beginning."""
    began, speed = settings.time_epoch, settings.time_speed
    if began is None:
        return _now

    def sped_up() -> datetime:
        return began + (_now() - began) * speed

    return sped_up


def _now() -> datetime:
    return datetime.now(UTC)
