"""A batch of Access-Requests -> Admit or Refuse for each, written down in the caller's transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.orm import Session

from hotspot.adapters.one_time_login import Claim, OneTimeLogin, OneTimeLogins
from hotspot.db import as_array
from hotspot.models import Admission
from hotspot.policy.admission import decide_admission
from hotspot.values import Admit, MacAddress, RefusalReason, Refuse

_ON_POSTGRESQL = """
INSERT INTO admissions (happened_at, nas_id, grant_id, device_mac, refusal)
SELECT CAST(%(now)s AS timestamptz), * FROM unnest(
    CAST(%(nases)s AS integer[]), CAST(%(grants)s AS uuid[]), CAST(%(macs)s AS text[]), CAST(%(refusals)s AS text[]))
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
    """Does the request show knowledge of this password (PAP, CHAP)? Constant time."""


def admit(
    db: Session, requests: Sequence[AdmissionRequest], now: datetime, logins: OneTimeLogins
) -> list[Admit | Refuse]:
    """One answer for each request, in their order. One round trip to Redis and one statement for the batch.

    Raises Unavailable("redis") when it is away: no answer, and the NAS asks again.
    """
    claimed = logins.claim([Claim(each.user_name, each.request_key) for each in requests])
    answers = [_answer(request, login, now) for request, login in zip(requests, claimed, strict=True)]
    _write_down(db, requests, claimed, answers, now)
    return answers


def _write_down(
    db: Session,
    requests: Sequence[AdmissionRequest],
    claimed: Sequence[OneTimeLogin | None],
    answers: Sequence[Admit | Refuse],
    now: datetime,
) -> None:
    """PostgreSQL takes the batch as four arrays, which is several times faster than row by row."""
    rows = [
        (request.nas_id, login.terms.grant_id if login else None, request.device_mac, _reason(answer))
        for request, login, answer in zip(requests, claimed, answers, strict=True)
    ]
    if db.get_bind().dialect.name == "postgresql":
        arrays = {
            "now": now,
            "nases": as_array(str(nas_id) for nas_id, _, _, _ in rows),
            "grants": as_array(grant_id.hex if grant_id else "NULL" for _, grant_id, _, _ in rows),
            "macs": as_array(mac or "NULL" for _, _, mac, _ in rows),
            "refusals": as_array(reason or "NULL" for _, _, _, reason in rows),
        }
        db.connection().exec_driver_sql(_ON_POSTGRESQL, arrays)
        return
    columns = ("nas_id", "grant_id", "device_mac", "refusal")
    db.execute(insert(Admission), [{"happened_at": now, **dict(zip(columns, row, strict=True))} for row in rows])


def _reason(answer: Admit | Refuse) -> RefusalReason | None:
    return answer.reason if isinstance(answer, Refuse) else None


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
