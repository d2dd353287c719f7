"""The connection to Redis: short time-outs, so that a door never hangs on it."""

from redis import Redis

from hotspot.settings import Settings


def open_redis(settings: Settings) -> "Redis":
    """Connects at the first command, not here."""
    return Redis.from_url(settings.redis_address, socket_connect_timeout=1, socket_timeout=2, health_check_interval=30)
