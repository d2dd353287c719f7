"""What is counted, for /metrics. Nothing here names a person or a device."""

from collections import Counter as Tally
from collections.abc import Mapping

from prometheus_client import Counter, Gauge, Histogram

from radius.messages import DiscardReason

PACKETS = Counter("parvis_radius_packets_total", "Authentic requests, by what they ask", ["kind"])
REPLIES = Counter("parvis_radius_replies_total", "Replies, by what they say", ["kind"])
DISCARDS = Counter("parvis_radius_discards_total", "Packets left without an answer", ["reason"])
BATCH = Histogram(
    "parvis_radius_batch_packets", "Requests answered in one transaction", buckets=(1, 2, 5, 10, 25, 50, 100, 200, 400)
)
ANSWER_SECONDS = Histogram(
    "parvis_radius_answer_seconds",
    "From the first reading of a batch to its last reply",
    buckets=(0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5),
)
JOURNAL = Gauge("parvis_radius_journal_octets", "Answered, and not yet in the database", ["journal"])


class Tallies:
    """Counted plainly while a batch is in work, handed on once for it."""

    def __init__(self) -> None:
        self.packets: Tally[str] = Tally()
        self.replies: Tally[str] = Tally()
        self.discards: Tally[tuple[DiscardReason, int | str]] = Tally()
        """By reason, and NAS id or, for a stranger, source address."""

    def publish(self) -> Mapping[tuple[DiscardReason, int | str], int]:
        """To the metrics. The discards are returned, for the log."""
        for kind, number in self.packets.items():
            PACKETS.labels(kind).inc(number)
        for kind, number in self.replies.items():
            REPLIES.labels(kind).inc(number)
        for (reason, _), number in self.discards.items():
            DISCARDS.labels(reason).inc(number)
        discards = dict(self.discards)
        self.packets.clear()
        self.replies.clear()
        self.discards.clear()
        return discards
