"""POST /sign-in and /continue: the three ways in, every refusal, and what happens when something is away."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hotspot.adapters.one_time_login import Claim, OneTimeLogins
from hotspot.adapters.rate_limit import VOUCHER_PREFIX
from hotspot.adapters.refusal_memory import RefusalMemory
from hotspot.db import Database, open_database
from hotspot.models import Grant, Nas, Offer, OfferAllowance, Patron, Site, Voucher
from hotspot.services.attempts import card_subject, device_subject
from hotspot.settings import Settings
from hotspot.values import Period, RefusalReason, Refuse, Way
from hotspot.vendors.coovachilli import chap_response
from hotspot.wording import explain, explain_refusal
from portal import create_app
from tests import factories
from tests.page_client import Page, PageClient
from tests.portal.conftest import CHALLENGE, ENGLISH, FRENCH, Clock, Town, redirect_of

Arrange = Callable[[Session, Town], None]
YESTERDAY = date(2026, 3, 9)


@dataclass(frozen=True)
class Asking:
    """What a visitor does, on which device."""

    way: Way
    card_number: str = "the right one"
    pin: str = factories.PIN
    code: str = "the right one"
    device_mac: str = factories.DEVICE_MAC


CARD, CODE, TAP = Asking(Way.LIBRARY_CARD), Asking(Way.VOUCHER), Asking(Way.ONE_TAP)


def ask(pages: PageClient, town: Town, asking: Asking, headers: Any = FRENCH, **changed: Any) -> Page:
    """Open the page, fill in the form of this way, press its button."""
    page = pages.get(redirect_of(town, mac=asking.device_mac), headers=headers)
    return post(pages, town, page, asking, headers=headers, **changed)


def post(pages: PageClient, town: Town, page: Page, asking: Asking, headers: Any = FRENCH, **changed: Any) -> Page:
    token = page.root.all("input", name="arrival")[0]["value"]
    data: dict[str, Any] = {"arrival": token, "accept_terms": "3"}
    match asking.way:
        case Way.LIBRARY_CARD:
            number = town.card_number if asking.card_number == "the right one" else asking.card_number
            data |= {"offer": town.card_offer_id, "card_number": number, "pin": asking.pin}
        case Way.VOUCHER:
            code = town.voucher_code if asking.code == "the right one" else asking.code
            data |= {"offer": town.voucher_offer_id, "voucher_code": code}
        case Way.ONE_TAP:
            data |= {"offer": town.one_tap_offer_id}
    return pages.post("/sign-in", data | changed, headers=headers)


def grants(database: Database) -> int:
    with database.reading() as db:
        return db.scalar(select(func.count()).select_from(Grant)) or 0


def is_let_in(page: Page) -> bool:
    return page.status == HTTPStatus.SEE_OTHER and page.location.startswith("http://10.1.0.1:3990/logon?username=")


@pytest.mark.parametrize("asking", [CARD, CODE, TAP], ids=lambda asking: asking.way.value)
def test_each_way_leads_back_to_the_access_point_with_a_one_time_login(
    pages: PageClient, town: Town, database: Database, redis: "Redis", settings: Settings, asking: Asking
) -> None:
    page = ask(pages, town, asking)

    assert is_let_in(page)
    query = parse_qs(urlsplit(page.location).query)
    [login] = OneTimeLogins(redis, settings.one_time_login_life).claim([Claim(query["username"][0], b"request")])
    assert login is not None
    assert query["response"] == [chap_response(login.password, CHALLENGE, factories.REDIRECT_SECRET)]
    with database.reading() as db:
        grant = db.scalars(select(Grant)).one()
        assert (grant.id, grant.way, grant.terms_version, grant.language) == (
            login.terms.grant_id,
            asking.way,
            3,
            "fr",
        )
        assert (grant.patron_id is not None) == (asking.way is Way.LIBRARY_CARD)
        assert (grant.voucher_id is not None) == (asking.way is Way.VOUCHER)


@pytest.mark.parametrize("asking", [CARD, CODE, TAP], ids=lambda asking: asking.way.value)
def test_the_forms_of_the_page_work_as_a_browser_fills_them_in(
    pages: PageClient, town: Town, welcome: Page, asking: Asking
) -> None:
    offers = {Way.LIBRARY_CARD: town.card_offer_id, Way.VOUCHER: town.voucher_offer_id}
    form = welcome.form("/sign-in", offer=str(offers.get(asking.way, town.one_tap_offer_id)))
    typed = {
        Way.LIBRARY_CARD: {"card_number": town.card_number, "pin": factories.PIN},
        Way.VOUCHER: {"voucher_code": town.voucher_code.lower()},
        Way.ONE_TAP: {},
    }
    assert is_let_in(pages.submit(form, **typed[asking.way]))


def expire_card(db: Session, town: Town) -> None:
    patron_of(db, town).expires_on = YESTERDAY


def block_card(db: Session, town: Town) -> None:
    patron_of(db, town).blocked = True


def patron_of(db: Session, town: Town) -> Patron:
    return db.scalars(select(Patron).where(Patron.card_number == town.card_number)).one()


def use_voucher(db: Session, town: Town) -> None:
    offer, voucher = db.get_one(Offer, town.voucher_offer_id), db.scalars(select(Voucher)).one()
    voucher.redeemed_at, voucher.ends_at = factories.NOW, factories.NOW + timedelta(hours=2)
    factories.make_grant(db, offer=offer, voucher=voucher, nas=db.get_one(Nas, town.nas_id), device_mac="020000000002")


def void_voucher(db: Session, town: Town) -> None:
    db.scalars(select(Voucher)).one().voided_at = factories.NOW


def outdate_voucher(db: Session, town: Town) -> None:
    db.scalars(select(Voucher)).one().batch.expires_at = factories.NOW - timedelta(minutes=1)


def close_site(db: Session, town: Town) -> None:
    for each in db.get_one(Site, town.site_id).opening_intervals:
        each.opens_at = each.opens_at.replace(hour=14)


def connect_another_device(db: Session, town: Town) -> None:
    offer = db.get_one(Offer, town.card_offer_id)
    nas = db.get_one(Nas, town.nas_id)
    factories.make_grant(db, offer=offer, patron=patron_of(db, town), nas=nas, device_mac="020000000002")


def retire_offer(db: Session, town: Town) -> None:
    db.get_one(Offer, town.one_tap_offer_id).retired_at = factories.NOW


def use_up(db: Session, town: Town) -> None:
    """A visit of one hour online within two, all of it used."""
    nas = db.get_one(Nas, town.nas_id)
    grant = factories.make_grant(
        db, offer=db.get_one(Offer, town.one_tap_offer_id), nas=nas, time_allowed=timedelta(hours=1)
    )
    factories.make_wifi_session(db, grant=grant, nas=nas, session_seconds=3600)


def use_up_volume(db: Session, town: Town) -> None:
    nas = db.get_one(Nas, town.nas_id)
    grant = factories.make_grant(db, offer=db.get_one(Offer, town.one_tap_offer_id), nas=nas, octets_allowed=1000)
    factories.make_wifi_session(db, grant=grant, nas=nas, download_octets=1000)


def nothing(db: Session, town: Town) -> None:
    """As it is."""


REFUSALS = [
    (RefusalReason.UNKNOWN_CARD_OR_PIN, 422, nothing, Asking(Way.LIBRARY_CARD, pin="9999"), {}),
    (RefusalReason.UNKNOWN_CARD_OR_PIN, 422, nothing, Asking(Way.LIBRARY_CARD, card_number="nobody"), {}),
    (RefusalReason.CARD_EXPIRED, 403, expire_card, CARD, {}),
    (RefusalReason.CARD_BLOCKED, 403, block_card, CARD, {}),
    (RefusalReason.VOUCHER_UNKNOWN, 422, nothing, Asking(Way.VOUCHER, code="2222-2222-2222"), {}),
    (RefusalReason.VOUCHER_UNKNOWN, 422, nothing, Asking(Way.VOUCHER, code="no code at all"), {}),
    (RefusalReason.VOUCHER_USED, 409, use_voucher, CODE, {}),
    (RefusalReason.VOUCHER_VOID, 403, void_voucher, CODE, {}),
    (RefusalReason.VOUCHER_EXPIRED, 403, outdate_voucher, CODE, {}),
    (RefusalReason.TERMS_NOT_ACCEPTED, 422, nothing, TAP, {"accept_terms": ""}),
    (RefusalReason.TERMS_NOT_ACCEPTED, 422, nothing, TAP, {"accept_terms": "2"}),
    (RefusalReason.TERMS_NOT_ACCEPTED, 422, nothing, TAP, {"accept_terms": "yes"}),
    (RefusalReason.SITE_CLOSED, 403, close_site, TAP, {}),
    (RefusalReason.OFFER_NOT_HERE, 403, nothing, TAP, {"offer": "999999"}),
    (RefusalReason.OFFER_NOT_HERE, 403, nothing, TAP, {"offer": "one' OR 1=1"}),
    (RefusalReason.OFFER_NOT_HERE, 403, nothing, TAP, {"offer": ""}),
    (RefusalReason.OFFER_NOT_HERE, 403, retire_offer, TAP, {}),
    (RefusalReason.TOO_MANY_DEVICES, 409, connect_another_device, CARD, {}),
    (RefusalReason.TIME_USED_UP, 403, use_up, TAP, {}),
    (RefusalReason.VOLUME_USED_UP, 403, use_up_volume, TAP, {}),
]


@pytest.mark.parametrize("headers", [FRENCH, ENGLISH], ids=["fr", "en"])
@pytest.mark.parametrize(
    ("reason", "status", "arrange", "asking", "changed"),
    REFUSALS,
    ids=[f"{case[0].value}-{number}" for number, case in enumerate(REFUSALS)],
)
def test_a_refusal_says_so_and_makes_no_grant(
    pages: PageClient,
    town: Town,
    database: Database,
    welcome: Page,
    reason: RefusalReason,
    status: int,
    arrange: Arrange,
    asking: Asking,
    changed: dict[str, str],
    headers: dict[str, str],
) -> None:
    language = headers["Accept-Language"]
    page = pages.get(redirect_of(town), headers=headers)  # opened before anything changed
    with database.transaction() as db:
        arrange(db, town)
    before = grants(database)

    answer = post(pages, town, page, asking, headers=headers, **changed)

    assert answer.status == status
    assert answer.language == language
    notice = answer.root.one("div", id="notice")
    explanation = explain_refusal(Refuse(reason, day=YESTERDAY), language)
    assert explanation.title in notice.text
    assert explanation.what_to_do in notice.text
    assert "autofocus" in notice.attributes
    assert answer.title.startswith(("Problème", "Problem"))
    assert grants(database) == before
    assert "Set-Cookie" not in answer.headers


def test_a_closed_site_says_when_it_opens(pages: PageClient, town: Town, database: Database, welcome: Page) -> None:
    with database.transaction() as db:
        close_site(db, town)
    answer = post(pages, town, welcome, TAP)
    assert "Cela fonctionnera de nouveau à 14 h 00." in answer.text.replace("\xa0", " ")


def test_a_wrong_pin_keeps_the_card_number_and_forgets_the_pin(pages: PageClient, town: Town) -> None:
    answer = ask(pages, town, Asking(Way.LIBRARY_CARD, pin="my secret pin"))
    assert answer.root.one("input", id="card_number")["value"] == town.card_number
    assert "my secret pin" not in answer.html


def test_what_was_typed_is_escaped(pages: PageClient, town: Town) -> None:
    answer = ask(pages, town, Asking(Way.LIBRARY_CARD, card_number='"><script>alert(1)</script>'))
    assert answer.status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert answer.root.all("script") == []


@pytest.mark.parametrize(
    ("asking", "changed", "missing"),
    [
        (CARD, {"card_number": ""}, {"card_number"}),
        (CARD, {"card_number": "", "pin": ""}, {"card_number", "pin"}),
        (CARD, {"card_number": "a" * 65}, {"card_number"}),
        (CARD, {"card_number": "a\x00b"}, {"card_number"}),
        (CARD, {"pin": "a\nb"}, {"pin"}),
        (CODE, {"voucher_code": " "}, {"voucher_code"}),
        (CODE, {"voucher_code": "2" * 41}, {"voucher_code"}),
    ],
)
def test_a_field_that_is_missing_or_impossible_is_named(
    pages: PageClient, town: Town, database: Database, asking: Asking, changed: dict[str, str], missing: set[str]
) -> None:
    answer = ask(pages, town, asking, **changed)
    assert answer.status == HTTPStatus.UNPROCESSABLE_ENTITY
    notice = answer.root.one("div", id="notice")
    assert {each["href"] for each in notice.all("a")} == {"#" + name for name in missing}
    assert {each["name"] for each in answer.root.all("input", aria_invalid="true")} == missing
    assert grants(database) == 0


@pytest.mark.parametrize(
    "token",
    ["", "forged", factories.VAULT.sign("arrival", "x"), factories.VAULT.stamp("arrival", b"[1, 2]")],
    ids=["none", "rubbish", "signed for another purpose", "another shape"],
)
def test_a_forged_arrival_is_refused(pages: PageClient, town: Town, database: Database, token: str) -> None:
    answer = pages.post("/sign-in", {"arrival": token, "offer": town.one_tap_offer_id, "accept_terms": 3})
    assert answer.status == HTTPStatus.FORBIDDEN
    assert answer.h1 == explain(RefusalReason.ARRIVAL_FORGED, "fr").title
    assert grants(database) == 0


def test_an_expired_arrival_starts_again_at_the_access_point(
    pages: PageClient, town: Town, database: Database, welcome: Page, clock: Clock
) -> None:
    clock.now += timedelta(minutes=30, seconds=1)
    answer = post(pages, town, welcome, TAP)
    assert answer.status == HTTPStatus.FORBIDDEN
    assert answer.h1 == explain(RefusalReason.ARRIVAL_EXPIRED, "fr").title
    assert answer.link("Recommencer") == "http://10.1.0.1:3990/prelogin"
    assert grants(database) == 0


def test_an_old_challenge_is_renewed_on_the_way(
    pages: PageClient, town: Town, database: Database, welcome: Page, clock: Clock
) -> None:
    """The browser hops through the access point, and what was typed is not asked for again."""
    clock.now += timedelta(minutes=12)
    hop = post(pages, town, welcome, CARD)
    assert (hop.status, hop.location) == (HTTPStatus.SEE_OTHER, "http://10.1.0.1:3990/prelogin")
    assert grants(database) == 1

    fresh = "f" * 32
    back = pages.get(redirect_of(town, challenge=fresh))

    assert is_let_in(back)
    response = parse_qs(urlsplit(back.location).query)["response"]
    assert response != [chap_response("", fresh, factories.REDIRECT_SECRET)]


def test_a_device_that_comes_back_is_not_sent_on_for_ever(pages: PageClient, town: Town) -> None:
    ask(pages, town, TAP)
    answers = [pages.get(redirect_of(town)) for _ in range(8)]
    assert [is_let_in(each) for each in answers] == [True] * 5 + [False] * 3
    assert answers[-1].form("/continue")


def test_sent_twice_it_is_one_grant(pages: PageClient, town: Town, database: Database, welcome: Page) -> None:
    first, second = (post(pages, town, welcome, CARD) for _ in range(2))
    assert is_let_in(first)
    assert is_let_in(second)
    assert grants(database) == 1


def test_sent_twice_at_once_it_is_one_visit(
    settings: Settings, any_database: Database, redis: "Redis", clock: Clock
) -> None:
    town = small_town(any_database)
    app = create_app(settings, database=any_database, redis=redis, clock=clock)
    page = PageClient(app.test_client()).get(redirect_of(town))

    def press(_: int) -> int:
        return post(PageClient(app.test_client()), town, page, CODE).status

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(press, range(4))) == [303] * 4
    assert grants(any_database) == 1


def test_two_devices_that_race_for_one_voucher_cannot_both_win(
    settings: Settings, any_database: Database, redis: "Redis", clock: Clock
) -> None:
    town = small_town(any_database)
    app = create_app(settings, database=any_database, redis=redis, clock=clock)

    def press(number: int) -> int:
        asking = Asking(Way.VOUCHER, device_mac=f"02000000010{number}")
        return ask(PageClient(app.test_client()), town, asking).status

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(press, range(4))) == [303, 409, 409, 409]
    assert grants(any_database) == 1


def small_town(database: Database) -> Town:
    """Always open, one voucher: on whichever database."""
    with database.transaction() as db:
        site = factories.make_site(db)
        nas = factories.make_nas(db, site=site)
        factories.make_terms(db, organisation=site.organisation, version=3)
        offer = factories.make_offer(db, site=site, way=Way.VOUCHER)
        voucher = factories.make_voucher(db, offer=offer)
        code = factories.VAULT.open(voucher.code_sealed)
        return Town(site.id, site.name, nas.id, nas.nas_identifier, 0, offer.id, 0, "", code)


def test_a_card_is_locked_after_five_wrong_pins(pages: PageClient, town: Town, database: Database) -> None:
    wrong = Asking(Way.LIBRARY_CARD, pin="9999")
    statuses = [ask(pages, town, wrong).status for _ in range(5)]
    other_device = Asking(Way.LIBRARY_CARD, device_mac="020000000099")
    answer = ask(pages, town, other_device)

    assert statuses == [422] * 5
    assert answer.status == HTTPStatus.TOO_MANY_REQUESTS
    assert explain(RefusalReason.TOO_MANY_ATTEMPTS, "fr").title in answer.text
    assert "10 h 15" in answer.text.replace("\xa0", " ")
    assert 890 < int(answer.headers["Retry-After"]) <= 901
    assert grants(database) == 0


def test_the_right_pin_costs_no_attempt(pages: PageClient, town: Town, welcome: Page) -> None:
    assert all(is_let_in(post(pages, town, welcome, CARD)) for _ in range(12))


def test_a_device_cannot_guess_codes_for_ever(pages: PageClient, town: Town) -> None:
    tries = [ask(pages, town, Asking(Way.VOUCHER, code=f"{number:04}-AAAA-AAAA")).status for number in range(11)]
    assert tries == [422] * 10 + [429]


def test_separators_and_look_alikes_do_not_dodge_the_limit_on_a_codes_beginning(pages: PageClient, town: Town) -> None:
    ways = ["2222", "Z222", "2-2z2", "2_222", "_2222", "22__22", "2.2 22"]
    guesses = [
        Asking(Way.VOUCHER, code=f"{ways[at % len(ways)]}-AAAA-AAAA", device_mac=f"0200000001{at:02x}")
        for at in range(VOUCHER_PREFIX.at_most + 1)
    ]
    tries = [ask(pages, town, each).status for each in guesses]
    assert tries == [422] * VOUCHER_PREFIX.at_most + [429]


def test_card_numbers_cannot_be_read_from_redis(pages: PageClient, town: Town, redis: "Redis") -> None:
    ask(pages, town, Asking(Way.LIBRARY_CARD, pin="9999"))
    keys = [key.decode() for key in redis.keys("*")]
    assert any(key.startswith("attempts:card:") for key in keys)
    assert not any(town.card_number in key or factories.DEVICE_MAC in key for key in keys)


def test_a_device_with_time_left_meets_one_button(pages: PageClient, town: Town, redis: "Redis") -> None:
    ask(pages, town, CARD)
    redis.flushdb()  # its login was used, or is too old

    page = pages.get(redirect_of(town))
    assert [urlsplit(form["action"]).path for form in page.root.all("form")] == ["/continue"]
    assert is_let_in(pages.submit(page.form("/continue")))


def test_a_visit_that_ended_meanwhile_is_not_continued(
    pages: PageClient, town: Town, redis: "Redis", database: Database
) -> None:
    ask(pages, town, CARD)
    redis.flushdb()
    page = pages.get(redirect_of(town))
    with database.transaction() as db:
        db.scalars(select(Grant)).one().ends_at = factories.NOW + timedelta(seconds=1)

    answer = pages.submit(page.form("/continue"))

    assert answer.status == HTTPStatus.FORBIDDEN
    assert explain(RefusalReason.GRANT_ENDED, "fr").title in answer.text


def use_up_the_day(database: Database, town: Town) -> None:
    """An hour of the card's offer."""
    with database.transaction() as db:
        db.get_one(Offer, town.card_offer_id).allowances = [OfferAllowance(period=Period.DAY, time=timedelta(hours=1))]
        factories.make_wifi_session(
            db,
            grant=db.scalars(select(Grant)).one(),
            started_at=factories.NOW - timedelta(hours=1),
            ended_at=factories.NOW,
            session_seconds=3600,
        )


def says_that_it_is_used_up_until_tomorrow(page: Page) -> bool:
    return explain(RefusalReason.TIME_USED_UP, "fr").title in page.text and "de nouveau demain à 9" in page.text


def test_a_day_that_was_used_up_meanwhile_is_not_continued(
    pages: PageClient, town: Town, redis: "Redis", database: Database
) -> None:
    ask(pages, town, CARD)
    redis.flushdb()
    page = pages.get(redirect_of(town))
    use_up_the_day(database, town)

    answer = pages.submit(page.form("/continue"))

    assert answer.status == HTTPStatus.FORBIDDEN
    assert says_that_it_is_used_up_until_tomorrow(answer)


@pytest.mark.parametrize("res", ["notyet", "failed"])
def test_whoever_comes_back_to_a_day_that_is_used_up_is_told_when_there_is_another(
    pages: PageClient, town: Town, redis: "Redis", database: Database, res: str
) -> None:
    ask(pages, town, CARD)
    redis.flushdb()
    use_up_the_day(database, town)

    page = pages.get(redirect_of(town, res=res))

    assert says_that_it_is_used_up_until_tomorrow(page)
    assert "/continue" not in {urlsplit(form["action"]).path for form in page.root.all("form")}


def test_a_day_that_is_used_up_is_so_on_every_device(
    pages: PageClient, town: Town, redis: "Redis", database: Database
) -> None:
    ask(pages, town, CARD)
    use_up_the_day(database, town)
    answer = ask(pages, town, Asking(Way.LIBRARY_CARD, device_mac="020000000002"))
    assert says_that_it_is_used_up_until_tomorrow(answer)


def test_without_redis_nobody_is_signed_in_and_the_page_says_so(
    settings: Settings, database: Database, town: Town, clock: Clock, welcome: Page
) -> None:
    away = settings.model_copy(update={"redis_url": "unix:///nowhere/redis.sock"})
    pages = PageClient(create_app(away, database=database, clock=clock).test_client())

    answer = post(pages, town, welcome, CARD)

    assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert answer.headers["Retry-After"] == "60"
    assert answer.h1 == "Le service Wi-Fi est momentanément en panne."
    assert grants(database) == 0


def test_without_the_database_the_page_says_so(
    settings: Settings, redis: "Redis", town: Town, clock: Clock, welcome: Page
) -> None:
    away = settings.model_copy(update={"database_url": "sqlite:////nowhere/parvis.sqlite3"})
    database = open_database(away)
    pages = PageClient(create_app(away, database=database, redis=redis, clock=clock).test_client())

    statuses = {pages.get(redirect_of(town)).status, post(pages, town, welcome, CARD).status}

    assert statuses == {HTTPStatus.SERVICE_UNAVAILABLE}
    assert redis.keys("login:*") == []
    database.dispose()


def test_a_card_of_another_organisation_does_not_work_here(pages: PageClient, town: Town, database: Database) -> None:
    with database.transaction() as db:
        stranger = factories.make_patron(db).card_number
    answer = ask(pages, town, Asking(Way.LIBRARY_CARD, card_number=stranger))
    assert answer.status == HTTPStatus.UNPROCESSABLE_ENTITY


def test_the_log_names_nobody(app: Flask, town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    pages = PageClient(app.test_client())
    ask(pages, town, CARD)
    ask(pages, town, Asking(Way.LIBRARY_CARD, pin="9999", device_mac="020000000002"))
    said = "".join(capsys.readouterr())
    assert "signed_in" in said
    assert not any(secret in said for secret in (town.card_number, "9999", factories.DEVICE_MAC, "probe"))


def test_the_desk_can_be_told_of_a_refusal(
    pages: PageClient, town: Town, database: Database, redis: "Redis", clock: Clock
) -> None:
    ask(pages, town, Asking(Way.LIBRARY_CARD, pin="0000"))
    with database.reading() as db:
        organisation_id = db.get_one(Site, town.site_id).organisation_id
    for subject in (device_subject(factories.DEVICE_MAC), card_subject(organisation_id, town.card_number)):
        found = RefusalMemory(redis, factories.VAULT.digest).find([subject])
        assert found is not None
        assert (found.refusal.reason, found.refused_at) == (RefusalReason.UNKNOWN_CARD_OR_PIN, clock.now)
