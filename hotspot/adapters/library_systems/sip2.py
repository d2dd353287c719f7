"""A library that is asked over SIP2. What is written on the line is in `sip2_messages.py`, the rest beside it."""

import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hotspot.adapters.library_systems.library_system import Finding
from hotspot.adapters.library_systems.sip2_connection import Broken, Connection
from hotspot.adapters.library_systems.sip2_examination import Examination
from hotspot.adapters.library_systems.sip2_messages import Patron, can_be_sent
from hotspot.adapters.library_systems.sip2_pool import Pool
from hotspot.adapters.library_systems.sip2_reader import is_accepted, reader_of
from hotspot.adapters.library_systems.sip2_settings import Sip2Settings
from hotspot.adapters.wire import Deadline, NoAnswer, trust
from hotspot.errors import Unavailable
from hotspot.policy.readers import Reader


class Sip2:
    """Logs nothing. Unavailable carries the reason, for staff, as its cause."""

    def __init__(self, settings: Sip2Settings) -> None:
        self._settings = settings
        self._dialect = settings.dialect
        self._context = trust(settings.tls_ca) if settings.tls else None
        self._pool = Pool(settings.connections, settings.idle_seconds, self._open)

    def ask(self, card_number: str, pin: str, within: timedelta) -> Reader | None:
        card = card_number.strip()
        pin = "" if self._settings.card_only else pin
        if not self._can_be_asked(card, pin):
            return None
        try:
            patron = self._ask(card, pin, Deadline(within))
        except NoAnswer as error:
            raise Unavailable("library") from error
        return reader_of(patron, card, self._settings) if is_accepted(patron, self._settings) else None

    def examine(self, card_number: str, pin: str, within: timedelta) -> Sequence[Finding]:
        deadline = Deadline(within)
        card = card_number.strip()
        pin = "" if self._settings.card_only else pin
        examination = Examination(self._settings, self._context, deadline)
        try:
            with self._pool.room(deadline):
                if card and not self._can_be_asked(card, pin):
                    examination.run("", "")
                    examination.refuse_card()
                else:
                    examination.run(card, pin)
        except NoAnswer as error:
            examination.stop(error)
        return examination.findings

    def close(self) -> None:
        self._pool.close()

    def _open(self, deadline: Deadline) -> Connection:
        return Connection.open(self._settings, self._context, deadline)

    def _ask(self, card: str, pin: str, deadline: Deadline) -> Patron:
        """A connection that breaks under the question may have been old: once more, on a new one."""
        try:
            return self._ask_once(card, pin, deadline, fresh=False)
        except Broken:
            return self._ask_once(card, pin, deadline, fresh=True)

    def _ask_once(self, card: str, pin: str, deadline: Deadline, *, fresh: bool) -> Patron:
        now = datetime.now(UTC).astimezone()
        with self._pool.connection(deadline, fresh=fresh) as connection:
            patron = connection.ask_patron(card, pin, now, deadline)
            connection.end_session(card, pin, now, deadline)
        return patron

    def _can_be_asked(self, card: str, pin: str) -> bool:
        if not card or not (can_be_sent(card, self._dialect) and can_be_sent(pin, self._dialect)):
            return False
        return self._settings.card_only or not is_empty(pin)


def is_empty(pin: str) -> bool:
    """Nothing in it that is seen: servers trim what they get, and some take any card without a PIN. For one that is
    written in Perl, a single 0 may be none too."""
    return pin.strip() == "0" or not any(unicodedata.category(character)[0] in "LNPS" for character in pin)
