"""What was scanned or typed: found in any spelling, answered on one page, with what can be done about it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, time, timedelta

import pytest
from redis import Redis

from hotspot.adapters.rate_limit import CARD, DEVICE, Attempt, RateLimits
from hotspot.adapters.refusal_memory import RefusalMemory
from hotspot.db import Database
from hotspot.models import Grant, OfferAllowance, OpeningInterval, RememberedDevice, SessionWish, Site, Voucher
from hotspot.policy.voucher_codes import print_code
from hotspot.sealing import Vault
from hotspot.services.attempts import card_subject, device_subject
from hotspot.services.remembering import remember_device
from hotspot.values import Period, RefusalReason, Refuse, SiteKind, Way
from tests import factories
from tests.fixtures.redis import redis_that_is_away
from tests.hotspot_admin.conftest import Browser, Clock, Town
from tests.page_client import Page

MAC, SPELT = "0200000000aa", "02:00:00:00:00:AA"
NUMBER = "25900012345"


@dataclass(frozen=True)
class Desk:
    """Numbers, not rows."""

    organisation_id: int
    batch_id: int
    code: str
    voucher_offer_id: int
    card_offer_id: int
    patron_id: int


@pytest.fixture
def desk(database: Database, town: Town, vault: Vault) -> Desk:
    """At the library: a pass that nobody has used, and a card."""
    with database.transaction() as db:
        library = db.get_one(Site, town.library)
        passes = factories.make_offer(db, site=library, way=Way.VOUCHER, name="Pass du jour", visit_time=None)
        cards = factories.make_offer(
            db, site=library, way=Way.LIBRARY_CARD, name="Carte", remember_for=timedelta(days=30)
        )
        voucher = factories.make_voucher(db, offer=passes)
        voucher.batch.label = "Madame Martin"
        patron = factories.make_patron(db, organisation=library.organisation, card_number=NUMBER)
        code = vault.open(voucher.code_sealed)
        return Desk(library.organisation_id, voucher.batch_id, code, passes.id, cards.id, patron.id)


def ask(browser: Browser, text: str) -> Page:
    """Type it at the desk, and read the answer."""
    answer = browser.submit(browser.get("/desk").form("/desk/look-up"), asked=text)
    return browser.follow(answer) if answer.location else answer


def verdict(page: Page) -> str:
    return page.root.one("div", class_="verdict").text.replace("\xa0", " ").replace("\u202f", " ")


def buttons(page: Page) -> list[str]:
    return [each.text for each in page.root.one("main").all("button", "a") if "button" in (each.tag, each.get("class"))]


def press(browser: Browser, page: Page, action: str) -> Page:
    (form,) = [each for each in page.root.all("form") if re.search(action, each.get("action"))]
    return browser.follow(browser.submit(page.form(form["action"])))


def goes_online(database: Database, desk: Desk, way: Way, *, minutes: int = 120, **grant: object) -> None:
    """With the pass or the card, on an Android telephone."""
    with database.transaction() as db:
        factories.make_device(db, MAC, family="android")
        whose: dict[str, object] = {
            "patron_id": desk.patron_id,
            "offer": db.get_one(factories.Offer, desk.card_offer_id),
        }
        if way is Way.VOUCHER:
            voucher = db.query(Voucher).one()
            whose = {"voucher": voucher, "offer": voucher.batch.offer}
            voucher.redeemed_at, voucher.ends_at = factories.NOW, factories.NOW + timedelta(minutes=minutes)
        ends_at = factories.NOW + timedelta(minutes=minutes)
        made = factories.make_grant(db, device_mac=MAC, ends_at=ends_at, **whose | grant)  # type: ignore[arg-type]
        factories.make_wifi_session(db, grant=made)


# ---- found ----


@pytest.mark.parametrize(
    "spelt",
    [
        str,
        str.lower,
        print_code,
        lambda code: f"  {print_code(code)} ",
        lambda code: f"http://localhost:8080/v/{code}",
        lambda code: f"https://wifi.town.test/sub/v/{code.lower()}?lang=fr",
        lambda code: f"https://wifi.town.test/hotspot?code={print_code(code)}",
    ],
)
def test_a_pass_is_found_by_its_code_or_its_qr_code(
    librarian: Browser, desk: Desk, spelt: Callable[[str], str]
) -> None:
    page = ask(librarian, spelt(desk.code))
    assert page.h1 == f"Ticket {desk.batch_id}-1 · Madame Martin"
    assert verdict(page) == "Il peut servir maintenant."


@pytest.mark.parametrize("spelt", [SPELT, SPELT.lower(), "02-00-00-00-00-AA", "0200.0000.00aa", "0200000000AA"])
def test_a_device_is_found_in_any_punctuation(librarian: Browser, database: Database, desk: Desk, spelt: str) -> None:
    goes_online(database, desk, Way.LIBRARY_CARD)
    page = ask(librarian, spelt)
    assert page.h1 == f"Appareil {SPELT.lower()}"
    assert verdict(page) == "Rien ne lui fait obstacle."
    assert NUMBER not in page.html


def test_a_card_is_found_by_its_number(librarian: Browser, desk: Desk) -> None:
    page = ask(librarian, f" {NUMBER}\n")
    assert page.h1 == f"Carte {NUMBER} · Camille Martin"
    assert "en règle" in verdict(page)
    assert NUMBER not in page.path


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "nobody",
        "4" * 600,
        "ACDE-FHJK-MNPR",
        "00:11:22:33:44:55",
        "é\x00",
        "http://[",
        "%s'\"<b>",
        "../../etc",
    ],
    ids=repr,
)
def test_what_is_unknown_is_said_on_the_desk_itself(librarian: Browser, desk: Desk, text: str) -> None:
    page = ask(librarian, text)
    assert page.status == 404
    assert page.h1 == "Guichet"
    assert page.root.one("p", id="asked-error").text
    assert page.root.one("input", name="asked")["value"] == text.strip()[:500]


def test_nothing_of_another_town_is_found(
    stranger: Browser, librarian: Browser, database: Database, desk: Desk
) -> None:
    goes_online(database, desk, Way.VOUCHER)
    for text in (desk.code, NUMBER, MAC):
        assert ask(stranger, text).status == 404
    for known in (ask(librarian, NUMBER), ask(librarian, MAC)):
        seen = stranger.get(known.path)
        assert "Camille" not in seen.html
        assert "Android" not in seen.html
    assert stranger.get(ask(librarian, desk.code).path).status == 404


def test_a_pass_of_another_site_of_the_town_is_named_and_not_shown(
    librarian: Browser, database: Database, town: Town, vault: Vault
) -> None:
    with database.transaction() as db:
        offer = factories.make_offer(db, site=db.get_one(Site, town.square), way=Way.VOUCHER)
        voucher = factories.make_voucher(db, offer=offer)
        voucher.batch.label = "Monsieur Secret"
    page = ask(librarian, vault.open(voucher.code_sealed))
    assert page.status == 404
    assert "Place du Marché" in page.text
    assert "Secret" not in page.html


@pytest.mark.parametrize("path", ["card", "device"])
def test_a_forged_address_is_no_page(librarian: Browser, administrator: Browser, vault: Vault, path: str) -> None:
    for token in ("x", vault.seal("stored secret").decode(), vault.seal("nas x").decode()):
        assert librarian.get(f"/desk/{path}/{token}").status == 404


# ---- answered ----


def test_a_void_pass_says_since_when_and_what_to_do(
    librarian: Browser, database: Database, desk: Desk, clock: Clock
) -> None:
    with database.transaction() as db:
        db.query(Voucher).one().voided_at = clock.now - timedelta(minutes=30)
    page = ask(librarian, desk.code)
    for said in ("Il a été invalidé.", "Depuis 09:30.", "imprimez un nouveau ticket", "Le visiteur lit : « "):
        assert said in verdict(page)
    assert buttons(page) == ["Chercher"]


def test_a_pass_that_is_over_can_have_another_hour(
    librarian: Browser, database: Database, desk: Desk, clock: Clock
) -> None:
    goes_online(database, desk, Way.VOUCHER, minutes=60)
    clock.now += timedelta(minutes=90)
    page = ask(librarian, desk.code)
    assert "Son temps est écoulé. Depuis 11:00." in verdict(page)
    given = press(librarian, page, "/hour$")
    assert "valable jusqu’à 12:30" in verdict(given)
    assert given.path == page.path


def test_a_pass_that_nobody_used_in_time(librarian: Browser, database: Database, desk: Desk, clock: Clock) -> None:
    with database.transaction() as db:
        db.query(Voucher).one().batch.expires_at = clock.now - timedelta(hours=1)
    page = ask(librarian, desk.code)
    assert "Il n’a pas été utilisé à temps. Depuis 09:00." in verdict(page)
    assert "Réimprimer" not in page.text


def test_a_closed_site_says_until_when(librarian: Browser, database: Database, desk: Desk, town: Town) -> None:
    with database.transaction() as db:
        db.get_one(Site, town.library).opening_intervals = [
            OpeningInterval(weekday=day, opens_at=time(14), closes_at=time(18)) for day in range(7)
        ]
    for text in (desk.code, NUMBER):
        assert "Le lieu est fermé à cette heure. Jusqu’à 14:00." in verdict(ask(librarian, text))


def test_the_devices_of_a_pass_are_families_to_a_librarian_and_addresses_to_others(
    librarian: Browser, administrator: Browser, database: Database, desk: Desk
) -> None:
    goes_online(database, desk, Way.VOUCHER)
    page = ask(librarian, desk.code)
    assert "Il vaut pour un appareil, qui l’a déjà" in page.text
    row = page.root.one("ul", class_="visits").one("li").text
    assert "Android" in row
    assert "En ligne" in row
    assert SPELT.lower() not in page.html
    assert SPELT.lower() in ask(administrator, desk.code).html


def test_a_device_leads_to_its_pass_and_to_one_more_hour(
    librarian: Browser, database: Database, desk: Desk, clock: Clock
) -> None:
    goes_online(database, desk, Way.VOUCHER)
    page = ask(librarian, MAC)
    assert librarian.get(page.link(f"Ticket {desk.batch_id}-1")).status == 200
    press(librarian, page, "/hour$")
    with database.reading() as db:
        assert db.query(Grant).one().ends_at == clock.now + timedelta(hours=3)
        assert [wish.kind.value for wish in db.query(SessionWish)] == ["change"]


def test_a_blocked_and_an_outdated_card_say_so(librarian: Browser, database: Database, desk: Desk) -> None:
    with database.transaction() as db:
        db.get_one(factories.Patron, desk.patron_id).expires_on = date(2026, 3, 9)
    assert "La carte est périmée." in verdict(ask(librarian, NUMBER))
    with database.transaction() as db:
        db.get_one(factories.Patron, desk.patron_id).blocked = True
    assert "La carte est bloquée." in verdict(ask(librarian, NUMBER))


def test_a_readers_visit_gets_one_more_hour_and_its_connection_is_ended(
    librarian: Browser, database: Database, desk: Desk, clock: Clock
) -> None:
    goes_online(database, desk, Way.LIBRARY_CARD)
    page = press(librarian, ask(librarian, NUMBER), "/visit/.*/hour$")
    assert "jusqu’à 13:00" in page.text
    assert page.h1.startswith("Carte")
    press(librarian, page, "/connection/.*/end$")
    with database.reading() as db:
        assert db.query(Grant).one().ends_at == clock.now + timedelta(hours=3)
        assert {wish.kind.value for wish in db.query(SessionWish)} == {"change", "disconnect"}


def test_what_was_used_up_is_said(librarian: Browser, database: Database, desk: Desk) -> None:
    goes_online(database, desk, Way.VOUCHER, octets_allowed=0)
    assert "Le volume de données est épuisé." in verdict(ask(librarian, desk.code))


def test_a_day_that_is_used_up_is_so_for_a_second_device_too(
    librarian: Browser, database: Database, desk: Desk
) -> None:
    with database.transaction() as db:
        offer = db.get_one(factories.Offer, desk.card_offer_id)
        offer.devices_at_once, offer.allowances = 3, [OfferAllowance(period=Period.DAY, octets=1000)]
    goes_online(database, desk, Way.LIBRARY_CARD)
    with database.transaction() as db:
        db.query(factories.WifiSessionCounter).one().download_octets = 1000
    assert "Le volume de données est épuisé." in verdict(ask(librarian, NUMBER))


def test_an_announcement_that_is_due_is_in_nobodys_way(librarian: Browser, database: Database, desk: Desk) -> None:
    with database.transaction() as db:
        db.get_one(Site, db.query(Voucher).one().batch.site_id).kind = SiteKind.SQUARE
    goes_online(database, desk, Way.VOUCHER, announcement_every=timedelta(minutes=30))
    assert "annonce" not in verdict(ask(librarian, desk.code))


def test_only_today_is_told(librarian: Browser, database: Database, desk: Desk, clock: Clock) -> None:
    goes_online(database, desk, Way.LIBRARY_CARD, minutes=60)
    clock.now += timedelta(hours=14)
    librarian.sign_in("librarian@parvis.test")
    assert ask(librarian, MAC).status == 404
    assert not ask(librarian, NUMBER).root.all("ul", class_="visits")


def test_a_librarian_cannot_block_and_an_administrator_can(
    librarian: Browser, administrator: Browser, desk: Desk
) -> None:
    assert "Bloquer ou débloquer" not in ask(librarian, NUMBER).text
    page = ask(administrator, NUMBER)
    assert administrator.get(page.link("Bloquer ou débloquer")).h1 == f"Carte {NUMBER}"


# ---- what Redis knows ----


def test_a_lock_says_its_end_and_is_lifted(
    librarian: Browser, desk: Desk, redis: "Redis", vault: Vault, clock: Clock
) -> None:
    limits = RateLimits(redis, vault.digest)
    for _ in range(CARD.at_most):
        limits.take([Attempt(CARD, f"{desk.organisation_id}:{NUMBER}")])
    page = ask(librarian, NUMBER)
    assert re.search(r"trop d’essais manqués\. Jusqu’à 10:1[45]\.", verdict(page))
    lifted = press(librarian, page, "/lift$")
    assert "en règle" in verdict(lifted)
    assert limits.take([Attempt(CARD, f"{desk.organisation_id}:{NUMBER}")]) is None


def test_a_device_that_guessed_is_let_try_again(
    librarian: Browser, desk: Desk, redis: "Redis", vault: Vault, clock: Clock
) -> None:
    limits = RateLimits(redis, vault.digest)
    for _ in range(DEVICE.at_most):
        limits.take([Attempt(DEVICE, MAC)])
    RefusalMemory(redis, vault.digest).remember(
        [device_subject(MAC)], Refuse(RefusalReason.UNKNOWN_CARD_OR_PIN), clock.now
    )
    page = ask(librarian, SPELT)
    assert "trop d’essais manqués" in verdict(page)
    assert "Le numéro de carte et le code ne vont pas ensemble." in page.text
    assert "n’a pas été admis" in verdict(press(librarian, page, "/lift$"))


def test_the_last_refusal_is_told_when_nothing_is_wrong_any_more(
    librarian: Browser, desk: Desk, redis: "Redis", vault: Vault, clock: Clock
) -> None:
    RefusalMemory(redis, vault.digest).remember(
        [card_subject(desk.organisation_id, NUMBER)], Refuse(RefusalReason.TOO_MANY_DEVICES), clock.now
    )
    page = ask(librarian, NUMBER)
    assert "en règle" in verdict(page)
    assert "Dernier refus" in page.text
    assert "Tous les appareils permis sont déjà en ligne." in page.text


def test_a_card_that_the_file_does_not_have_is_told_if_it_was_tried(
    librarian: Browser, desk: Desk, redis: "Redis", vault: Vault, clock: Clock
) -> None:
    RefusalMemory(redis, vault.digest).remember(
        [card_subject(desk.organisation_id, "777")], Refuse(RefusalReason.UNKNOWN_CARD_OR_PIN), clock.now
    )
    page = ask(librarian, "777")
    assert page.h1 == "Carte 777"
    assert "Inconnue ici" in verdict(page)


def test_without_redis_the_tables_still_answer(
    librarian: Browser, desk: Desk, staff_app: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = redis_that_is_away()
    monkeypatch.setattr("hotspot_admin.answering.RateLimits", lambda _, digest: RateLimits(nowhere, digest))
    monkeypatch.setattr("hotspot_admin.answering.RefusalMemory", lambda _, digest: RefusalMemory(nowhere, digest))
    assert "en règle" in verdict(ask(librarian, NUMBER))


# ---- devices that are remembered ----


def test_remembered_devices_are_forgotten(librarian: Browser, database: Database, desk: Desk, clock: Clock) -> None:
    goes_online(database, desk, Way.LIBRARY_CARD)
    with database.transaction() as db:
        assert remember_device(db, db.query(Grant).one(), clock.now)
    assert "Oublier cet appareil" in ask(librarian, MAC).text
    page = press(librarian, ask(librarian, NUMBER), "/forget$")
    assert "sont oubliés" in page.text
    with database.reading() as db:
        assert db.query(RememberedDevice).count() == 0
    assert "Oublier" not in ask(librarian, MAC).text
