"""The connection to Redis: short time-outs, so that a door never hangs on it."""

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from hotspot.settings import Settings


def open_redis(settings: Settings) -> "Redis":
    """Connects at the first command, not here. A connection that the server has closed is opened again at once; the
    library's own way, to wait for seconds between several tries, would keep every visitor waiting while it is away."""
    return Redis.from_url(
        settings.redis_address,
        socket_connect_timeout=1,
        socket_timeout=2,
        health_check_interval=30,
        retry=Retry(NoBackoff(), 1),
    )
