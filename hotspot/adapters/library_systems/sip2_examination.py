"""A SIP2 connection examined step by step, for the person who sets it up."""

import secrets
import socket
import ssl
import string
from contextlib import closing
from datetime import UTC, datetime

from hotspot.adapters.library_systems.library_system import Finding, Outcome, Step
from hotspot.adapters.library_systems.sip2_connection import Connection
from hotspot.adapters.library_systems.sip2_messages import Patron, Status
from hotspot.adapters.library_systems.sip2_reader import filled_fields, is_accepted, unread_dates
from hotspot.adapters.library_systems.sip2_settings import Sip2Settings
from hotspot.adapters.wire import Deadline, NoAnswer, begin_tls, connect, is_loopback, peer_of


class Examination:
    """Its connections are its own: what is wrong with a new one must not hide behind an old one that works."""

    def __init__(self, settings: Sip2Settings, context: ssl.SSLContext | None, deadline: Deadline) -> None:
        self._settings = settings
        self._context = context
        self._deadline = deadline
        self._step = Step.REACHED
        """What a NoAnswer is about."""
        self.findings: list[Finding] = []

    def run(self, card: str, pin: str) -> None:
        """NoAnswer ends it: `stop` says where."""
        with closing(self._connected()) as sock, closing(Connection(self._secured(sock), self._settings)) as connection:
            self._let_in(connection)
            status = self._speaks(connection)
            if not card:
                self._institution(status, is_proven=False)
                return
            patron = self._ask(connection, status, card, pin)
        self._card(patron)
        if self.findings[-1].outcome is not Outcome.WRONG:
            self._wrong_pin(card, pin)

    def stop(self, error: NoAnswer) -> None:
        self._add(self._step, Outcome.WRONG, str(error))

    def refuse_card(self) -> None:
        """Nothing goes wrong before, and the card is one that is never asked about."""
        self._add(Step.CARD, Outcome.WRONG, "not asked: no PIN, or characters that SIP2 cannot carry")

    def _connected(self) -> socket.socket:
        sock = connect(self._settings.host, self._settings.port, self._deadline)
        self._add(Step.REACHED, Outcome.WELL, f"{peer_of(sock)}, {self._settings.port}")
        return sock

    def _secured(self, sock: socket.socket) -> socket.socket:
        self._step = Step.TRUSTED
        if self._context is not None:
            secured = begin_tls(sock, self._context, self._settings.tls_name or self._settings.host, self._deadline)
            self._add(Step.TRUSTED, Outcome.WELL, secured.version() or "")
            return secured
        if not _is_this_machine(sock):
            self._add(Step.TRUSTED, Outcome.DOUBTFUL, "no TLS: is there a VPN or a tunnel?")
        return sock

    def _let_in(self, connection: Connection) -> None:
        self._step = Step.LET_IN
        connection.log_in(self._deadline)
        if self._settings.login != "none":
            self._add(Step.LET_IN, Outcome.WELL)

    def _speaks(self, connection: Connection) -> Status:
        self._step = Step.SPEAKS
        status = connection.ask_status(self._deadline)
        doubts = []
        if status.version != "2.00":
            doubts.append(f"version {status.version.strip() or 'unknown'}")
        if self._settings.error_detection and not connection.echoes:
            doubts.append("answers without sequence numbers (AY)")
        if self._settings.inquiry == "auto" and status.offers(8) is False:
            doubts.append("no patron information (63), only patron status (23)")
        self._add(Step.SPEAKS, Outcome.DOUBTFUL if doubts else Outcome.WELL, "; ".join(doubts) or "2.00")
        return status

    def _institution(self, status: Status, *, is_proven: bool) -> None:
        """Only what 98 says is proof against us: in other answers many servers repeat what they were sent."""
        theirs, ours = status.institution, self._settings.institution
        if is_proven or (theirs and theirs == ours):
            self._add(Step.INSTITUTION, Outcome.WELL, theirs)
        elif theirs:
            self._add(Step.INSTITUTION, Outcome.DOUBTFUL, f"the server calls it {theirs}")
        else:
            self._add(Step.INSTITUTION, Outcome.DOUBTFUL, "the server does not name it (98)")

    def _ask(self, connection: Connection, status: Status, card: str, pin: str) -> Patron:
        """Servers that know no such institution are silent, hang up, or say that there is no such card."""
        self._step = Step.CARD
        now = datetime.now(UTC).astimezone()
        try:
            patron = connection.ask_patron(card, pin, now, self._deadline)
        except NoAnswer as error:
            detail = f"{error}: some servers do so when the institution is not theirs"
            self._add(Step.INSTITUTION, Outcome.DOUBTFUL, detail)
            raise
        connection.end_session(card, pin, now, self._deadline)
        self._institution(status, is_proven=is_accepted(patron, self._settings))
        return patron

    def _card(self, patron: Patron) -> None:
        said = f"BL={_short(patron, 'BL')} CQ={_short(patron, 'CQ')}"
        if not is_accepted(patron, self._settings):
            self._add(Step.CARD, Outcome.WRONG, said)
        elif unread := unread_dates(patron, self._settings):
            self._add(Step.CARD, Outcome.DOUBTFUL, f"dates in another form: {', '.join(unread)}")
        else:
            filled = ", ".join(filled_fields(patron, self._settings))
            self._add(Step.CARD, Outcome.WELL, f"{said}; {filled or 'no field of the settings'}")

    def _wrong_pin(self, card: str, pin: str) -> None:
        """An empty PIN is not tried: none is ever sent, whatever the server would make of it."""
        if self._settings.card_only:
            self._add(Step.NO_PIN, Outcome.DOUBTFUL, "no PIN is asked for: this is set so")
            return
        self._step = Step.WRONG_PIN
        try:
            with closing(Connection.open(self._settings, self._context, self._deadline)) as connection:
                now = datetime.now(UTC).astimezone()
                patron = connection.ask_patron(card, _another_pin(pin), now, self._deadline)
        except NoAnswer as error:
            self._add(Step.WRONG_PIN, Outcome.DOUBTFUL, str(error))
            return
        said = f"BL={_short(patron, 'BL')} CQ={_short(patron, 'CQ')}"
        refused = not is_accepted(patron, self._settings)
        self._add(Step.WRONG_PIN, Outcome.WELL if refused else Outcome.WRONG, said)

    def _add(self, step: Step, outcome: Outcome, detail: str = "") -> None:
        self.findings.append(Finding(step, outcome, detail))


def _is_this_machine(sock: socket.socket) -> bool:
    """A tunnel begins here, as a rule."""
    return is_loopback(peer_of(sock).removeprefix("::ffff:"))


def _another_pin(pin: str) -> str:
    """Other at every place: some servers look at the first few only."""
    places = pin.ljust(4)
    return "".join(secrets.choice([digit for digit in string.digits if digit != place]) for place in places)


def _short(patron: Patron, tag: str) -> str:
    return patron.first(tag)[:3] or "(nothing)"
