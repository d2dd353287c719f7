"""Mails and text messages: written in the transaction of what they tell of, sent one by one, tried again with growing
pauses.

Each is claimed before it is sent and marked after: two workers never send the same. One whose worker died in between
may or may not have left; a mail is sent once more, under the same Message-ID, since an alarm that nobody reads is the
greater harm.

What is worth nothing later (`give_up_at`: a code) goes before everything else, is tried again after seconds, and is
erased when it has left or is given up.
"""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from hotspot.adapters.mail import Mail
from hotspot.adapters.sms import TextMessage
from hotspot.models import OutgoingMail, OutgoingText

MOST_TRIES = 24
"""In some four days: a mail server may be away over a long weekend."""
_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(hours=6)
CLAIM = timedelta(minutes=10)
"""Longer than sending ever takes."""
_URGENT_PAUSE = timedelta(seconds=5)
_URGENT_CLAIM = timedelta(minutes=1)


def write_mail(
    db: Session, recipient: str, subject: str, body: str, now: datetime, *, give_up_at: datetime | None = None
) -> None:
    db.add(
        OutgoingMail(
            message_id=secrets.token_hex(16),
            recipient=recipient,
            subject=" ".join(subject.split())[:200],
            body=body,
            created_at=now,
            next_try_at=now,
            give_up_at=give_up_at,
        )
    )


def write_text(db: Session, recipient: str, body: str, now: datetime, *, give_up_at: datetime) -> None:
    """`recipient`: E.164. `body`: one segment, as `hotspot.policy.gsm.fit` makes it."""
    db.add(
        OutgoingText(
            message_id=secrets.token_hex(16),
            recipient=recipient,
            body=body,
            created_at=now,
            next_try_at=now,
            give_up_at=give_up_at,
        )
    )


def is_mail_due(db: Session, now: datetime) -> bool:
    """A look that writes nothing, so that an idle worker costs nothing."""
    return bool(db.scalar(select(exists().where(OutgoingMail.next_try_at <= now))))


def is_text_due(db: Session, now: datetime) -> bool:
    return bool(db.scalar(select(exists().where(OutgoingText.next_try_at <= now))))


def claim_mail(db: Session, now: datetime) -> tuple[int, Mail] | None:
    """The next one that is due; nobody else gets it for ten minutes, or one if it is urgent."""
    due = (
        select(OutgoingMail)
        .where(OutgoingMail.next_try_at <= now, OutgoingMail.tries < MOST_TRIES)
        .order_by(OutgoingMail.give_up_at.is_(None), OutgoingMail.next_try_at, OutgoingMail.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    while (mail := db.scalar(due)) is not None and mail.give_up_at is not None and mail.give_up_at <= now:
        db.delete(mail)
        db.flush()
    if mail is None:
        return None
    mail.tries += 1
    mail.next_try_at = now + (CLAIM if mail.give_up_at is None else _URGENT_CLAIM)
    return mail.id, Mail(mail.message_id, mail.recipient, mail.subject, mail.body, mail.created_at)


def claim_text(db: Session, now: datetime) -> tuple[int, TextMessage] | None:
    due = (
        select(OutgoingText)
        .where(OutgoingText.next_try_at <= now)
        .order_by(OutgoingText.next_try_at, OutgoingText.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    while (text := db.scalar(due)) is not None and text.give_up_at <= now:
        _give_up(text, text.problem or "it was too late")
        db.flush()
    if text is None:
        return None
    text.tries += 1
    text.next_try_at = now + _URGENT_CLAIM
    return text.id, TextMessage(text.message_id, text.recipient, text.body)


def mark_sent(db: Session, mail_id: int, now: datetime) -> None:
    mail = db.get_one(OutgoingMail, mail_id)
    if mail.give_up_at is not None:
        db.delete(mail)
    else:
        mail.sent_at, mail.next_try_at = now, None


def mark_text_sent(db: Session, text_id: int, now: datetime) -> None:
    text = db.get_one(OutgoingText, text_id)
    text.sent_at, text.next_try_at, text.recipient, text.body, text.problem = now, None, "", "", ""


def put_off(db: Session, mail_id: int, now: datetime) -> bool:
    """It was not sent. False when it has been tried often enough, or long enough, and is given up."""
    mail = db.get(OutgoingMail, mail_id)
    if mail is None:
        return False
    if mail.give_up_at is not None:
        mail.next_try_at = now + _URGENT_PAUSE * 2 ** (mail.tries - 1)
        if mail.next_try_at < mail.give_up_at:
            return True
        db.delete(mail)
        return False
    if mail.tries >= MOST_TRIES:
        mail.next_try_at = None
        return False
    mail.next_try_at = now + min(_FIRST_PAUSE * 2 ** (mail.tries - 1), _LONGEST_PAUSE)
    return True


def put_off_text(db: Session, text_id: int, problem: str, now: datetime, *, for_good: bool) -> bool:
    """The same. `for_good`: trying again would only cost money."""
    text = db.get_one(OutgoingText, text_id)
    text.problem = problem[:200]
    text.next_try_at = now + _URGENT_PAUSE * 2 ** (text.tries - 1)
    if not for_good and text.next_try_at < text.give_up_at:
        return True
    _give_up(text, problem)
    return False


def _give_up(text: OutgoingText, problem: str) -> None:
    text.next_try_at, text.recipient, text.body, text.problem = None, "", "", problem[:200]
