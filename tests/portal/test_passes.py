"""Asking for a pass on the portal: the forms, the codes, the limits; and what happens when something is away."""

from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from redis import Redis

from hotspot.adapters.rate_limit import PASS_CONTACT, PASS_DEVICE, PASS_HOST, TEXT_NUMBER
from hotspot.db import Database
from hotspot.models import Grant, OutgoingMail, OutgoingText, PassRequest
from hotspot.settings import Settings
from hotspot.values import RefusalReason, Way
from hotspot.wording import explain
from portal import create_app
from tests import factories
from tests.page_client import Page, PageClient
from tests.portal.conftest import ENGLISH, FRENCH, Clock, Town, redirect_of
from tests.portal.pass_town import TABLET, Passes, able_to_send, make_passes

MINUTE = timedelta(minutes=1)


@pytest.fixture
def app(settings: Settings, database: Database, redis: "Redis", clock: Callable[[], Any]) -> Flask:
    return create_app(able_to_send(settings), database=database, redis=redis, clock=clock)


@pytest.fixture
def passes(pages: PageClient, database: Database, town: Town, redis: "Redis") -> Passes:
    return make_passes(pages, database, town, redis)


def is_let_in(page: Page) -> bool:
    return page.status == HTTPStatus.SEE_OTHER and page.location.startswith("http://10.1.0.1:3990/logon?username=")


def says(page: Page, reason: RefusalReason) -> bool:
    return explain(reason, "fr").title in page.text


# ---- the page of the site ----


def test_the_page_offers_all_three_ways(passes: Passes) -> None:
    text = passes.welcome().text
    assert all(said in text for said in ("Par e-mail", "Par SMS", "Avec une personne qui vous attend"))
    english = passes.welcome(headers=ENGLISH).text
    assert all(said in english for said in ("By e-mail", "By text message (SMS)", "With somebody who is expecting you"))


def test_what_cannot_be_sent_is_not_offered(
    settings: Settings, database: Database, redis: "Redis", clock: Clock, town: Town, passes: Passes
) -> None:
    app = create_app(settings, database=database, redis=redis, clock=clock)
    page = Passes(PageClient(app.test_client()), database, town, passes.offers, passes.redis).welcome()
    assert "Par e-mail" not in page.text
    assert "Par SMS" not in page.text
    answer = Passes(PageClient(app.test_client()), database, town, passes.offers, passes.redis).ask(
        Way.EMAIL_CODE, page
    )
    assert says(answer, RefusalReason.OFFER_NOT_HERE)


def test_the_first_page_stays_within_one_round_trip(passes: Passes) -> None:
    page = passes.pages.get(passes.welcome().path, headers={"Accept-Encoding": "gzip"} | FRENCH)
    assert len(page.response.get_data()) < 13_000


# ---- by mail ----


def test_by_mail_the_device_is_let_in_at_once_for_ten_minutes(passes: Passes, clock: Clock) -> None:
    assert is_let_in(passes.ask(Way.EMAIL_CODE))
    with passes.database.reading() as db:
        grant = db.get_one(Grant, passes.the_request().grant_id)
    assert (grant.ends_at, grant.ends_because) == (clock.now + 10 * MINUTE, RefusalReason.PROOF_AWAITED)
    assert passes.count(OutgoingMail) == 1


def test_a_second_time_that_day_the_code_is_typed_first(passes: Passes, clock: Clock) -> None:
    passes.ask(Way.EMAIL_CODE)
    clock.now += 60 * MINUTE
    page = passes.waiting(Way.EMAIL_CODE)
    assert page.h1 == "Votre code"
    assert "m…@example.org" in page.text
    assert "marie@" not in page.text
    assert is_let_in(passes.pages.submit(page.form("/pass/code"), code=passes.code()))


@pytest.mark.parametrize(
    "typed", ["", "marie", "marie@example.org\r\nBcc: x@example.org", "é@x.fr", "m" * 300 + "@x.fr"]
)
def test_an_address_that_cannot_be_right_is_asked_for_again(passes: Passes, typed: str) -> None:
    page = passes.ask(Way.EMAIL_CODE, email=typed)
    assert page.status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "Saisissez une adresse e-mail" in page.text
    assert page.root.one("input", id="email").get("aria-invalid") == "true"
    assert passes.count(PassRequest) == passes.count(OutgoingMail) == 0


def test_what_was_typed_is_shown_again_and_not_as_markup(passes: Passes) -> None:
    page = passes.ask(Way.EMAIL_CODE, email='"><script>alert(1)</script>')
    assert page.root.one("input", id="email")["value"] == '"><script>alert(1)</script>'
    assert page.root.all("script") == []


def test_a_known_address_gets_the_same_answer_as_an_unknown_one(passes: Passes, clock: Clock) -> None:
    first = passes.waiting(Way.SMS_CODE)
    passes.pages.submit(first.form("/pass/code"), code=passes.code())
    answers = [
        passes.ask(Way.SMS_CODE, passes.welcome(TABLET), phone=number) for number in ("0612345678", "0687654321")
    ]
    known, unknown = (passes.pages.follow(each) for each in answers)
    assert (known.status, known.h1) == (unknown.status, unknown.h1)
    assert answers[0].status == answers[1].status


@pytest.mark.parametrize("changed", [{"accept_terms": ""}, {"accept_terms": "2"}, {"accept_terms": "x"}])
def test_without_the_terms_nothing_is_sent(passes: Passes, changed: dict[str, str]) -> None:
    page = passes.ask(Way.EMAIL_CODE, **changed)
    assert says(page, RefusalReason.TERMS_NOT_ACCEPTED)
    assert passes.count(OutgoingMail) == 0


@pytest.mark.parametrize("offer", ["", "x", "999999", "-1"])
def test_an_offer_that_is_none_is_refused(passes: Passes, offer: str) -> None:
    assert says(passes.ask(Way.EMAIL_CODE, offer=offer), RefusalReason.OFFER_NOT_HERE)


def test_an_offer_of_another_way_is_refused_at_both_addresses(passes: Passes, town: Town) -> None:
    assert says(passes.ask(Way.EMAIL_CODE, offer=town.one_tap_offer_id), RefusalReason.OFFER_NOT_HERE)
    token = passes.welcome().root.all("input", name="arrival")[0]["value"]
    data = {"arrival": token, "accept_terms": "3", "offer": passes.offers[Way.EMAIL_CODE]}
    assert says(passes.pages.post("/sign-in", data, headers=FRENCH), RefusalReason.OFFER_NOT_HERE)


def test_a_huge_form_is_refused_by_name(passes: Passes) -> None:
    assert passes.ask(Way.EMAIL_CODE, email="x" * 50_000).status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE


def test_pressed_twice_there_is_one_mail_and_one_visit(passes: Passes) -> None:
    page = passes.welcome()
    assert [is_let_in(passes.ask(Way.EMAIL_CODE, page)) for _ in range(2)] == [True, True]
    assert (passes.count(OutgoingMail), passes.count(Grant)) == (1, 1)


# ---- by SMS ----


def test_by_sms_the_code_lets_the_device_in(passes: Passes) -> None:
    page = passes.waiting(Way.SMS_CODE)
    assert "+33 6 •• •• •• 78" in page.text
    code = page.root.one("input", id="code")
    assert (code["autocomplete"], code["inputmode"]) == ("one-time-code", "numeric")
    assert is_let_in(passes.pages.submit(page.form("/pass/code"), code=passes.code()))


def test_a_number_that_is_not_served_is_refused_by_name(passes: Passes) -> None:
    page = passes.ask(Way.SMS_CODE, phone="0899 70 00 00")
    assert says(page, RefusalReason.NUMBER_NOT_SERVED)
    assert page.root.one("input", id="phone")["value"] == "0899 70 00 00"
    assert passes.count(OutgoingText) == 0


def test_a_wrong_code_is_told_and_the_right_one_still_taken(passes: Passes) -> None:
    page = passes.pages.submit(passes.waiting(Way.SMS_CODE).form("/pass/code"), code=passes.wrong())
    assert page.status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert says(page, RefusalReason.CODE_WRONG)
    assert is_let_in(passes.pages.submit(page.form("/pass/code"), code=passes.code()))


def test_after_five_wrong_codes_the_right_one_is_refused(passes: Passes) -> None:
    page = passes.waiting(Way.SMS_CODE)
    for _ in range(5):
        page = passes.pages.submit(page.form("/pass/code"), code=passes.wrong())
    page = passes.pages.submit(page.form("/pass/code"), code=passes.code())
    assert says(page, RefusalReason.CODE_TRIED_TOO_OFTEN)


def test_wrong_codes_count_for_the_device_over_all_its_requests(passes: Passes, clock: Clock) -> None:
    """A new code is no new start for whoever guesses."""
    page = passes.waiting(Way.SMS_CODE)
    for sends in range(3):
        if sends:
            clock.now += MINUTE
            page = passes.pages.submit(page.form("/pass/again"))
        for _ in range(4):
            page = passes.pages.submit(page.form("/pass/code"), code=passes.wrong())
    assert says(page, RefusalReason.TOO_MANY_ATTEMPTS)
    assert page.status == HTTPStatus.TOO_MANY_REQUESTS


def test_an_old_code_says_so_and_a_new_one_can_be_had(passes: Passes, clock: Clock) -> None:
    page = passes.waiting(Way.SMS_CODE)
    clock.now += 10 * MINUTE
    page = passes.pages.submit(page.form("/pass/code"), code=passes.code())
    assert says(page, RefusalReason.CODE_EXPIRED)
    page = passes.pages.submit(page.form("/pass/again"))
    assert "Un nouveau code est en route" in page.text
    answer = passes.pages.submit(page.form("/pass/code"), code=passes.code())
    assert answer.location == "http://10.1.0.1:3990/prelogin"  # the challenge of the page is too old by now
    assert is_let_in(passes.pages.get(redirect_of(passes.town)))


def test_another_code_too_soon_says_when(passes: Passes) -> None:
    page = passes.pages.submit(passes.waiting(Way.SMS_CODE).form("/pass/again"))
    assert page.status == HTTPStatus.TOO_MANY_REQUESTS
    assert says(page, RefusalReason.CODE_JUST_SENT)
    assert "Cela fonctionnera de nouveau" in page.text
    assert passes.count(OutgoingText) == 1


def test_a_device_that_comes_back_is_shown_what_is_awaited(passes: Passes) -> None:
    passes.ask(Way.SMS_CODE)
    page = passes.welcome()
    assert page.h1 == "Votre code"
    other = passes.pages.get(page.link("Changer de numéro ou choisir une autre façon"))
    assert "Par e-mail" in other.text
    assert passes.welcome(TABLET).h1 == "Médiathèque du Parc"


def test_the_page_can_be_read_in_the_other_language(passes: Passes) -> None:
    page = passes.pages.get(passes.waiting(Way.SMS_CODE).link("English"))
    assert (page.language, page.h1) == ("en", "Your code")


def test_a_request_of_another_device_is_as_if_it_were_not(passes: Passes) -> None:
    """Its code, too, opens nothing elsewhere."""
    asked = passes.waiting(Way.SMS_CODE).form("/pass/code").fields["pass"]
    other = passes.welcome(TABLET).root.all("input", name="arrival")[0]["value"]
    data = {"arrival": other, "pass": asked, "code": passes.code()}
    for path in ("/pass/code", "/pass/enter", "/pass/again"):
        assert passes.pages.post(path, data).status == HTTPStatus.NOT_FOUND
    assert passes.pages.get(f"/pass?arrival={other}&pass={asked}").status == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("token", ["", "x", "AAAA", "é", "A" * 4000])
def test_a_forged_request_is_not_found(passes: Passes, token: str) -> None:
    arrival = passes.welcome().root.all("input", name="arrival")[0]["value"]
    assert passes.pages.post("/pass/code", {"arrival": arrival, "pass": token}).status == HTTPStatus.NOT_FOUND


def test_without_an_arrival_nothing_goes(passes: Passes) -> None:
    fields = passes.waiting(Way.SMS_CODE).form("/pass/code").fields
    for path in ("/pass", "/pass/code", "/pass/enter", "/pass/again"):
        page = passes.pages.post(path, {"pass": fields["pass"], "code": passes.code()}, headers=FRENCH)
        assert says(page, RefusalReason.ARRIVAL_FORGED)


def test_a_pass_is_used_once_a_day_and_the_page_says_when_there_is_another(passes: Passes, clock: Clock) -> None:
    page = passes.waiting(Way.SMS_CODE)
    passes.pages.submit(page.form("/pass/code"), code=passes.code())
    answer = passes.ask(Way.EMAIL_CODE)
    assert says(answer, RefusalReason.PASS_USED_TODAY)
    assert "demain à 9 h 00" in answer.text.replace("\xa0", " ")


def test_a_pass_that_lasts_needs_no_second_code(passes: Passes) -> None:
    page = passes.waiting(Way.SMS_CODE)
    passes.pages.submit(page.form("/pass/code"), code=passes.code())
    assert is_let_in(passes.ask(Way.SMS_CODE))
    assert passes.count(OutgoingText) == 1


def test_the_way_on_by_the_button_of_the_link_needs_the_link(passes: Passes, clock: Clock) -> None:
    passes.ask(Way.EMAIL_CODE)
    clock.now += 60 * MINUTE
    page = passes.waiting(Way.EMAIL_CODE)
    early = passes.pages.submit(page.form("/pass/enter"))
    assert says(early, RefusalReason.NOT_CONFIRMED_YET)
    link = passes.pages.get(passes.link())
    passes.pages.submit(link.form(""))
    assert is_let_in(passes.pages.submit(early.form("/pass/enter")))


# ---- limits ----


def test_a_device_asks_so_often_within_an_hour(passes: Passes) -> None:
    page = passes.welcome()
    answers = [passes.ask(Way.SMS_CODE, page, phone=f"061234560{number}") for number in range(PASS_DEVICE.at_most + 1)]
    assert [each.status for each in answers[:-1]] == [HTTPStatus.SEE_OTHER] * 5 + [HTTPStatus.TOO_MANY_REQUESTS]
    assert answers[-1].status == HTTPStatus.TOO_MANY_REQUESTS
    assert passes.count(OutgoingText) == 5


def ask_on_many_devices(passes: Passes, number: int, way: Way, **typed: str) -> Page:
    return [passes.ask(way, passes.welcome(f"0200000001{at:02x}"), **typed) for at in range(number)][-1]


def test_nobody_gets_more_mails_than_a_few_from_however_many_devices(passes: Passes) -> None:
    answer = ask_on_many_devices(passes, PASS_CONTACT.at_most + 1, Way.EMAIL_CODE)
    assert says(answer, RefusalReason.TOO_MANY_ATTEMPTS)
    assert passes.count(OutgoingMail) == PASS_CONTACT.at_most


def test_other_spellings_of_an_address_are_no_way_round(passes: Passes) -> None:
    for at in range(PASS_CONTACT.at_most):
        passes.ask(Way.EMAIL_CODE, passes.welcome(f"0200000001{at:02x}"), email=f"Marie+{at}@Example.org")
    answer = passes.ask(Way.EMAIL_CODE, passes.welcome(TABLET))
    assert says(answer, RefusalReason.TOO_MANY_ATTEMPTS)


def test_a_host_cannot_be_flooded(passes: Passes) -> None:
    names = [f"Jeanne {chr(65 + at)}" for at in range(PASS_HOST.at_most + 1)]
    answers = [
        passes.ask(Way.SPONSOR, passes.welcome(f"0200000001{at:02x}"), visitor_name=name)
        for at, name in enumerate(names)
    ]
    assert says(answers[-1], RefusalReason.TOO_MANY_ATTEMPTS)
    assert passes.count(OutgoingMail) == PASS_HOST.at_most


def test_a_number_gets_so_many_texts_a_day(passes: Passes) -> None:
    answer = ask_on_many_devices(passes, TEXT_NUMBER.at_most + 1, Way.SMS_CODE)
    assert says(answer, RefusalReason.TOO_MANY_ATTEMPTS)
    assert passes.count(OutgoingText) == TEXT_NUMBER.at_most


@pytest.mark.parametrize("setting", ["sms_per_site", "sms_per_day"])
def test_what_texts_may_cost_has_an_end(
    settings: Settings, database: Database, redis: "Redis", clock: Clock, town: Town, passes: Passes, setting: str
) -> None:
    few = able_to_send(settings).model_copy(update={setting: 2})
    app = create_app(few, database=database, redis=redis, clock=clock)
    here = Passes(PageClient(app.test_client()), database, town, passes.offers, passes.redis)
    answers = [here.ask(Way.SMS_CODE, here.welcome(f"0200000001{at:02x}"), phone=f"061234560{at}") for at in range(3)]
    assert says(answers[-1], RefusalReason.TEXTS_USED_UP)
    assert passes.count(OutgoingText) == 2
    assert is_let_in(here.ask(Way.EMAIL_CODE, here.welcome(TABLET)))


def test_what_was_refused_counts_for_nothing(passes: Passes) -> None:
    for _ in range(PASS_DEVICE.at_most + 2):
        passes.ask(Way.SPONSOR, host="maire@example.org")
    assert passes.ask(Way.SPONSOR).status == HTTPStatus.SEE_OTHER


def test_when_redis_is_away_nothing_is_sent(
    settings: Settings, database: Database, clock: Clock, town: Town, passes: Passes
) -> None:
    """No message without limits."""
    page = passes.welcome()
    gone = Redis.from_url("unix:///nowhere/redis.sock")
    app = create_app(able_to_send(settings), database=database, redis=gone, clock=clock)
    here = Passes(PageClient(app.test_client()), database, town, passes.offers, passes.redis)
    assert here.ask(Way.EMAIL_CODE, page).status == HTTPStatus.SERVICE_UNAVAILABLE
    assert passes.count(OutgoingMail) == passes.count(PassRequest) == 0
    gone.close()


def test_nobody_s_address_goes_into_the_log(passes: Passes, capsys: pytest.CaptureFixture[str]) -> None:
    passes.ask(Way.EMAIL_CODE)
    page = passes.waiting(Way.SMS_CODE, page=passes.welcome(TABLET))
    passes.pages.submit(page.form("/pass/code"), code=passes.wrong())
    said = capsys.readouterr()
    for secret in ("marie", "example.org", "612345678", passes.code(), passes.wrong()):
        assert secret not in said.out + said.err


def test_the_way_on_leads_to_the_access_point_of_the_arrival(passes: Passes) -> None:
    page = passes.waiting(Way.SMS_CODE)
    answer = passes.pages.submit(page.form("/pass/code"), code=passes.code())
    assert urlsplit(answer.location).netloc == "10.1.0.1:3990"
    assert "form-action 'self' http://10.1.0.1:3990" in page.policy
    assert factories.DEVICE_MAC not in answer.location
