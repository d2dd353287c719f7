"""Codes and cards typed on an access point's own page, and devices that it names by their address."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY
from redis import Redis
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hotspot.adapters.known_devices import KnownDevices
from hotspot.adapters.rate_limit import RateLimits
from hotspot.adapters.refusal_memory import RefusalMemory
from hotspot.adapters.returning_devices import ReturningDevices
from hotspot.db import Database, open_database
from hotspot.models import Campaign, Grant, Nas, Offer, Patron, RememberedDevice, Site
from hotspot.policy.readers import Reader
from hotspot.policy.voucher_codes import print_code
from hotspot.sealing import Vault
from hotspot.services.admission import Answered
from hotspot.services.announcing import Completion, begin_turn, complete_turn, load_rotation
from hotspot.services.attempts import card_subject
from hotspot.services.radius_clients import RadiusClientReader
from hotspot.services.remembering import remember_device
from hotspot.settings import Settings
from hotspot.values import RefusalReason, SiteKind, Way
from hotspot.wording import explain
from radius import people
from radius.attributes import ReplyWriter
from radius.lanes import PeopleLane
from radius.messages import Accept, DiscardReason, Door, Reject, Reply
from radius.mschap import challenge_digest, challenge_response, password_hash
from radius.people import People
from radius.protocol import Ask, Exchange, RadiusProtocol
from tests import announcements, factories
from tests.library import PlayedLibrary
from tests.radius.packets import Attributes, hidden_password, integer, signed, vendor

NOW = factories.NOW
PHONE = (31, b"02-00-00-00-00-01")
CHALLENGE = bytes(range(16))


def pap(password: str) -> Attributes:
    return [(2, hidden_password(password.encode()))]


def chap(password: str) -> Attributes:
    response = hashlib.md5(b"\x07" + password.encode() + CHALLENGE).digest()
    return [(3, b"\x07" + response), (60, CHALLENGE)]


def ms_chap(password: str, user_name: str) -> Attributes:
    digest = challenge_digest(CHALLENGE, CHALLENGE, user_name.encode())
    response = challenge_response(digest, password_hash(password))
    return [vendor(311, 11, CHALLENGE), vendor(311, 25, b"\x07\0" + CHALLENGE + bytes(8) + response)]


@dataclass
class Library:
    """A site with one CoovaChilli at 192.0.2.1, an offer for cards and one for vouchers."""

    database: Database
    people: People
    protocol: RadiusProtocol
    nas_id: int
    site_id: int
    patron: Patron
    code: str
    card_offer_id: int
    noted: list[Answered] = field(default_factory=list)
    played: PlayedLibrary = field(default_factory=PlayedLibrary)
    """The library's own system, once `cards` is an offer of one."""
    asked: int = 0
    now: datetime = NOW

    def exchange(self, attributes: Attributes) -> Exchange:
        self.asked += 1
        step = self.protocol.receive(
            signed(1, attributes), ("192.0.2.1", 40_000 + self.asked), Door.AUTHENTICATION, self.now
        )
        assert isinstance(step, Ask), step
        return step.exchange

    def types(self, user_name: str, proof: Attributes, *others: tuple[int, bytes]) -> Reply | DiscardReason:
        attributes = [(1, user_name.encode()), *proof, *(others or (PHONE,))]
        return self.people.answer_person(self.exchange(attributes), self.now)

    def connects(self, mac: str = "02-00-00-00-00-01", *others: tuple[int, bytes]) -> Reply | DiscardReason:
        """As CoovaChilli asks with `macauth`."""
        attributes = [(1, mac.encode()), *pap("macpass"), (6, integer(2)), (31, mac.encode()), *others]
        return self.people.answer_person(self.exchange(attributes), self.now)

    def refusal(self, reply: Reply | DiscardReason) -> RefusalReason:
        """Of the last answer that was noted."""
        assert isinstance(reply, Reject), reply
        refusal = self.noted[-1].refusal
        assert refusal is not None
        return RefusalReason(refusal)

    def grants(self) -> int:
        with self.database.reading() as db:
            return db.scalar(select(func.count()).select_from(Grant)) or 0

    def grant(self) -> Grant:
        with self.database.reading() as db:
            return db.scalars(select(Grant).order_by(Grant.created_at.desc()).limit(1)).one()

    def change(self, what: Callable[[Session], object]) -> None:
        with self.database.transaction() as db:
            what(db)

    def remembers(self, **changed: Any) -> None:
        """The phone of the tests, for the patron, since a week; its last visit is over."""

        def remember(db: Session) -> None:
            before = self.now - timedelta(days=7)
            offer = db.get_one(Offer, self.card_offer_id)
            over = {"created_at": before, "ends_at": before + timedelta(hours=2)}
            grant = factories.make_grant(
                db, offer=offer, patron_id=self.patron.id, nas=db.get_one(Nas, self.nas_id), terms_version=0, **over
            )
            assert remember_device(db, grant, before)
            for name, value in changed.items():
                setattr(db.scalars(select(RememberedDevice)).one(), name, value)

        self.change(remember)


@pytest.fixture
def library(any_database: Database, redis: "Redis", settings: Settings, vault: Vault) -> Library:
    with any_database.transaction() as db:
        site = factories.make_site(db)
        nas = factories.make_nas(db, site=site, networks=("192.0.2.1/32",))
        cards = factories.make_offer(
            db, site=site, way=Way.LIBRARY_CARD, remember_for=timedelta(days=30), download_kbps=8000
        )
        codes = factories.make_offer(db, site=site, way=Way.VOUCHER, position=1)
        patron = factories.make_patron(db, organisation=site.organisation)
        voucher = factories.make_voucher(db, offer=codes)
    with any_database.reading() as db:
        clients = RadiusClientReader(vault).read(db)
    noted: list[Answered] = []
    played = PlayedLibrary()
    answering = People(
        any_database,
        KnownDevices(redis),
        ReturningDevices(redis),
        RateLimits(redis, vault.digest),
        RefusalMemory(redis, vault.digest),
        ReplyWriter(settings, vault),
        vault,
        settings,
        noted.append,
        lambda: made.now,
        played.libraries(),
    )
    code = vault.open(voucher.code_sealed)
    made = Library(
        any_database, answering, RadiusProtocol(clients), nas.id, site.id, patron, code, cards.id, noted, played
    )
    return made


# ---- typed on the access point's own page ----


@pytest.mark.parametrize(
    "spelling", [print_code, str.lower, lambda code: f" {code} "], ids=["printed", "lower", "spaces"]
)
@pytest.mark.parametrize("password", ["", "the code"], ids=["no password", "the code again"])
def test_a_voucher_code_is_a_name(library: Library, spelling: Callable[[str], str], password: str) -> None:
    reply = library.types(spelling(library.code), pap(print_code(library.code) if password else ""))

    assert isinstance(reply, Accept)
    grant = library.grant()
    assert (grant.way, grant.by_mac, grant.site_id, grant.nas_id) == (
        Way.VOUCHER,
        False,
        library.site_id,
        library.nas_id,
    )
    assert dict(reply.attributes)["Class"] == grant.id.bytes


@pytest.mark.parametrize("password", ["", "as the name", "printed"])
def test_a_voucher_code_is_accepted_by_chap(library: Library, password: str) -> None:
    name = library.code.lower()

    reply = library.types(name, chap({"": "", "as the name": name}.get(password, print_code(library.code))))

    assert isinstance(reply, Accept)


def test_a_voucher_code_is_accepted_by_ms_chap_v2_with_our_proof_in_return(library: Library) -> None:
    name = print_code(library.code)

    reply = library.types(name, ms_chap(name, name))

    assert isinstance(reply, Accept)
    success = dict(reply.attributes)["MS-CHAP2-Success"]
    assert isinstance(success, bytes)
    assert success[:3] == b"\x07S="
    assert len(success) == 43


def test_a_wrong_ms_chap_v2_password_is_a_final_failure_with_its_reason(library: Library) -> None:
    name = print_code(library.code)

    reply = library.types(name, ms_chap("another", name))

    assert library.refusal(reply) is RefusalReason.VOUCHER_UNKNOWN
    assert isinstance(reply, Reject)
    said = dict(reply.attributes)["MS-CHAP-Error"]
    assert isinstance(said, bytes)
    assert said.startswith(b"\x07E=691 R=0 C=")
    assert said.endswith(b" V=3 M=" + str(dict(reply.attributes)["Reply-Message"]).encode())


def test_a_card_and_its_pin_are_accepted_by_pap(library: Library) -> None:
    reply = library.types(library.patron.card_number, pap(factories.PIN))

    assert isinstance(reply, Accept)
    assert dict(reply.attributes)["ChilliSpot-Bandwidth-Max-Down"] == 8000
    assert library.grant().patron_id == library.patron.id


@pytest.mark.parametrize("kind", ["CHAP", "MS-CHAPv2"])
def test_a_card_by_another_way_is_told_that_it_needs_pap(library: Library, kind: str) -> None:
    card = library.patron.card_number

    reply = library.types(card, chap(factories.PIN) if kind == "CHAP" else ms_chap(factories.PIN, card))

    assert library.refusal(reply) is RefusalReason.CARD_NEEDS_PAP


def test_what_was_typed_is_not_what_accounting_is_asked_to_name(library: Library) -> None:
    reply = library.types(library.patron.card_number, pap(factories.PIN))

    assert isinstance(reply, Accept)
    assert dict(reply.attributes)["User-Name"] == library.grant().id.hex[:20]


def test_a_device_on_which_another_card_is_typed_is_remembered_for_nobody(library: Library) -> None:
    library.remembers()
    with library.database.transaction() as db:
        organisation = db.get_one(Site, library.site_id).organisation
        another = factories.make_patron(db, organisation=organisation).card_number

    assert isinstance(library.types(another, pap(factories.PIN)), Accept)

    with library.database.reading() as db:
        assert db.scalars(select(RememberedDevice)).all() == []


def test_unknown_and_wrong_get_the_same_answer(library: Library) -> None:
    wrong = library.types(library.patron.card_number, pap("0000"))
    unknown = library.types("not-a-card", pap("0000"))

    assert isinstance(wrong, Reject)
    assert wrong == unknown
    title = explain(RefusalReason.UNKNOWN_CARD_OR_PIN, "fr").title
    assert dict(wrong.attributes)["Reply-Message"] == title


def test_the_site_is_that_of_the_access_point(library: Library, vault: Vault) -> None:
    def add_square(db: Session) -> None:
        square = factories.make_site(db, organisation=db.get_one(Site, library.site_id).organisation)
        factories.make_access_point(
            db, nas=db.get_one(Nas, library.nas_id), site=square, called_station_id="02aa000000fe"
        )

    library.change(add_square)
    with library.database.reading() as db:
        library.protocol.clients = RadiusClientReader(vault).read(db)

    reply = library.types(library.code, pap(""), PHONE, (30, b"02-AA-00-00-00-FE:Town"))

    assert library.refusal(reply) is RefusalReason.OFFER_NOT_HERE


def test_a_voucher_of_a_second_offer_is_found_without_choosing(library: Library) -> None:
    def add(db: Session) -> str:
        weekly = factories.make_offer(db, site=db.get_one(Site, library.site_id), way=Way.VOUCHER, position=9)
        return factories.VAULT.open(factories.make_voucher(db, offer=weekly).code_sealed)

    with library.database.transaction() as db:
        code = add(db)

    assert isinstance(library.types(code, pap("")), Accept)


def test_a_voucher_that_was_used_by_another_device_is_refused(library: Library) -> None:
    library.types(library.code, pap(""))

    reply = library.types(library.code, pap(""), (31, b"02-00-00-00-00-02"))

    assert library.refusal(reply) is RefusalReason.VOUCHER_USED


def test_asking_again_finds_the_same_grant(library: Library) -> None:
    first = library.types(library.code, pap(""))
    second = library.types(library.code, pap(""))

    assert first == second
    assert library.grants() == 1


def test_guesses_are_counted_as_at_the_portal(library: Library) -> None:
    for _ in range(5):
        library.types(library.patron.card_number, pap("0000"))

    reply = library.types(library.patron.card_number, pap(factories.PIN))

    assert library.refusal(reply) is RefusalReason.TOO_MANY_ATTEMPTS


def test_a_device_without_an_address_is_refused(library: Library) -> None:
    assert library.refusal(library.types(library.code, pap(""), (32, b"x"))) is RefusalReason.OTHER_DEVICE


def test_every_answer_to_a_person_is_noted(library: Library) -> None:
    library.types(library.code, pap(""))
    library.types("not-a-card", pap("0000"))

    admitted, refused = library.noted
    assert admitted[1:] == (NOW.timestamp(), library.nas_id, library.grant().id.hex, "020000000001", None)
    assert (refused.grant_id, refused.refusal) == (None, RefusalReason.UNKNOWN_CARD_OR_PIN)


# ---- machines that ask for themselves ----


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ([(1, b"chilliadmin"), (6, integer(6))], RefusalReason.NAS_ITSELF),
        ([(1, b"somebody"), (79, b"\x02\x00\x00\x05\x01")], RefusalReason.EAP_NOT_OFFERED),
        ([(1, b"02-00-00-00-00-01"), PHONE], RefusalReason.DEVICE_NOT_REMEMBERED),
        ([(1, b"x"), (6, integer(10))], RefusalReason.DEVICE_NOT_REMEMBERED),
    ],
    ids=["the NAS", "EAP", "an unknown device", "no device"],
)
def test_machines_are_refused_without_a_word_and_counted_apart(
    library: Library, attributes: Attributes, reason: RefusalReason
) -> None:
    before = quietly_refused(reason)

    reply = library.people.answer_person(library.exchange(attributes), NOW)

    assert reply == Reject([])
    assert library.noted == []
    assert quietly_refused(reason) == before + 1


def quietly_refused(reason: RefusalReason) -> float:
    return REGISTRY.get_sample_value("parvis_radius_quiet_refusals_total", {"reason": reason.value}) or 0


# ---- MAC authentication ----


def test_a_remembered_device_is_let_in_and_its_grant_is_marked(library: Library) -> None:
    library.remembers()

    reply = library.connects()

    assert isinstance(reply, Accept)
    grant = library.grant()
    assert (grant.way, grant.by_mac, grant.patron_id) == (Way.LIBRARY_CARD, True, library.patron.id)
    assert dict(reply.attributes)["Class"] == grant.id.bytes
    with library.database.reading() as db:
        assert db.scalars(select(RememberedDevice)).one().last_used_at == NOW


def test_call_check_is_the_same_question(library: Library) -> None:
    library.remembers()

    reply = library.people.answer_person(library.exchange([(1, b"anything"), (6, integer(10)), PHONE]), NOW)

    assert isinstance(reply, Accept)


def test_asking_again_for_a_device_finds_the_same_grant(library: Library) -> None:
    library.remembers()
    before = library.grants()

    assert library.connects() == library.connects()
    assert library.grants() == before + 1


def test_one_that_is_remembered_no_longer_is_unknown(library: Library) -> None:
    library.remembers(expires_at=NOW)

    assert library.connects() == Reject([])
    assert library.noted == []


def test_one_that_was_forgotten_is_unknown(library: Library) -> None:
    library.remembers()
    library.change(lambda db: db.delete(db.scalars(select(RememberedDevice)).one()))

    assert library.connects() == Reject([])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"blocked": True}, RefusalReason.CARD_BLOCKED),
        ({"expires_on": (NOW - timedelta(days=1)).date()}, RefusalReason.CARD_EXPIRED),
    ],
    ids=["blocked", "expired"],
)
def test_a_card_that_is_good_no_longer_opens_nothing(
    library: Library, change: dict[str, Any], reason: RefusalReason
) -> None:
    library.remembers()

    def spoil(db: Session) -> None:
        patron = db.get_one(Patron, library.patron.id)
        for name, value in change.items():
            setattr(patron, name, value)

    library.change(spoil)

    reply = library.connects()

    assert reply == Reject([])  # bare: the access point shows its portal
    assert library.refusal(reply) is reason


def test_newer_terms_are_accepted_at_the_portal_first(library: Library) -> None:
    library.remembers()
    library.change(lambda db: factories.make_terms(db, organisation=db.get_one(Site, library.site_id).organisation))

    assert library.refusal(library.connects()) is RefusalReason.TERMS_NOT_ACCEPTED


def test_devices_at_once_are_counted_per_person(library: Library) -> None:
    library.remembers()
    library.types(library.patron.card_number, pap(factories.PIN), (31, b"02-00-00-00-00-02"))

    assert library.refusal(library.connects()) is RefusalReason.TOO_MANY_DEVICES


def test_a_visit_that_is_not_over_goes_on(library: Library) -> None:
    library.types(library.code, pap(""))
    library.now += timedelta(minutes=5)

    assert isinstance(library.connects(), Accept)
    assert library.grants() == 1


# ---- while the database is away ----


def takes_the_database_away(library: Library, settings: Settings) -> None:
    nowhere = "postgresql+psycopg://nobody@127.0.0.1:1/nothing?connect_timeout=1"
    library.people._database = open_database(settings.model_copy(update={"database_url": nowhere}))


def test_a_visit_goes_on_while_the_database_is_away(library: Library, settings: Settings) -> None:
    library.types(library.code, pap(""))
    takes_the_database_away(library, settings)
    library.now += timedelta(minutes=30)

    reply = library.connects()

    assert isinstance(reply, Accept)
    attributes = dict(reply.attributes)
    assert attributes["Session-Timeout"] == 90 * 60
    assert attributes["Class"] == library.grant().id.bytes
    assert library.noted[-1].grant_id == library.grant().id.hex


def test_a_database_that_does_not_answer_is_as_good_as_away(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """It hangs: no error comes, and whoever asks it waits."""
    library.types(library.code, pap(""))
    there, asked, answers = library.database.transaction, threading.Event(), threading.Event()

    @contextmanager
    def hanging() -> Iterator[Session]:
        asked.set()
        answers.wait(10)
        with there() as db:
            yield db

    monkeypatch.setattr(library.database, "transaction", hanging)
    waiting = threading.Thread(target=library.connects)
    waiting.start()
    asked.wait(10)
    library.now += timedelta(seconds=2)

    assert isinstance(library.connects(), Accept)
    assert waiting.is_alive()
    answers.set()
    waiting.join()


def test_whoever_asks_a_database_that_hangs_leaves_room_for_who_is_known(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many at once that none has waited for long yet."""
    library.types(library.code, pap(""))
    asked, answers, there = threading.Semaphore(0), threading.Event(), library.database.reading

    @contextmanager
    def hanging() -> Iterator[Session]:
        asked.release()
        answers.wait(10)
        with there() as db:
            yield db

    monkeypatch.setattr(library.database, "reading", hanging)
    monkeypatch.setattr(people, "_DOUBT_AFTER", timedelta(milliseconds=10))
    exchanges = [library.exchange([(1, b"a card"), *pap("0000"), PHONE]) for _ in range(PeopleLane.WORKERS - 2)]
    typing = [threading.Thread(target=library.people.answer_person, args=(each, NOW)) for each in exchanges]
    for each in typing:
        each.start()
    for _ in typing:
        asked.acquire(timeout=10)

    assert library.types("one more", pap("0000")) is DiscardReason.DATABASE_AWAY
    assert isinstance(library.connects(), Accept)
    answers.set()
    for each in typing:
        each.join()


def test_it_ends_when_its_grant_does(library: Library, settings: Settings) -> None:
    library.types(library.code, pap(""))
    takes_the_database_away(library, settings)
    library.now += timedelta(hours=2)

    assert library.refusal(library.connects()) is RefusalReason.GRANT_ENDED


def test_nothing_begins_while_the_database_is_away(library: Library, settings: Settings) -> None:
    library.remembers()
    takes_the_database_away(library, settings)

    assert library.connects() is DiscardReason.DATABASE_AWAY
    assert library.types(library.code, pap("")) is DiscardReason.DATABASE_AWAY
    assert library.noted == []


def test_a_database_that_was_away_is_tried_again_after_a_moment(library: Library, settings: Settings) -> None:
    there = library.people._database
    takes_the_database_away(library, settings)
    library.types(library.code, pap(""))
    library.people._database = there

    assert library.types(library.code, pap("")) is DiscardReason.DATABASE_AWAY
    library.now += timedelta(seconds=5)
    assert isinstance(library.types(library.code, pap("")), Accept)


def test_a_grant_that_was_ended_is_known_no_longer(library: Library, settings: Settings, redis: "Redis") -> None:
    library.types(library.code, pap(""))

    def end(db: Session) -> None:
        db.scalars(select(Grant)).one().ends_at = NOW + timedelta(seconds=1)

    library.change(end)
    library.now += timedelta(seconds=2)
    library.connects()

    assert KnownDevices(redis).find(library.site_id, "020000000001") is None


def test_everything_is_silent_while_redis_is_away(library: Library, settings: Settings, vault: Vault) -> None:
    nobody = Redis(port=1)
    library.people._known = KnownDevices(nobody)
    library.people._limits = RateLimits(nobody, vault.digest)

    assert library.types(library.code, pap("")) is DiscardReason.REDIS_AWAY
    assert library.connects() is DiscardReason.REDIS_AWAY


def test_the_desk_can_be_told_of_a_refusal(library: Library, redis: "Redis", vault: Vault) -> None:
    library.types("no such card", pap("1234"))
    with library.database.reading() as db:
        organisation_id = db.get_one(Site, library.site_id).organisation_id
    found = RefusalMemory(redis, vault.digest).find([card_subject(organisation_id, "no such card")])
    assert found is not None
    assert found.refusal.reason is RefusalReason.UNKNOWN_CARD_OR_PIN


# ---- a card that the library's own system has to say yes to ----


@pytest.fixture
def with_system(library: Library) -> Library:
    library.played.knows(Reader("CARD-1"), "1234")

    def point_at_it(db: Session) -> None:
        offer = db.get_one(Offer, library.card_offer_id)
        offer.library_system_id = factories.make_library_system(db, organisation=offer.organisation).id

    library.change(point_at_it)
    return library


def test_a_librarys_own_system_is_asked(with_system: Library) -> None:
    reply = with_system.types("CARD-1", pap("1234"))

    assert isinstance(reply, Accept)
    assert with_system.played.asked == ["CARD-1"]
    assert with_system.grant().patron_id is not None


def test_what_it_does_not_know_is_refused(with_system: Library) -> None:
    assert with_system.refusal(with_system.types("CARD-1", pap("9"))) is RefusalReason.UNKNOWN_CARD_OR_PIN


def test_while_it_is_away_a_reader_of_lately_gets_in_and_nobody_else(with_system: Library) -> None:
    with_system.types("CARD-1", pap("1234"))
    with_system.played.is_away = True

    assert isinstance(with_system.types("CARD-1", pap("1234")), Accept)
    assert with_system.refusal(with_system.types("CARD-2", pap("1234"))) is RefusalReason.LIBRARY_AWAY


# ---- announcements ----


@pytest.fixture
def square(library: Library) -> Library:
    """No library any more, with an announcement every thirty minutes, for a reader of age."""

    def change(db: Session) -> None:
        site = db.get_one(Site, library.site_id)
        site.kind = SiteKind.SQUARE
        for offer in db.scalars(select(Offer)):
            offer.announcement_every = timedelta(minutes=30)
        db.scalars(select(Patron)).one().born_on = date(1980, 1, 1)
        announcements.make_announcement(db, announcements.make_campaign(db, site.organisation))

    library.change(change)
    library.remembers()
    return library


def see_one(library: Library) -> None:
    """On the portal, where the refused device was sent."""
    with library.database.transaction() as db:
        grant = db.merge(library.grant())
        turn = begin_turn(db, grant, load_rotation(db, grant.site, library.now), library.now)
        assert turn is not None
        library.now = turn.ready_at
        assert complete_turn(db, turn.id, grant.device_mac, library.now) is Completion.DONE


def test_a_remembered_device_is_sent_to_the_portal_while_one_is_due(square: Library, redis: "Redis") -> None:
    reply = square.connects()

    assert square.refusal(reply) is RefusalReason.ANNOUNCEMENT_DUE
    assert square.grant().device_mac == factories.DEVICE_MAC  # which the portal goes on with
    ReturningDevices(redis).fill({})
    assert ReturningDevices(redis).look_up(factories.DEVICE_MAC).perhaps  # so that no form is shown


def test_it_is_let_in_once_one_was_seen_and_for_no_longer_than_until_the_next(square: Library) -> None:
    square.connects()
    see_one(square)

    reply = square.connects()

    assert isinstance(reply, Accept)
    assert dict(reply.attributes)["Session-Timeout"] == 1800
    assert square.grants() == 2  # with the one of a week ago


def test_where_nothing_is_to_be_shown_it_is_let_in_at_once(square: Library) -> None:
    square.change(lambda db: setattr(db.scalars(select(Campaign)).one(), "paused_at", square.now))

    assert isinstance(square.connects(), Accept)


def test_a_code_that_is_typed_waits_for_one_too(square: Library) -> None:
    reply = square.types(square.code, pap(""))

    assert square.refusal(reply) is RefusalReason.ANNOUNCEMENT_DUE
