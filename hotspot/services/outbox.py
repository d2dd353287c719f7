"""Mails to staff: written in the transaction of what they tell of, sent one by one, tried again with growing pauses.

A mail is claimed before it is sent and marked after: two workers never send the same. One whose worker died in between
may or may not have left; it is sent once more, under the same Message-ID, since an alarm that nobody reads is the
greater harm.
"""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.adapters.mail import Mail
from hotspot.models import OutgoingMail

MOST_TRIES = 24
"""In some four days: a mail server may be away over a long weekend."""
_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(hours=6)
CLAIM = timedelta(minutes=10)
"""Longer than sending ever takes."""


def write_mail(db: Session, recipient: str, subject: str, body: str, now: datetime) -> None:
    db.add(
        OutgoingMail(
            message_id=secrets.token_hex(16),
            recipient=recipient,
            subject=" ".join(subject.split())[:200],
            body=body,
            created_at=now,
            next_try_at=now,
        )
    )


def claim_mail(db: Session, now: datetime) -> tuple[int, Mail] | None:
    """The next one that is due; nobody else gets it for ten minutes."""
    mail = db.scalar(
        select(OutgoingMail)
        .where(OutgoingMail.next_try_at <= now, OutgoingMail.tries < MOST_TRIES)
        .order_by(OutgoingMail.next_try_at, OutgoingMail.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if mail is None:
        return None
    mail.tries += 1
    mail.next_try_at = now + CLAIM
    return mail.id, Mail(mail.message_id, mail.recipient, mail.subject, mail.body, mail.created_at)


def mark_sent(db: Session, mail_id: int, now: datetime) -> None:
    mail = db.get_one(OutgoingMail, mail_id)
    mail.sent_at, mail.next_try_at = now, None


def put_off(db: Session, mail_id: int, now: datetime) -> bool:
    """It was not sent. False when it has been tried often enough, and is given up."""
    mail = db.get_one(OutgoingMail, mail_id)
    if mail.tries >= MOST_TRIES:
        mail.next_try_at = None
        return False
    mail.next_try_at = now + min(_FIRST_PAUSE * 2 ** (mail.tries - 1), _LONGEST_PAUSE)
    return True
