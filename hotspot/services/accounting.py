"""A batch of accounting records -> WifiSessions. Repeats and late packets do no harm; counters only grow."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from hotspot.values import MacAddress, TerminateCause


class AccountingKind(StrEnum):
    """Acct-Status-Type (RFC 2866 section 5.1)."""

    START = "start"
    INTERIM = "interim"
    STOP = "stop"
    ON = "on"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class AccountingRecord:
    """An authentic Accounting-Request, in the core's words: upload and download are the citizen's."""

    kind: AccountingKind
    nas_id: int
    happened_at: datetime
    """Arrival less Acct-Delay-Time, or Event-Timestamp where that can be trusted (UTC)."""
    acct_session_id: str = ""
    user_name: str = ""
    calling_station_id: str = ""
    called_station_id: str = ""
    device_mac: MacAddress | None = None
    framed_ip: str | None = None
    grant_id: UUID | None = None
    """From Class; None if there was none that we gave."""
    upload_octets: int = 0
    download_octets: int = 0
    session_seconds: int = 0
    terminate_cause: TerminateCause | None = None
