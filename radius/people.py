"""Access-Requests behind which are people's cards, codes and devices: one at a time, with tables and argon2 behind it.

`People.answer_person` may block; whoever calls it minds the time, and a NAS that has waited for too long asks again. A
late answer does no harm: asking again finds the grant that was made.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from hotspot.adapters.known_devices import KnownDevices
from hotspot.adapters.library_systems.libraries import Libraries
from hotspot.adapters.rate_limit import RateLimits
from hotspot.adapters.refusal_memory import RefusalMemory
from hotspot.adapters.returning_devices import ReturningDevices
from hotspot.db import Database
from hotspot.errors import Unavailable
from hotspot.policy.admission import decide_admission
from hotspot.sealing import Vault
from hotspot.services.admission import Answered, answered
from hotspot.services.attempts import attempts_of, device_subject, subjects_of, within_limits
from hotspot.services.mac_authentication import DeviceSeen, admit_device
from hotspot.services.offers import OfferShown, show_site
from hotspot.services.readers import check_card, connection_for
from hotspot.services.signing_in import Entered, LibraryCard, SignInRequest, enter
from hotspot.settings import Settings
from hotspot.values import QUIET_REFUSALS, Admit, MacAddress, RefusalReason, Refuse, Way, parse_mac
from radius.attributes import ReplyWriter
from radius.lanes import PeopleLane
from radius.messages import AccessRequest, DiscardReason, Reject, Reply
from radius.metrics import QUIET
from radius.protocol import Exchange
from radius.routing import Asking, asks_with
from radius.typed import credential_of

PATIENCE = timedelta(seconds=1.5)
"""What takes longer is left unanswered."""
LIBRARY_PATIENCE = timedelta(seconds=1)
"""For a library's own system: what has to be done with its answer takes time too."""
_AWAY_FOR = timedelta(seconds=5)
"""After a failure the database is not tried again for so long: a device that is known gets its answer at once."""
_DOUBT_AFTER = timedelta(seconds=1)
"""A database that has kept one of us waiting for longer is as good as away. Within our patience: those who came
meanwhile still get what can be said without it."""
_MOST_WAITING = PeopleLane.WORKERS - 2
"""For the database at a time: however many wait for one that hangs, somebody is there for the others."""
_AWAY = {
    "redis": DiscardReason.REDIS_AWAY,
    "database": DiscardReason.DATABASE_AWAY,
    "journal": DiscardReason.JOURNAL_FULL,
}

Decision = tuple[Admit | Refuse, UUID | None]
"""And the grant, where there is one."""


class People:
    """Several threads may ask at once."""

    def __init__(
        self,
        database: Database,
        known: KnownDevices,
        returning: ReturningDevices,
        limits: RateLimits,
        refusals: RefusalMemory,
        writer: ReplyWriter,
        vault: Vault,
        settings: Settings,
        note: Callable[[Answered], None],
        clock: Callable[[], datetime],
        libraries: Libraries,
    ) -> None:
        """`note`: keeps what is written down of an answer, before that leaves."""
        self._database = database
        self._known = known
        self._returning = returning
        self._limits = limits
        self._refusals = refusals
        self._writer = writer
        self._vault = vault
        self._settings = settings
        self._note = note
        self._clock = clock
        self._libraries = libraries
        self._doubt_after = _DOUBT_AFTER * settings.time_speed
        self._room = threading.BoundedSemaphore(_MOST_WAITING)
        self._away_until = datetime.min.replace(tzinfo=UTC)
        self._waiting: dict[int, datetime] = {}
        """By thread, since when it has been waiting for the database."""

    def answer_person(self, exchange: Exchange, now: datetime) -> Reply | DiscardReason:
        """A discard is silence: the NAS asks its other server."""
        request = exchange.request
        assert isinstance(request, AccessRequest)  # noqa: S101 - nothing else is about people
        try:
            match asks_with(request):
                case Asking.NAS_ITSELF:
                    return _quietly(RefusalReason.NAS_ITSELF)
                case Asking.EAP:
                    return _quietly(RefusalReason.EAP_NOT_OFFERED)
                case Asking.MAC_AUTHENTICATION:
                    return self._answer_device(exchange, request, now)
                case _:
                    return self._answer_typed(exchange, request, now)
        except Unavailable as error:
            return _AWAY[error.dependency]

    # ---- MAC authentication ----

    def _answer_device(self, exchange: Exchange, request: AccessRequest, now: datetime) -> Reply:
        """A refusal is bare: the NAS shows its portal as to any device, and the portal says why."""
        client, device_mac = exchange.client, parse_mac(request.calling_station_id)
        if device_mac is None:
            return _quietly(RefusalReason.DEVICE_NOT_REMEMBERED)
        seen = DeviceSeen(client.nas_id, client.site_of(request.called_station_id), device_mac)
        try:
            decision, grant_id = self._admit_device(seen, now)
        except Unavailable as error:
            known = self._known.find(seen.site_id, device_mac) if error.dependency == "database" else None
            if known is None:
                raise
            # a visit goes on while the database is away; none begins
            decision, grant_id = decide_admission(known.terms, known.usage, now), known.terms.grant_id
        if isinstance(decision, Refuse) and decision.reason in QUIET_REFUSALS:
            return _quietly(decision.reason)
        self._write_down(exchange, device_mac, (decision, grant_id), now)
        if isinstance(decision, Refuse):
            self._refusals.remember([device_subject(device_mac)], decision, now)
        return Reject([]) if isinstance(decision, Refuse) else self._writer.accept(decision, client)

    def _admit_device(self, seen: DeviceSeen, now: datetime) -> Decision:
        with self._watched(self._database.transaction()) as db:
            answer = admit_device(db, seen, now, vault=self._vault, settings=self._settings)
        if isinstance(answer, Refuse):
            self._known.forget([(seen.site_id, seen.device_mac)])
        return self._decided(answer, seen.site_id, seen.device_mac, now)

    # ---- typed on the NAS's own page ----

    def _answer_typed(self, exchange: Exchange, request: AccessRequest, now: datetime) -> Reply:
        client, device_mac = exchange.client, parse_mac(request.calling_station_id)
        decision, grant_id = self._decide_typed(exchange, request, device_mac, now)
        self._write_down(exchange, device_mac, (decision, grant_id), now)
        reply = self._writer.write(decision, client, request.proof)
        if grant_id is not None:
            # what was typed is a card number or a code: from here on the NAS is asked to speak of a pseudonym instead,
            # in the form that one-time logins have (RFC 2865 section 5.1)
            reply.attributes.append(("User-Name", grant_id.hex[:20]))
        return reply

    def _decide_typed(
        self, exchange: Exchange, request: AccessRequest, device_mac: MacAddress | None, now: datetime
    ) -> Decision:
        if device_mac is None:
            return Refuse(RefusalReason.OTHER_DEVICE), None
        site_id = exchange.client.site_of(request.called_station_id)
        with self._watched(self._database.reading()) as db:
            site = show_site(db, site_id)
        credential = credential_of(request)
        if isinstance(credential, Refuse):
            has_cards = any(offer.way is Way.LIBRARY_CARD for offer in site.offers)
            is_of_cards = credential.reason is RefusalReason.CARD_NEEDS_PAP
            return Refuse(RefusalReason.OFFER_NOT_HERE) if is_of_cards and not has_cards else credential, None
        asked = SignInRequest(
            nas_id=exchange.client.nas_id,
            site_id=site_id,
            device_mac=device_mac,
            offer_id=None,
            credential=credential,
            terms_version=site.terms_version,  # the page has to show them: docs/radius.md
            language=self._settings.default_language,
        )

        def ask() -> Entered | Refuse:
            request = self._with_checked_card(asked, site.offers)
            with self._watched(self._database.transaction()) as db:
                return enter(db, request, now, vault=self._vault, settings=self._settings)

        attempts = attempts_of(credential, device_mac=device_mac, site_id=site_id, organisation_id=site.organisation_id)
        answer = within_limits(self._limits, attempts, now, ask)
        if isinstance(answer, Refuse):
            whose = subjects_of(credential, device_mac=device_mac, organisation_id=site.organisation_id)
            self._refusals.remember(whose, answer, now)
        return self._decided(answer, site_id, device_mac, now)

    def _with_checked_card(self, asked: SignInRequest, offers: Sequence[OfferShown]) -> SignInRequest:
        """Nobody could choose an offer: it is the first that takes cards, as in `enter`. The library's own system is
        asked before the transaction."""
        card = asked.credential
        offer = next((each for each in offers if each.way is Way.LIBRARY_CARD), None)
        if not isinstance(card, LibraryCard) or offer is None or offer.library_system_id is None:
            return asked
        with self._watched(self._database.reading()) as db:
            connection = connection_for(db, offer.library_system_id, self._vault)
        return replace(asked, credential=check_card(self._libraries, connection, card.card_number, card.pin))

    # ---- both ----

    def _write_down(self, exchange: Exchange, device_mac: MacAddress | None, decision: Decision, now: datetime) -> None:
        answer, grant_id = decision
        self._note(answered(exchange.request_key, exchange.client.nas_id, device_mac, grant_id, answer, now))

    def _decided(self, answer: Entered | Refuse, site_id: int, device_mac: MacAddress, now: datetime) -> Decision:
        """The grant is committed: what the portal, and we in an outage, have to know of it goes to Redis."""
        if isinstance(answer, Refuse):
            if answer.reason is RefusalReason.ANNOUNCEMENT_DUE:  # no end: the portal is to know the device at once
                self._returning.remember({device_mac: self._settings.arrival_life})
            return answer, None
        grant = answer.grant
        self._known.remember(site_id, grant.device_mac, answer.terms, answer.usage, now)
        self._returning.remember({grant.device_mac: grant.ends_at - now})
        return answer.admit, grant.id

    @contextmanager
    def _watched(self, opened: AbstractContextManager[Session]) -> Iterator[Session]:
        """A transaction, unless the database is away, or does not answer."""
        if self._is_away() or not self._room.acquire(timeout=_DOUBT_AFTER.total_seconds()):
            raise Unavailable("database")
        try:
            if self._is_away():  # since we have been waiting for room
                raise Unavailable("database")
            with self._noticing(), opened as db:
                yield db
        finally:
            self._room.release()

    @contextmanager
    def _noticing(self) -> Iterator[None]:
        """How long the database takes, and whether it fails."""
        thread = threading.get_ident()
        self._waiting[thread] = self._clock()
        try:
            yield
        except Unavailable as error:
            if error.dependency == "database":
                self._away_until = self._clock() + _AWAY_FOR
            raise
        finally:
            del self._waiting[thread]

    def _is_away(self) -> bool:
        now = self._clock()
        return now < self._away_until or any(now - since > self._doubt_after for since in list(self._waiting.values()))


def _quietly(reason: RefusalReason) -> Reject:
    """Without a word, for there is nobody to read it; counted, not written down."""
    QUIET.labels(reason.value).inc()
    return Reject([])
