"""Carries out the mails that are due: each is claimed, sent and marked; no transaction waits for a mail server."""

import time
from contextlib import ExitStack
from datetime import datetime

import structlog

from hotspot.adapters.mail import Postbox, Undeliverable, open_postbox
from hotspot.db import Database
from hotspot.errors import Unavailable
from hotspot.services.outbox import claim_mail, mark_sent, put_off
from hotspot.settings import Settings

log = structlog.get_logger()

MOST_AT_ONCE = 50
"""The rest leaves a minute later."""
_LONGEST_TURN = 300.0
"""Seconds, with a server that is slow: what is claimed must be sent before anybody else may claim it again."""


def send_due(database: Database, settings: Settings, now: datetime) -> None:
    """Raises Unavailable("mail") when the server is away: what was claimed is put off."""
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


def _put_off(database: Database, mail_id: int, now: datetime, reason: str) -> None:
    with database.transaction() as db:
        if not put_off(db, mail_id, now):
            log.error("mail_given_up", mail_id=mail_id, reason=reason)
