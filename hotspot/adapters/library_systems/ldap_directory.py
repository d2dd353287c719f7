"""A directory, OpenLDAP or Active Directory: one entry is searched with our own account, then its password is tried by
signing in as it (bind). The card number is data in the search, never a part of it."""

import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

from hotspot.adapters.library_systems import facts
from hotspot.adapters.library_systems.asking import NOT_ENCRYPTED, ask_within, gather, is_askable, try_card
from hotspot.adapters.library_systems.ldap_connection import LdapConnection, open_connection
from hotspot.adapters.library_systems.ldap_filter import parse_filter
from hotspot.adapters.library_systems.ldap_messages import Code, Entry, Result
from hotspot.adapters.library_systems.ldap_settings import LdapSettings
from hotspot.adapters.library_systems.library_system import Finding, Outcome, Step
from hotspot.adapters.library_systems.trouble import RecordTrouble, Trouble, as_trouble
from hotspot.adapters.wire import Deadline, shown, trust
from hotspot.policy.readers import Block, Reader

_LAST_FOR = 60.0
"""Seconds for which a server that was away is tried after the others."""
_THIS_ENTRY = frozenset(
    {
        Code.CONSTRAINT_VIOLATION,
        Code.NO_SUCH_OBJECT,
        Code.INAPPROPRIATE_AUTHENTICATION,
        Code.INVALID_CREDENTIALS,
        Code.INSUFFICIENT_ACCESS_RIGHTS,
        Code.UNWILLING_TO_PERFORM,
    }
)
"""Answers to a bind that are about whoever signs in: locked, without a password. Others are about the directory."""
_RIGHT_BUT_BLOCKED = frozenset({"530", "531", "532", "533", "773"})
"""Active Directory, with INVALID_CREDENTIALS: not at this hour, not here, password too old, disabled, password to be
changed. It says so of the right password only; 52e is a wrong one, 525 nobody, 775 locked after wrong ones."""
_EXPIRED = "701"
_DISABLED = 0x2
"""Of userAccountControl (MS-ADTS section 2.2.16)."""
_AD_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_UNIX_EPOCH = date(1970, 1, 1)


class LdapDirectory:
    def __init__(self, settings: LdapSettings) -> None:
        self._settings = settings
        self._context = trust(settings.ca_pem)
        self._condition = parse_filter(settings.filter)
        self._lock = threading.Lock()
        self._away_until: dict[tuple[str, int], float] = {}

    def ask(self, card_number: str, pin: str, within: timedelta) -> Reader | None:
        return ask_within(self._ask, card_number, pin, within)

    def examine(self, card_number: str, pin: str, within: timedelta) -> Sequence[Finding]:
        return gather(self._examination(card_number.strip(), pin, Deadline(within)))

    def close(self) -> None:
        """A connection lives for one card: there is nothing to close."""

    def _examination(self, card_number: str, pin: str, deadline: Deadline) -> Iterator[Finding]:
        with self._connect(deadline) as connection:
            yield Finding(Step.REACHED, Outcome.WELL, connection.peer)
            if connection.encryption:
                yield Finding(Step.TRUSTED, Outcome.WELL, connection.encryption)
            else:
                yield Finding(Step.TRUSTED, Outcome.DOUBTFUL, NOT_ENCRYPTED)
            self._sign_in(connection)
            yield Finding(Step.LET_IN, Outcome.WELL)
            if self._find(connection, f"parvis-{secrets.token_hex(8)}"):
                raise Trouble(Step.SPEAKS, "the filter finds an entry for a card that does not exist")
            yield Finding(Step.SPEAKS, Outcome.WELL)
            if is_askable(card_number, pin) and (found := len(self._find(connection, card_number))) != 1:
                raise Trouble(Step.CARD, "no entry" if found == 0 else "several entries")

        def ask(card: str, its_pin: str) -> Reader | None:
            if its_pin:
                return self._ask(card, its_pin, deadline)
            return self._ask_as(card, deadline, lambda connection, dn: connection.bind_without_password(dn))

        yield from try_card(ask, card_number, pin)

    def _ask(self, card_number: str, pin: str, deadline: Deadline) -> Reader | None:
        return self._ask_as(card_number, deadline, lambda connection, dn: connection.bind(dn, pin))

    def _ask_as(
        self, card_number: str, deadline: Deadline, bind: Callable[[LdapConnection, str], Result]
    ) -> Reader | None:
        with self._connect(deadline) as connection:
            self._sign_in(connection)
            entries = self._find(connection, card_number)
            if len(entries) != 1:  # nobody; or several, and then nobody can say which
                return None
            if not entries[0].dn:
                raise Trouble(Step.SPEAKS, "the entry has no name")
            return self._judge(bind(connection, entries[0].dn), entries[0], card_number)

    def _connect(self, deadline: Deadline) -> LdapConnection:
        """To the first server that is there; each has its share of the time."""
        settings = self._settings
        addresses = self._in_order()
        for number, (host, port) in enumerate(addresses, start=1):
            with as_trouble():
                share = deadline.left() / (len(addresses) - number + 1)
            try:
                return open_connection(host, port, settings.security, self._context, deadline, share)
            except Trouble:
                with self._lock:
                    self._away_until[host, port] = time.monotonic() + _LAST_FOR
                if number == len(addresses):
                    raise
        raise Trouble(Step.REACHED, "no server")

    def _in_order(self) -> Sequence[tuple[str, int]]:
        now = time.monotonic()
        with self._lock:
            return sorted(self._settings.addresses, key=lambda each: self._away_until.get(each, 0) > now)

    def _sign_in(self, connection: LdapConnection) -> None:
        password = self._settings.account_password.get_secret_value()
        if self._settings.account:
            result = connection.bind(self._settings.account, password)
            if result.code != Code.SUCCESS:
                raise Trouble(Step.LET_IN, _described(result, (password,)))

    def _find(self, connection: LdapConnection, card_number: str) -> Sequence[Entry]:
        """Two if there are several."""
        settings = self._settings
        wanted = (
            settings.card_number_attribute,
            settings.category_attribute,
            settings.home_library_attribute,
            settings.born_on_attribute,
            settings.expires_on_attribute,
            "userAccountControl",
        )
        attributes = sorted({each for each in wanted if each})
        entries, result = connection.search(settings.base, self._condition(card_number), attributes, most=2)
        if result.code == Code.SUCCESS or (result.code == Code.SIZE_LIMIT_EXCEEDED and len(entries) > 1):
            return entries
        refused = (Code.OPERATIONS_ERROR, Code.INSUFFICIENT_ACCESS_RIGHTS, Code.STRONGER_AUTH_REQUIRED)
        step = Step.LET_IN if result.code in refused else Step.SPEAKS
        raise Trouble(step, _described(result, (card_number,)))

    def _judge(self, result: Result, entry: Entry, typed: str) -> Reader | None:
        is_right = result.code == Code.SUCCESS
        is_blocked, has_expired = result.ad_data in _RIGHT_BUT_BLOCKED, result.ad_data == _EXPIRED
        if result.code == Code.INVALID_CREDENTIALS and (is_blocked or has_expired):
            is_right = True
        elif result.code not in (Code.SUCCESS, *_THIS_ENTRY):
            raise Trouble(Step.SPEAKS, _described(result, (typed, entry.dn)))  # which may be a name
        if not is_right:
            return None
        return self._reader(entry, typed, is_blocked=is_blocked, has_expired=has_expired)

    def _reader(self, entry: Entry, typed: str, *, is_blocked: bool, has_expired: bool) -> Reader:
        settings = self._settings
        expires_on = _expiry(settings.expires_on_attribute, _first(entry, settings.expires_on_attribute))
        if has_expired:
            yesterday = datetime.now(UTC).date() - timedelta(days=1)
            expires_on = yesterday if expires_on is None else min(expires_on, yesterday)
        flags = _number(_first(entry, "userAccountControl"), "userAccountControl") or 0
        is_numbered = bool(settings.card_number_attribute)
        return Reader(
            card_number=facts.card(_first(entry, settings.card_number_attribute) if is_numbered else typed),
            category=facts.words(_first(entry, settings.category_attribute)),
            home_library=facts.words(_first(entry, settings.home_library_attribute)),
            born_on=facts.day(_first(entry, settings.born_on_attribute), settings.born_on_attribute),
            expires_on=expires_on,
            blocks=frozenset({Block.BLOCKED}) if is_blocked or flags & _DISABLED else frozenset(),
        )


def _described(result: Result, hidden: tuple[str, ...]) -> str:
    return shown(f"{result.name} {result.text}", hidden)


def _first(entry: Entry, attribute: str) -> str | None:
    values = entry.attributes.get(attribute.lower(), ())
    if not values:
        return None
    try:
        return values[0].decode()
    except UnicodeDecodeError as error:
        raise RecordTrouble(Step.SPEAKS, f"{attribute} is not a text") from error


def _number(text: str | None, attribute: str) -> int | None:
    if text is None:
        return None
    try:
        return int(text)
    except ValueError as error:
        raise RecordTrouble(Step.SPEAKS, f"{attribute} is not a number") from error


def _expiry(attribute: str, text: str | None) -> date | None:
    """The last day on which the account is good."""
    match attribute.lower():
        case "accountexpires":  # tenths of a microsecond since 1601; nothing, or a day beyond all calendars, is never
            ticks = _number(text, attribute) or 0
            try:
                return (_AD_EPOCH + timedelta(microseconds=(ticks - 1) // 10)).date() if ticks > 0 else None
            except OverflowError:
                return None
        case "shadowexpire":  # the first day, since 1970, on which it is not
            days = _number(text, attribute) or 0
            try:
                return _UNIX_EPOCH + timedelta(days=days - 1) if days > 0 else None
            except OverflowError:
                return None
    return facts.day(text, attribute)
