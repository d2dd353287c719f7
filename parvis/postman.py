"""Carries out the mails and text messages that are due: each is claimed, sent and marked; no transaction waits for a
server. A thread of the worker looks each second, since a visitor waits for a code; several workers do not get in each
other's way."""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from typing import TYPE_CHECKING

import structlog
from prometheus_client import Counter

from hotspot.adapters.mail import Postbox, Undeliverable, open_postbox
from hotspot.adapters.sms_providers import account_of, provider_of
from hotspot.db import Database
from hotspot.errors import Unavailable
from hotspot.services.outbox import (
    claim_mail,
    claim_text,
    is_mail_due,
    is_text_due,
    mark_sent,
    mark_text_sent,
    put_off,
    put_off_text,
)
from hotspot.settings import Settings

if TYPE_CHECKING:
    from hotspot.adapters.sms_http import TextSender

log = structlog.get_logger()

LOOK_EVERY = 1.0
"""Seconds between two looks at what is due."""
MOST_AT_ONCE = 50
"""The rest leaves at the next look."""
_LONGEST_TURN = 300.0
"""Seconds, with a server that is slow: what is claimed must be sent before anybody else may claim it again."""

_sent = Counter("parvis_messages", "Mails and text messages that this worker tried to send", ["kind", "outcome"])

Round = tuple[str, Callable[[datetime], object]]


def carry_until(
    stopped: threading.Event, database: Database, settings: Settings, clock: Callable[[], datetime]
) -> None:
    """Until it is told to stop. One round that fails keeps neither the other nor the next one from being made."""
    rounds: list[Round] = []
    if settings.has_mail:
        rounds.append(("mail", lambda now: send_due(database, settings, now)))
    if settings.has_sms:
        rounds.append(("sms", lambda now: send_due_texts(database, settings, now)))
    while rounds and not stopped.wait(LOOK_EVERY):
        for kind, go in rounds:
            try:
                go(clock())
            except Unavailable as error:
                log.warning("messages_put_off", kind=kind, unavailable=error.dependency)
            except Exception:
                log.exception("postman_failed", kind=kind)


def send_due(database: Database, settings: Settings, now: datetime) -> None:
    """Raises Unavailable("mail") when the server is away: what was claimed is put off."""
    with database.reading() as db:
        if not is_mail_due(db, now):
            return
    postbox: Postbox | None = None
    began = time.monotonic()
    with ExitStack() as stack:
        for _ in range(MOST_AT_ONCE):
            if time.monotonic() - began > _LONGEST_TURN:
                return
            with database.transaction() as db:
                claimed = claim_mail(db, now)
            if claimed is None:
                return
            mail_id, mail = claimed
            try:
                postbox = postbox or stack.enter_context(open_postbox(settings))
                postbox.send(mail)
            except Undeliverable as error:
                _put_off(database, mail_id, now, str(error))
            except Unavailable:
                _put_off(database, mail_id, now, "server away")
                raise
            else:
                with database.transaction() as db:
                    mark_sent(db, mail_id, now)
                _sent.labels("mail", "sent").inc()


def _put_off(database: Database, mail_id: int, now: datetime, reason: str) -> None:
    with database.transaction() as db:
        goes_on = put_off(db, mail_id, now)
    _sent.labels("mail", "put_off" if goes_on else "given_up").inc()
    if not goes_on:
        log.error("mail_given_up", mail_id=mail_id, reason=reason)


def send_due_texts(database: Database, settings: Settings, now: datetime) -> None:
    """Raises Unavailable("sms") when the provider is away: what was claimed is put off."""
    with database.reading() as db:
        if not is_text_due(db, now):
            return
    from hotspot.adapters.sms_http import Rejected

    began = time.monotonic()
    with ExitStack() as stack:
        sender = _open_sender(stack, settings)
        for _ in range(MOST_AT_ONCE):
            if time.monotonic() - began > _LONGEST_TURN:
                return
            with database.transaction() as db:
                claimed = claim_text(db, now)
            if claimed is None:
                return
            text_id, text = claimed
            try:
                sender.send(text)
            except Rejected as error:
                _put_off_text(database, text_id, str(error), now, for_good=True)
            except Unavailable:
                _put_off_text(database, text_id, "the provider cannot be reached", now, for_good=False)
                raise
            else:
                with database.transaction() as db:
                    mark_text_sent(db, text_id, now)
                _sent.labels("sms", "sent").inc()


def _open_sender(stack: ExitStack, settings: Settings) -> "TextSender":
    """The HTTP client is loaded where text messages are sent, and nowhere else."""
    from hotspot.adapters.sms_http import open_text_sender

    provider = provider_of(settings)
    assert provider is not None  # noqa: S101 - nobody looks for texts without one
    return stack.enter_context(open_text_sender(provider, account_of(settings)))


def _put_off_text(database: Database, text_id: int, problem: str, now: datetime, *, for_good: bool) -> None:
    with database.transaction() as db:
        goes_on = put_off_text(db, text_id, problem, now, for_good=for_good)
    _sent.labels("sms", "put_off" if goes_on else "given_up").inc()
    if not goes_on:
        log.error("text_given_up", text_id=text_id, reason=problem)
