"""What is counted, for /metrics. Nothing here names a person or a device."""

from collections import Counter as Tally
from collections.abc import Mapping
from typing import NamedTuple

from prometheus_client import Counter, Gauge, Histogram

from radius.messages import DiscardReason

PACKETS = Counter("parvis_radius_packets_total", "Authentic requests, by what they ask", ["kind"])
REPLIES = Counter("parvis_radius_replies_total", "Replies, by what they say", ["kind"])
DISCARDS = Counter("parvis_radius_discards_total", "Packets left without an answer", ["reason"])
CHANGE_PACKETS = Counter("parvis_radius_changes_total", "Disconnect- and CoA-Requests begun", ["kind"])
CHANGE_ANSWERS = Counter("parvis_radius_change_answers_total", "What came of them, and what came unasked", ["answer"])
QUIET = Counter(
    "parvis_radius_quiet_refusals_total",
    "Machines that were told no before any person asked, by reason",
    ["reason"],
)
BATCH = Histogram(
    "parvis_radius_batch_packets", "Requests answered in one transaction", buckets=(1, 2, 5, 10, 25, 50, 100, 200, 400)
)
ANSWER_SECONDS = Histogram(
    "parvis_radius_answer_seconds",
    "From the first reading of a batch to its last reply",
    buckets=(0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5),
)
JOURNAL = Gauge("parvis_radius_journal_octets", "Answered, and not yet in the database", ["journal"])
RADSEC_CONNECTIONS = Gauge("parvis_radsec_connections", "RadSec connections that are open")
RADSEC_CLOSED = Counter("parvis_radsec_closed_total", "RadSec connections that ended", ["reason"])
RADSEC_CERTIFICATE_END = Gauge("parvis_radsec_certificate_end_timestamp_seconds", "When our certificate of RadSec ends")


class Counted(NamedTuple):
    """What the keeper wants to know of a turn."""

    discards: Mapping[tuple[DiscardReason, int | str], int]
    """By reason, and NAS id or, for a stranger, source address."""
    repeats: Mapping[int, int]
    """By NAS: requests that were answered again."""


class Tallies:
    """Counted plainly while a batch is in work, handed on once for it."""

    def __init__(self) -> None:
        self.packets: Tally[str] = Tally()
        self.replies: Tally[str] = Tally()
        self.discards: Tally[tuple[DiscardReason, int | str]] = Tally()
        self.repeats: Tally[int] = Tally()

    def publish(self) -> Counted:
        """To the metrics; and what the keeper goes on with."""
        for kind, number in self.packets.items():
            PACKETS.labels(kind).inc(number)
        for kind, number in self.replies.items():
            REPLIES.labels(kind).inc(number)
        for (reason, _), number in self.discards.items():
            DISCARDS.labels(reason).inc(number)
        if self.repeats:
            REPLIES.labels("Again").inc(self.repeats.total())
        counted = Counted(dict(self.discards), dict(self.repeats))
        for each in (self.packets, self.replies, self.discards, self.repeats):
            each.clear()
        return counted
