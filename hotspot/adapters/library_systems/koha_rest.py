"""Koha by its REST API, from 22.05 on: the password is validated, then the record read. The names are those of its API
definition (api/v1/swagger)."""

import json
import secrets
from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal, Self

from pydantic import Field, HttpUrl, SecretStr, model_validator

from hotspot.adapters.library_systems import facts
from hotspot.adapters.library_systems.asking import ask_within, gather, is_askable, try_card
from hotspot.adapters.library_systems.connection_fields import CertificateText, Unencrypted, check_http_url
from hotspot.adapters.library_systems.http_client import Answer, HttpClient, described, unsound
from hotspot.adapters.library_systems.library_system import ConnectionSettings, Finding, Outcome, Step
from hotspot.adapters.library_systems.oauth import ClientCredentials, basic
from hotspot.adapters.library_systems.trouble import Trouble
from hotspot.adapters.wire import Deadline
from hotspot.message_ids import mark
from hotspot.policy.readers import Block, Reader


class KohaRestSettings(ConnectionSettings):
    address: HttpUrl = Field(
        title=mark("Address of Koha"),
        description=mark("Of its catalogue or its staff interface: https://catalogue.example.org"),
    )
    account_kind: Literal["oauth2", "basic"] = Field(
        "oauth2",
        title=mark("How Parvis signs in to Koha"),
        description=mark(
            "oauth2: with an API key of a patron of Koha (preference RESTOAuth2ClientCredentials). basic: with the "
            "name and password of one (preference RESTBasicAuth). That patron needs the permissions “borrowers”."
        ),
    )
    account: str = Field(min_length=1, max_length=200, title=mark("Client ID, or user name"))
    secret: SecretStr = Field(min_length=1, max_length=500, title=mark("Secret, or password"))
    identify_by: Literal["identifier", "userid"] = Field(
        "identifier",
        title=mark("What readers type"),
        description=mark("identifier: card number or user name. userid: the user name; for Koha before 23.05."),
    )
    asks_what_is_owed: bool = Field(
        False,
        title=mark("Ask what readers owe"),
        description=mark("Only if a rule needs it. Parvis’s account then needs the permission “updatecharges” too."),
    )
    ca_pem: CertificateText = ""
    unencrypted: Unencrypted = False

    @model_validator(mode="after")
    def _is_private(self) -> Self:
        check_http_url(self.address, self.unencrypted)
        return self

    @property
    def api(self) -> str:
        """Whichever of its addresses was entered."""
        return str(self.address).rstrip("/").removesuffix("/api/v1") + "/api/v1"


class KohaRest:
    def __init__(self, settings: KohaRestSettings) -> None:
        self._settings = settings
        self._http = HttpClient(settings.ca_pem)
        self._token: ClientCredentials | None = None
        if settings.account_kind == "oauth2":
            self._token = ClientCredentials(
                self._http, f"{settings.api}/oauth/token", settings.account, settings.secret, in_body=True
            )

    def ask(self, card_number: str, pin: str, within: timedelta) -> Reader | None:
        return ask_within(self._ask, card_number, pin, within)

    def examine(self, card_number: str, pin: str, within: timedelta) -> Sequence[Finding]:
        return gather(self._examination(card_number, pin, Deadline(within)))

    def close(self) -> None:
        self._http.close()

    def _examination(self, card_number: str, pin: str, deadline: Deadline) -> Iterator[Finding]:
        yield from self._http.reach(self._settings.api, deadline)
        nobody = f"parvis-{secrets.token_hex(8)}"
        accepts_anybody = self._validate(nobody, secrets.token_hex(8), deadline) is not None
        yield Finding(Step.LET_IN, Outcome.WELL)
        yield Finding(Step.SPEAKS, Outcome.WELL)
        if accepts_anybody:
            raise Trouble(Step.WRONG_PIN, "it says yes to a card that does not exist")
        yield from try_card(lambda card, its_pin: self._ask(card, its_pin, deadline), card_number, pin)
        if self._settings.asks_what_is_owed:
            yield from self._try_account(card_number, pin, deadline)

    def _try_account(self, card_number: str, pin: str, deadline: Deadline) -> Iterator[Finding]:
        validated = self._validate(card_number, pin, deadline) if is_askable(card_number, pin) else None
        if validated is not None:
            answer = self._send("GET", _account_of(validated["patron_id"]), deadline)
            if answer.status != 200:
                yield Finding(Step.LET_IN, Outcome.DOUBTFUL, f"what is owed: {described(answer, (card_number, pin))}")

    def _ask(self, card_number: str, pin: str, deadline: Deadline) -> Reader | None:
        validated = self._validate(card_number, pin, deadline)
        if validated is None:
            return None
        patron_id = validated["patron_id"]
        record = self._read(f"/patrons/{patron_id}", (card_number, pin), deadline)
        if record.get("patron_id") != patron_id:
            raise Trouble(Step.SPEAKS, "the record is another patron's")
        owes = self._owes(patron_id, (card_number, pin), deadline) if self._settings.asks_what_is_owed else None
        blocks = {Block.BLOCKED: record.get("restricted"), Block.LOST: record.get("patron_card_lost")}
        return Reader(
            card_number=facts.card(validated.get("cardnumber") or validated.get("userid")),
            category=facts.words(record.get("category_id")),
            home_library=facts.words(record.get("library_id")),
            born_on=facts.day(record.get("date_of_birth"), "date_of_birth"),
            expires_on=facts.day(record.get("expiry_date"), "expiry_date"),
            blocks=frozenset(block for block, value in blocks.items() if facts.yes(value)),
            owes=owes,
        )

    def _validate(self, card_number: str, pin: str, deadline: Deadline) -> dict[str, Any] | None:
        """None: no such card, or another PIN. An account that is locked after too many failures looks the same."""
        asked = json.dumps({self._settings.identify_by: card_number, "password": pin}).encode()
        answer = self._send("POST", "/auth/password/validation", deadline, asked)
        if answer.status == 400 and _is_no(answer):
            return None
        if answer.status != 201:
            raise unsound(answer, (card_number, pin))
        validated = answer.json()
        if not isinstance(validated, dict) or not _is_id(validated.get("patron_id")):
            raise Trouble(Step.SPEAKS, "HTTP 201 without a patron_id")
        return validated

    def _owes(self, patron_id: int, hidden: tuple[str, ...], deadline: Deadline) -> Decimal | None:
        """None too where our account may not ask that: a staff page says so, and the reader is not kept out for it."""
        answer = self._send("GET", _account_of(patron_id), deadline)
        if answer.status == 403:
            return None
        if answer.status != 200:
            raise unsound(answer, hidden)
        account = answer.json()
        return facts.money(account.get("balance") if isinstance(account, dict) else None)

    def _read(self, path: str, hidden: tuple[str, ...], deadline: Deadline) -> dict[str, Any]:
        answer = self._send("GET", path, deadline)
        if answer.status != 200:
            raise unsound(answer, hidden)
        record = answer.json()
        if not isinstance(record, dict):
            raise Trouble(Step.SPEAKS, "the record is not one")
        return record

    def _send(self, method: str, path: str, deadline: Deadline, content: bytes | None = None) -> Answer:
        def send(authorization: dict[str, str]) -> Answer:
            headers = {"Accept": "application/json"} | authorization
            if content is not None:
                headers["Content-Type"] = "application/json"
            return self._http.send(method, self._settings.api + path, deadline, headers=headers, content=content)

        if self._token is not None:
            return self._token.send(send, deadline)
        return send(basic(self._settings.account, self._settings.secret.get_secret_value()))


def _account_of(patron_id: int) -> str:
    return f"/patrons/{patron_id}/account"


def _is_no(answer: Answer) -> bool:
    """Koha says 400 too when it does not understand us: with `errors`, or with another sentence."""
    given = answer.json()
    error = given.get("error") if isinstance(given, dict) else None
    return isinstance(error, str) and not error.startswith("Bad request")


def _is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
