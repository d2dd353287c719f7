"""Forget what is past its keeping time (docs/data.md), and keep a journal of how much that was.

What cites a row goes before the row itself: sessions before their grant, grants before their device.
"""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, CursorResult, Delete, Update, delete, func, select, update
from sqlalchemy.orm import Session

from hotspot.db import Base
from hotspot.models import (
    Admission,
    AnnouncementView,
    DeskAction,
    Device,
    Grant,
    LibrarySystem,
    NasAlarm,
    NasDiscard,
    NasSilence,
    OutgoingMail,
    OutgoingText,
    PassRequest,
    Patron,
    Purge,
    RememberedDevice,
    SessionWish,
    UnknownSource,
    Visitor,
    Voucher,
    VoucherBatch,
    WifiSession,
    WifiSessionCounter,
)
from hotspot.services.allowances import VIEWS_KEPT

LABEL_LIFE = timedelta(days=7)
"""After the last of a batch could be used: its label may name whom it was for."""
_DAY = timedelta(days=1)
_QUARTER = timedelta(days=90)
_MONTH = timedelta(days=30)
_TWO_DAYS = timedelta(days=2)
"""Longer than any local day: a request also tells who has had the pass of the day."""


def forget(db: Session, now: datetime, connection_data_life: timedelta) -> dict[str, int]:
    """Erase what is older than its life, devices that are remembered no longer, and the labels of passes that are over.
    Rows erased, by table; a table with none is left out."""
    before = now - connection_data_life
    over: list[tuple[type[Base], datetime, ColumnElement[bool]]] = [
        (RememberedDevice, now, RememberedDevice.expires_at <= now),
        (PassRequest, now - _TWO_DAYS, PassRequest.created_at < now - _TWO_DAYS),
        (AnnouncementView, now - VIEWS_KEPT, AnnouncementView.shown_at < now - VIEWS_KEPT),
        *((table, before, where) for table, where in _what_is_over(before)),
        (DeskAction, now - _DAY, DeskAction.done_at < now - _DAY),
        *_what_was_learned(now),
    ]
    since = now - LABEL_LIFE
    labels = update(VoucherBatch).where(_is_nobodys(since), VoucherBatch.label != "").values(label="")
    erasing: list[tuple[str, datetime, Delete | Update]] = [
        *((table.__tablename__, older_than, delete(table).where(where)) for table, older_than, where in over),
        ("voucher_batches.label", since, labels),
    ]
    erased: dict[str, int] = {}
    for name, older_than, statement in erasing:
        result = db.execute(statement, execution_options={"synchronize_session": False})
        assert isinstance(result, CursorResult)  # noqa: S101 - what a DELETE or an UPDATE returns
        if result.rowcount:
            erased[name] = result.rowcount
            db.add(Purge(happened_at=now, table_name=name, older_than=older_than, erased=result.rowcount))
    _forget_pins(db, now)
    db.flush()
    return erased


def _is_nobodys(since: datetime) -> ColumnElement[bool]:
    """No voucher of the batch could be used since then."""
    of_it = select(Voucher.id).where(Voucher.batch_id == VoucherBatch.id)
    to_be_used = of_it.where(Voucher.redeemed_at.is_(None), Voucher.voided_at.is_(None)).exists()
    in_use = of_it.where(Voucher.ends_at >= since, Voucher.voided_at.is_(None)).exists()
    voided = of_it.where(Voucher.voided_at >= since).exists()
    return ((VoucherBatch.expires_at < since) | ~to_be_used) & ~in_use & ~voided


def _forget_pins(db: Session, now: datetime) -> None:
    """Of readers whom a library's system has not confirmed for as long as it trusts them while it is away."""
    for system_id, trusted_for in db.execute(select(LibrarySystem.id, LibrarySystem.trusted_for)).all():
        stale = (Patron.library_system_id == system_id) & (Patron.confirmed_at <= now - trusted_for)
        db.execute(update(Patron).where(stale).values(pin_hash=None, also_typed=""))


def _what_is_over(before: datetime) -> list[tuple[type[Base], ColumnElement[bool]]]:
    # a session counts from its end; one that never had any, from its beginning
    over = func.coalesce(WifiSession.ended_at, WifiSession.started_at) < before
    sessions = select(WifiSession.id).where(WifiSession.grant_id == Grant.id)
    grants = select(Grant.id).where(Grant.device_mac == Device.mac)
    passes = select(Grant.id).where(Grant.visitor_id == Visitor.id)
    remembered = select(RememberedDevice.id).where(RememberedDevice.device_mac == Device.mac)
    used_lately = select(Voucher.id).where(Voucher.batch_id == VoucherBatch.id, Voucher.ends_at >= before)
    old_batches = select(VoucherBatch.id).where(VoucherBatch.expires_at < before, ~used_lately.exists())
    live = select(Grant.id).where(Grant.patron_id == Patron.id, Grant.ends_at >= before)
    any_left = select(Voucher.id).where(Voucher.batch_id == VoucherBatch.id)
    return [
        (WifiSessionCounter, WifiSessionCounter.id.in_(select(WifiSession.id).where(over))),
        (SessionWish, SessionWish.wifi_session_id.in_(select(WifiSession.id).where(over))),
        (WifiSession, over),
        (Admission, Admission.happened_at < before),
        (Grant, (Grant.ends_at < before) & ~sessions.exists()),
        (Patron, Patron.library_system_id.is_not(None) & (Patron.updated_at < before) & ~live.exists()),
        (Voucher, Voucher.batch_id.in_(old_batches)),
        (VoucherBatch, (VoucherBatch.expires_at < before) & ~any_left.exists()),
        (Visitor, (Visitor.last_seen_at < before) & ~passes.exists()),
        (Device, (Device.last_seen_at < before) & ~grants.exists() & ~remembered.exists()),
    ]


def _what_was_learned(now: datetime) -> list[tuple[type[Base], datetime, ColumnElement[bool]]]:
    """About NASes, and about what is none: nobody's connection is told by it."""
    quarter, month = now - _QUARTER, now - _MONTH
    return [
        (NasDiscard, quarter, NasDiscard.hour_at < quarter),
        (NasAlarm, quarter, NasAlarm.ended_at < quarter),
        (NasSilence, month, NasSilence.ended_at < month),
        (UnknownSource, month, UnknownSource.last_at < month),
        (OutgoingMail, month, OutgoingMail.created_at < month),
        (OutgoingText, month, OutgoingText.created_at < month),
    ]
