"""Koha by ILS-DI (opac/ilsdi.pl), for versions before 22.05: AuthenticatePatron, then GetPatronInfo. Koha knows us by
our address alone (preference ILS-DI:AuthorizedIPs)."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Literal, Self
from urllib.parse import urlencode

from pydantic import Field, HttpUrl, model_validator

from hotspot.adapters.library_systems import facts
from hotspot.adapters.library_systems.asking import ask_within, gather, try_card
from hotspot.adapters.library_systems.connection_fields import CertificateText, Unencrypted, check_http_url
from hotspot.adapters.library_systems.http_client import HttpClient
from hotspot.adapters.library_systems.library_system import ConnectionSettings, Finding, Outcome, Step
from hotspot.adapters.library_systems.trouble import Trouble
from hotspot.adapters.library_systems.xml_answer import read_flat
from hotspot.adapters.wire import Deadline, shown
from hotspot.message_ids import mark
from hotspot.policy.readers import Block, Reader

_IS_NO = frozenset({"PatronNotFound", "PasswordExpired"})
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class KohaIlsDiSettings(ConnectionSettings):
    address: HttpUrl = Field(
        title=mark("Address of ILS-DI"),
        description="https://catalogue.example.org/cgi-bin/koha/ilsdi.pl",
    )
    method: Literal["POST", "GET"] = Field(
        "POST",
        title=mark("Method of HTTP"),
        description=mark(
            "GET only if Koha refuses POST (HTTP 403, “Wrong CSRF token”): PINs are then in its web server’s logs."
        ),
    )
    ca_pem: CertificateText = ""
    unencrypted: Unencrypted = False

    @model_validator(mode="after")
    def _is_private(self) -> Self:
        check_http_url(self.address, self.unencrypted)
        if self.address.query or self.address.fragment:
            raise ValueError(mark("The address must end with the name of the script, without “?” and what follows."))
        return self


class KohaIlsDi:
    def __init__(self, settings: KohaIlsDiSettings) -> None:
        self._settings = settings
        self._http = HttpClient(settings.ca_pem)

    def ask(self, card_number: str, pin: str, within: timedelta) -> Reader | None:
        return ask_within(self._ask, card_number, pin, within)

    def examine(self, card_number: str, pin: str, within: timedelta) -> Sequence[Finding]:
        return gather(self._examination(card_number, pin, Deadline(within)))

    def close(self) -> None:
        self._http.close()

    def _examination(self, card_number: str, pin: str, deadline: Deadline) -> Iterator[Finding]:
        yield from self._http.reach(str(self._settings.address), deadline)
        accepts_anybody = self._authenticate(f"parvis-{secrets.token_hex(8)}", secrets.token_hex(8), deadline)
        yield Finding(Step.LET_IN, Outcome.WELL)
        yield Finding(Step.SPEAKS, Outcome.WELL)
        if accepts_anybody is not None:
            raise Trouble(Step.WRONG_PIN, "it says yes to a card that does not exist")
        yield from try_card(lambda card, its_pin: self._ask(card, its_pin, deadline), card_number, pin)

    def _ask(self, card_number: str, pin: str, deadline: Deadline) -> Reader | None:
        patron_id = self._authenticate(card_number, pin, deadline)
        if patron_id is None:
            return None
        record = self._call(
            "GetPatronInfo", {"patron_id": patron_id, "show_contact": "0"}, (card_number, pin), deadline
        )
        if record.get("borrowernumber") != patron_id:
            raise Trouble(Step.SPEAKS, "the record is another patron's")
        return _reader(record, datetime.now(UTC).date())

    def _authenticate(self, card_number: str, pin: str, deadline: Deadline) -> str | None:
        """The number of the patron; None if there is no such card, or another PIN."""
        asked = {"username": card_number, "password": pin}
        answer = self._call("AuthenticatePatron", asked, (card_number, pin), deadline)
        if answer.get("code") in _IS_NO:
            return None
        patron_id = answer.get("id", "")
        if not (patron_id.isascii() and patron_id.isdigit()):
            raise Trouble(Step.SPEAKS, "AuthenticatePatron: neither an id nor a code that is known")
        return patron_id

    def _call(
        self, service: str, asked: Mapping[str, str], hidden: tuple[str, ...], deadline: Deadline
    ) -> Mapping[str, str]:
        query = urlencode({"service": service, **asked})
        address = str(self._settings.address)
        if self._settings.method == "POST":
            answer = self._http.send("POST", address, deadline, headers=_FORM, content=query.encode())
        else:
            answer = self._http.send("GET", f"{address}?{query}", deadline)
        if answer.status != 200:
            step = Step.LET_IN if answer.status in (401, 403) else Step.SPEAKS
            said = answer.text() if answer.content_type.startswith("text/plain") else ""
            raise Trouble(step, shown(f"{answer.described()} {said}", hidden))
        root, fields = read_flat(answer.body, answer.described())
        message, code = fields.get("message", ""), fields.get("code", "")
        if code == "NotAllowed":  # of both: ILS-DI is off, and our address is not among those that may ask
            step = Step.SPEAKS if "disabled" in message else Step.LET_IN
            raise Trouble(step, shown(message or code, hidden))
        if root != service or (message and not code) or code in ("MissingParameter", "IllegalParameter"):
            raise Trouble(Step.SPEAKS, shown(f"{service}: <{root}> {message or code}", hidden))
        return fields


def _reader(record: Mapping[str, str], today: date) -> Reader:
    """`debarred` is the day until which a card is blocked; 9999-12-31 stands for always."""
    debarred_until = facts.day(record.get("debarred"), "debarred")
    blocks = {
        Block.BLOCKED: debarred_until is not None and debarred_until > today,
        Block.LOST: facts.yes(record.get("lost")),
    }
    return Reader(
        card_number=facts.card(record.get("cardnumber") or record.get("borrowernumber")),
        category=facts.words(record.get("categorycode")),
        home_library=facts.words(record.get("branchcode")),
        born_on=facts.day(record.get("dateofbirth"), "dateofbirth"),
        expires_on=facts.day(record.get("dateexpiry"), "dateexpiry"),
        blocks=frozenset(block for block, is_so in blocks.items() if is_so),
        owes=facts.money(record.get("charges")),
    )
