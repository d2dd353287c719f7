"""Mail goes out by SMTP, through a server that the settings name: one connection for each turn of the worker."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime

from hotspot.errors import Unavailable
from hotspot.settings import Settings

_TIMEOUT = 10
"""Seconds for each step of the conversation."""


class Undeliverable(Exception):
    """The server does not take this one mail: a wrong address, as a rule."""


@dataclass(frozen=True, slots=True)
class Mail:
    message_id: str
    """What stands before the @; the same at every try."""
    recipient: str
    subject: str
    body: str
    written_at: datetime


class Postbox:
    def __init__(self, smtp: smtplib.SMTP, sender: str) -> None:
        self._smtp = smtp
        self._sender = sender

    def send(self, mail: Mail) -> None:
        """Undeliverable if this mail is not taken, Unavailable("mail") if the server is away."""
        message = EmailMessage()
        domain = self._sender.rpartition("@")[2]
        message["From"], message["To"], message["Subject"] = self._sender, mail.recipient, mail.subject
        message["Date"], message["Message-ID"] = format_datetime(mail.written_at), f"<{mail.message_id}@{domain}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no absence notes in reply
        message.set_content(mail.body)
        try:
            self._smtp.send_message(message)
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError, smtplib.SMTPNotSupportedError) as error:
            with suppress(smtplib.SMTPException, OSError):
                self._smtp.rset()
            raise Undeliverable(type(error).__name__) from error
        except (smtplib.SMTPException, OSError) as error:
            raise Unavailable("mail") from error


@contextmanager
def open_postbox(settings: Settings) -> Iterator[Postbox]:
    """Unavailable("mail") if the server cannot be reached, cannot be trusted, or does not let us in."""
    if settings.mail_host is None:
        raise ValueError("no mail server is set")
    context = ssl.create_default_context()
    try:
        if settings.mail_security == "tls":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.mail_host, settings.mail_port, timeout=_TIMEOUT, context=context
            )
        else:
            smtp = smtplib.SMTP(settings.mail_host, settings.mail_port, timeout=_TIMEOUT)
    except (smtplib.SMTPException, OSError) as error:
        raise Unavailable("mail") from error
    try:
        try:
            if settings.mail_security == "starttls":
                smtp.starttls(context=context)
            if settings.mail_user:
                smtp.login(settings.mail_user, settings.mail_password.get_secret_value())
        except (smtplib.SMTPException, OSError) as error:
            raise Unavailable("mail") from error
        yield Postbox(smtp, settings.mail_from)
    finally:
        with suppress(smtplib.SMTPException, OSError):
            smtp.quit()
        smtp.close()
