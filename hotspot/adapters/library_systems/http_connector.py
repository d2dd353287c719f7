"""A system that is asked by HTTP in a way that staff describe: one request, how it says yes and no, and where the facts
are in its JSON. The addresses are those of the settings; a visitor changes nothing of them but the values."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from hotspot.adapters.library_systems import facts
from hotspot.adapters.library_systems.asking import ask_within, gather, try_card
from hotspot.adapters.library_systems.http_client import Answer, HttpClient, unsound
from hotspot.adapters.library_systems.http_settings import HttpSettings, headers_of
from hotspot.adapters.library_systems.http_template import CONTENT_TYPES, fill_address, fill_body
from hotspot.adapters.library_systems.json_path import find, parse_path, printed
from hotspot.adapters.library_systems.library_system import Finding, Outcome, Step
from hotspot.adapters.library_systems.oauth import ClientCredentials
from hotspot.adapters.library_systems.trouble import RecordTrouble, Trouble
from hotspot.adapters.wire import Deadline
from hotspot.policy.readers import Block, Reader


class HttpConnector:
    def __init__(self, settings: HttpSettings) -> None:
        self._settings = settings
        self._http = HttpClient(settings.ca_pem)
        self._headers: Mapping[str, str] = {"accept": "application/json", **headers_of(settings.headers)}
        self._yes = frozenset(map(int, settings.yes_statuses.split()))
        self._no = frozenset(map(int, settings.no_statuses.split()))
        self._token: ClientCredentials | None = None
        if settings.token_address:
            self._token = ClientCredentials(
                self._http, settings.token_address, settings.token_account, settings.token_secret, in_body=False
            )

    def ask(self, card_number: str, pin: str, within: timedelta) -> Reader | None:
        return ask_within(self._ask, card_number, pin, within)

    def examine(self, card_number: str, pin: str, within: timedelta) -> Sequence[Finding]:
        return gather(self._examination(card_number, pin, Deadline(within)))

    def close(self) -> None:
        self._http.close()

    def _examination(self, card_number: str, pin: str, deadline: Deadline) -> Iterator[Finding]:
        yield from self._http.reach(fill_address(self._settings.address, "1", "1") or "", deadline)
        accepts_anybody = self._ask(f"parvis-{secrets.token_hex(8)}", secrets.token_hex(8), deadline) is not None
        yield Finding(Step.LET_IN, Outcome.WELL)
        yield Finding(Step.SPEAKS, Outcome.WELL)
        if accepts_anybody:
            raise Trouble(Step.WRONG_PIN, "it says yes to a card that does not exist")
        yield from try_card(lambda card, its_pin: self._ask(card, its_pin, deadline), card_number, pin)

    def _ask(self, card_number: str, pin: str, deadline: Deadline) -> Reader | None:
        answer = self._request(card_number, pin, deadline)
        if answer is None or answer.status in self._no:
            return None
        if answer.status not in self._yes:
            raise unsound(answer, (card_number, pin))
        if self._settings.yes_path:
            said = printed(find(answer.json(), parse_path(self._settings.yes_path)))
            if not said or said != self._settings.yes_value:  # nothing is no yes, even where nothing was wanted
                return None
        return self._reader(self._record(answer, card_number, pin, deadline), card_number)

    def _request(self, card_number: str, pin: str, deadline: Deadline) -> Answer | None:
        """None: this card cannot be put into the address."""
        settings = self._settings
        address = fill_address(settings.address, card_number, pin)
        if address is None:
            return None
        content = fill_body(settings.body_kind, settings.body, card_number, pin) if settings.sends_body else None
        kind = {"content-type": CONTENT_TYPES[settings.body_kind]} if settings.sends_body else {}
        return self._send(settings.method, address, kind, content, deadline)

    def _record(self, answer: Answer, card_number: str, pin: str, deadline: Deadline) -> Any:
        """JSON with the reader's facts; nothing where no fact is looked for."""
        settings = self._settings
        if not settings.record_address:
            return answer.json() if any(self._paths().values()) else None
        address = fill_address(settings.record_address, card_number, pin)
        if address is None:
            raise RecordTrouble(Step.SPEAKS, "record: no address for this card")
        record = self._send("GET", address, {}, None, deadline)
        if record.status != 200:
            raise unsound(record, (card_number, pin))
        return record.json()

    def _send(
        self, method: str, address: str, headers: Mapping[str, str], content: bytes | None, deadline: Deadline
    ) -> Answer:
        def send(authorization: Mapping[str, str]) -> Answer:
            every = {**headers, **self._headers, **authorization}
            return self._http.send(method, address, deadline, headers=every, content=content)

        return self._token.send(send, deadline) if self._token is not None else send({})

    def _paths(self) -> Mapping[str, str]:
        settings = self._settings
        return {
            "card_number": settings.card_number_path,
            "category": settings.category_path,
            "home_library": settings.home_library_path,
            "born_on": settings.born_on_path,
            "expires_on": settings.expires_on_path,
            "blocked": settings.blocked_path,
            "owes": settings.owes_path,
        }

    def _reader(self, record: Any, typed: str) -> Reader:
        said = {name: find(record, parse_path(path)) if path else None for name, path in self._paths().items()}
        return Reader(
            card_number=facts.card(said["card_number"] if self._settings.card_number_path else typed),
            category=facts.words(said["category"]),
            home_library=facts.words(said["home_library"]),
            born_on=facts.day(said["born_on"], "date of birth"),
            expires_on=facts.day(said["expires_on"], "expiry"),
            blocks=frozenset({Block.BLOCKED}) if facts.yes(said["blocked"]) else frozenset(),
            owes=facts.money(said["owes"]),
        )
