"""A batch of Access-Requests by one-time login -> Admit or Refuse for each; and what is written down of any answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from hotspot.adapters.one_time_login import Claim, OneTimeLogin, OneTimeLogins
from hotspot.db import as_array
from hotspot.models import Admission
from hotspot.policy.admission import decide_admission
from hotspot.values import Admit, MacAddress, RefusalReason, Refuse

_ON_POSTGRESQL = """
INSERT INTO admissions (id, happened_at, nas_id, grant_id, device_mac, refusal)
SELECT * FROM unnest(
    CAST(%(ids)s AS uuid[]), CAST(%(moments)s AS timestamptz[]), CAST(%(nases)s AS integer[]),
    CAST(%(grants)s AS uuid[]), CAST(%(macs)s AS text[]), CAST(%(refusals)s AS text[]))
ON CONFLICT (id) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class AdmissionRequest:
    """An authentic Access-Request, in the core's words."""

    nas_id: int
    user_name: str
    device_mac: MacAddress | None
    """From Calling-Station-Id; None if there was none that names a device."""
    request_key: bytes
    """The same for a request and its retransmissions (RFC 5080 section 2.2.2)."""
    proves: Callable[[str], bool]
    """Does the request show knowledge of this password (PAP, CHAP, MS-CHAPv2)? Constant time."""


class Answered(NamedTuple):
    """A row of admissions, as values that JSON can hold: it may wait in a journal until the database is there."""

    id: str
    """32 hexadecimal digits."""
    happened_at: float
    """Seconds since 1970."""
    nas_id: int
    grant_id: str | None
    device_mac: str | None
    refusal: str | None


def decide(
    requests: Sequence[AdmissionRequest], now: datetime, logins: OneTimeLogins
) -> list[tuple[Admit | Refuse, OneTimeLogin | None]]:
    """For each request its answer and the login that it named, in their order. One round trip to Redis for the batch,
    and no table: a visitor who has signed in gets in while the database is away.

    Raises Unavailable("redis") when it is away: no answer, and the NAS asks again.
    """
    claimed = logins.claim([Claim(each.user_name, each.request_key) for each in requests])
    return [(_answer(request, login, now), login) for request, login in zip(requests, claimed, strict=True)]


def answered(
    request_key: bytes,
    nas_id: int,
    device_mac: str | None,
    grant_id: UUID | None,
    answer: Admit | Refuse,
    now: datetime,
) -> Answered:
    """What is written down of an answer."""
    return Answered(
        blake2b(request_key, digest_size=16).hexdigest(),
        now.timestamp(),
        nas_id,
        grant_id.hex if grant_id else None,
        device_mac,
        answer.reason.value if isinstance(answer, Refuse) else None,
    )


def write_down(db: Session, rows: Sequence[Answered]) -> None:
    """One statement. A row that is there already is left as it is."""
    if db.get_bind().dialect.name == "postgresql":
        arrays = {
            "ids": as_array(row.id for row in rows),
            "moments": as_array(datetime.fromtimestamp(row.happened_at, UTC).isoformat() for row in rows),
            "nases": as_array(str(row.nas_id) for row in rows),
            "grants": as_array(row.grant_id or "NULL" for row in rows),
            "macs": as_array(row.device_mac or "NULL" for row in rows),
            "refusals": as_array(row.refusal or "NULL" for row in rows),
        }
        db.connection().exec_driver_sql(_ON_POSTGRESQL, arrays)
        return
    db.execute(sqlite_insert(Admission).on_conflict_do_nothing(), [_values(row) for row in rows])


def _values(row: Answered) -> dict[str, Any]:
    return {
        "id": UUID(row.id),
        "happened_at": datetime.fromtimestamp(row.happened_at, UTC),
        "nas_id": row.nas_id,
        "grant_id": None if row.grant_id is None else UUID(row.grant_id),
        "device_mac": row.device_mac,
        "refusal": None if row.refusal is None else RefusalReason(row.refusal),
    }


def _answer(request: AdmissionRequest, login: OneTimeLogin | None, now: datetime) -> Admit | Refuse:
    if login is None:
        return Refuse(RefusalReason.UNKNOWN_LOGIN)
    if login.nas_id != request.nas_id:
        return Refuse(RefusalReason.OTHER_NAS)
    if login.device_mac != request.device_mac:
        return Refuse(RefusalReason.OTHER_DEVICE)
    if not request.proves(login.password):
        return Refuse(RefusalReason.WRONG_PASSWORD)
    return decide_admission(login.terms, login.usage, now)
