"""Patrons: a library's file brought in, all of it or nothing; a card found, blocked and unblocked.

A file takes three calls: `compare` says what it would change, `hash_pins` takes its time outside of any transaction
(argon2id is slow on purpose), `import_patrons` writes everything at once. A patron who is not in the file stays, unless
it is wanted that such cards expire.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any, Literal

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session, joinedload

from hotspot.errors import Conflict, NotFound
from hotspot.models import Patron
from hotspot.passwords import hash_password
from hotspot.services import audit
from hotspot.services.ending_grants import end_grants_of_patrons
from hotspot.services.patron_file import PatronRow
from hotspot.services.staff import Scope

PAGE = 50
_WITH_SYSTEM = joinedload(Patron.library_system)
_DETAILS = ("name", "category", "expires_on", "blocked", "born_on", "home_library", "owes")
"""Columns of a card that a file sets, number and PIN aside."""
_CHUNK = 64
"""PINs between two words about progress: about a second."""


@dataclass(frozen=True, slots=True)
class ImportCounts:
    new: int
    updated: int
    """Known cards of which something other than the PIN changes."""
    unchanged: int
    """Known cards that stay as they are, but for the PIN, which is set to that of the file."""
    missing: int = 0
    """Cards that are good, and not in the file. They stay, or expire if that is wanted."""


@dataclass(frozen=True, slots=True)
class PatronPage:
    patrons: Sequence[Patron]
    after: int | None
    """The id to go on from; None on the last page."""


def compare(db: Session, organisation_id: int, rows: Sequence[PatronRow], now: datetime) -> ImportCounts:
    """What an import would do now. Whether a PIN differs is not asked: to know costs as much as to set it."""
    return _compare(_known(db, organisation_id), rows, now)


def hash_pins(
    rows: Sequence[PatronRow], workers: int, progress: Callable[[int], None] = lambda _done: None
) -> list[PatronRow]:
    """The same rows without a clear PIN. argon2 lets go of the interpreter's lock: `workers` threads do help."""
    hashed: list[PatronRow] = []
    with ThreadPoolExecutor(workers, thread_name_prefix="argon2", initializer=_stand_back) as pool:
        remaining = iter(rows)
        while chunk := list(islice(remaining, _CHUNK)):
            hashed.extend(pool.map(_with_hash, chunk))
            progress(len(hashed))
    return hashed


def import_patrons(
    db: Session,
    organisation_id: int,
    rows: Sequence[PatronRow],
    by: Scope | Literal["system"],
    now: datetime,
    *,
    missing_expire: bool = False,
) -> ImportCounts:
    """Every row written, new or over the card that is there. Cards that the file blocks are offline from now on.

    `missing_expire`: today is the last day of each card that is not in the file.
    """
    known = _known(db, organisation_id)
    counts = _compare(known, rows, now)
    new = [row for row in rows if row.card_number not in known]
    old = [(known[row.card_number], row) for row in rows if row.card_number in known]
    if new:
        common = {"organisation_id": organisation_id, "created_at": now, "updated_at": now}
        db.execute(insert(Patron), [common | _columns(row) for row in new])
    if old:
        db.execute(update(Patron), [{"id": it.patron_id, "updated_at": now} | _columns(row) for it, row in old])
        for group in _groups([it.patron_id for it, row in old if row.blocked and not it.blocked]):
            end_grants_of_patrons(db, group, by, now)
    facts = {"new": counts.new, "updated": counts.updated, "unchanged": counts.unchanged}
    if missing_expire:
        for group in _groups([it.patron_id for it in _missing(known, rows, now)]):
            db.execute(update(Patron).where(Patron.id.in_(group)).values(expires_on=now.date(), updated_at=now))
        facts["expired"] = counts.missing
    audit.note(db, by, "patrons.imported", f"{len(rows)} cards", facts, now, organisation_id=organisation_id)
    return counts


def list_patrons(db: Session, scope: Scope, *, card: str = "", after: int | None = None) -> PatronPage:
    """In the order in which they came, PAGE at a time; with `card`, those whose number begins so."""
    query = select(Patron).where(Patron.organisation_id.in_(scope.organisation_ids)).options(_WITH_SYSTEM)
    if card:
        query = query.where(Patron.card_number.startswith(card.strip(), autoescape=True))
    if after is not None:
        query = query.where(Patron.id > after)
    patrons = db.scalars(query.order_by(Patron.id).limit(PAGE + 1)).all()
    shown = patrons[:PAGE]
    return PatronPage(shown, shown[-1].id if len(patrons) > PAGE else None)


def get_patron(db: Session, scope: Scope, patron_id: int) -> Patron:
    theirs = select(Patron).where(Patron.id == patron_id, Patron.organisation_id.in_(scope.organisation_ids))
    patron = db.scalar(theirs.options(_WITH_SYSTEM))
    if patron is None:
        raise NotFound("patron")
    return patron


def block_patron(db: Session, scope: Scope, patron_id: int, now: datetime) -> Patron:
    """No more sign-in with this card; the grants that it has are over, and who is online with it is cut."""
    patron = get_patron(db, scope, patron_id)
    if patron.blocked:
        raise Conflict("This card is already blocked.")
    patron.blocked, patron.updated_at = True, now
    ended = end_grants_of_patrons(db, [patron.id], scope, now)
    _note(db, scope, "patron.blocked", patron, {"grants_ended": ended}, now)
    return patron


def unblock_patron(db: Session, scope: Scope, patron_id: int, now: datetime) -> Patron:
    patron = get_patron(db, scope, patron_id)
    if not patron.blocked:
        raise Conflict("This card is not blocked.")
    patron.blocked, patron.updated_at = False, now
    _note(db, scope, "patron.unblocked", patron, {}, now)
    return patron


def pack_rows(rows: Sequence[PatronRow]) -> str:
    """As text, to be sealed between the preview and the confirmation."""
    return json.dumps([asdict(row) for row in rows], default=str, separators=(",", ":"))


def unpack_rows(packed: str) -> list[PatronRow]:
    def row(fields: dict[str, Any]) -> PatronRow:
        for name in ("expires_on", "born_on"):
            fields[name] = date.fromisoformat(fields[name]) if fields[name] else None
        fields["owes"] = None if fields["owes"] is None else Decimal(fields["owes"])
        return PatronRow(**fields)

    return [row(fields) for fields in json.loads(packed)]


@dataclass(frozen=True, slots=True)
class _Known:
    """What comparing needs of a card that is there: fifty thousand rows of the model would be heavy."""

    patron_id: int
    name: str
    category: str
    expires_on: date | None
    blocked: bool
    born_on: date | None
    home_library: str
    owes: Decimal | None


def _known(db: Session, organisation_id: int) -> dict[str, _Known]:
    rows = db.execute(
        select(
            Patron.card_number,
            Patron.id,
            Patron.name,
            Patron.category,
            Patron.expires_on,
            Patron.blocked,
            Patron.born_on,
            Patron.home_library,
            Patron.owes,
        ).where(Patron.organisation_id == organisation_id, Patron.library_system_id.is_(None))
    )
    return {row.card_number: _Known(*row[1:]) for row in rows}


def _compare(known: Mapping[str, _Known], rows: Sequence[PatronRow], now: datetime) -> ImportCounts:
    updated = sum(row.card_number in known and _differs(row, known[row.card_number]) for row in rows)
    new = sum(row.card_number not in known for row in rows)
    return ImportCounts(new, updated, len(rows) - new - updated, len(_missing(known, rows, now)))


def _missing(known: Mapping[str, _Known], rows: Sequence[PatronRow], now: datetime) -> Sequence[_Known]:
    named = {row.card_number for row in rows}
    today = now.date()
    return [it for card, it in known.items() if card not in named and (it.expires_on is None or it.expires_on > today)]


def _differs(row: PatronRow, known: _Known) -> bool:
    return any(getattr(row, name) != getattr(known, name) for name in _DETAILS)


def _stand_back() -> None:
    """On Linux this thread alone gives way to whoever else wants the processor: citizens sign in meanwhile."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, 0, 10)


def _with_hash(row: PatronRow) -> PatronRow:
    return row if row.pin is None else replace(row, pin=None, pin_hash=hash_password(row.pin))


def _columns(row: PatronRow) -> dict[str, object]:
    if row.pin_hash is None:
        raise ValueError("a row whose PIN was not hashed")
    return {
        "card_number": row.card_number,
        "pin_hash": row.pin_hash,
        **{name: getattr(row, name) for name in _DETAILS},
    }


def _groups(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """A statement takes only so many parameters."""
    return (ids[at : at + 500] for at in range(0, len(ids), 500))


def _note(db: Session, by: Scope, action: str, patron: Patron, facts: dict[str, object], now: datetime) -> None:
    """By our own number: a card number would name a citizen in a log that is never erased."""
    audit.note(db, by, action, f"patron {patron.id}", facts, now, organisation_id=patron.organisation_id)
