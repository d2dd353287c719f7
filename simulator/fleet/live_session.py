"""A session while it lasts: traffic that flows evenly, and the moment at which something is next to be done."""

import asyncio

from simulator.fleet.truth import TrueSession
from simulator.phones import UNLIMITED_BPS, Connection

_GRAIN = 0.05
"""Seconds later than arithmetic says, so that whole octets have surely been reached."""


class LiveSession:
    def __init__(self, connection: Connection, truth: TrueSession, rates: tuple[float, float]) -> None:
        """`rates`: octets a second, down and up, as long as the phone is awake."""
        self.connection, self.truth = connection, truth
        self.telling = asyncio.Lock()
        self._wanted = rates
        self._down = self._up = 0.0
        self._settled_at = connection.started_at
        self._is_awake = True
        self._handle: asyncio.TimerHandle | None = None

    def settle(self, now: float) -> None:
        """Traffic until now."""
        seconds, self._settled_at = max(0.0, now - self._settled_at), max(now, self._settled_at)
        if not self._is_awake:
            return
        down, up = self._rates()
        self._down += down * seconds
        self._up += up * seconds
        self.connection.download_octets, self.connection.upload_octets = int(self._down), int(self._up)
        self.truth.download_octets, self.truth.upload_octets = int(self._down), int(self._up)
        self.connection.last_traffic_at = self._settled_at

    def set_awake(self, now: float, *, awake: bool) -> None:
        self.settle(now)
        self._is_awake = awake

    def next_at(self) -> float:
        connection, limits = self.connection, self.connection.limits
        moments = [connection.next_interim_at]
        if limits.session_timeout:
            moments.append(connection.started_at + limits.session_timeout)
        if limits.terminate_at:
            moments.append(limits.terminate_at)
        if limits.idle_timeout and not self._is_awake:
            moments.append(connection.last_traffic_at + limits.idle_timeout)
        if limits.total_octets and self._is_awake:
            left = limits.total_octets - self._down - self._up
            moments.append(self._settled_at + max(0.0, left) / sum(self._rates()) + _GRAIN)
        return min(moments)

    def wake_by(self, handle: asyncio.TimerHandle) -> None:
        if self._handle is not None:
            self._handle.cancel()
        self._handle = handle

    def finish(self, moment: float, cause: str) -> None:
        if self._handle is not None:
            self._handle.cancel()
        self.truth.ended_at, self.truth.cause = max(moment, self.truth.started_at), cause

    def _rates(self) -> tuple[float, float]:
        limits, (down, up) = self.connection.limits, self._wanted
        most_down, most_up = limits.download_bps or UNLIMITED_BPS, limits.upload_bps or UNLIMITED_BPS
        return min(down, most_down / 8), min(up, most_up / 8)
