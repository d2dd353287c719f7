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
RADSEC_CONNECTIONS = Gauge("parvis_radsec_connections", "RadSec connections that are open")
RADSEC_CLOSED = Counter("parvis_radsec_closed_total", "RadSec connections that ended", ["reason"])
RADSEC_CERTIFICATE_END = Gauge("parvis_radsec_certificate_end_timestamp_seconds", "When our certificate of RadSec ends")
