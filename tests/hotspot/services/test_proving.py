"""Codes by mail and by text message, and the link that says the same: right, wrong, late, twice, sent again."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from hotspot.db import Database
from hotspot.models import Grant, OutgoingMail, OutgoingText, PassRequest, PassState
from hotspot.policy.contacts import MailAddress
from hotspot.portal_links import request_of_link
from hotspot.sealing import Vault
from hotspot.services.passes import PassAsk
from hotspot.services.proving import (
    CODE_LIFE,
    MOST_SENDS,
    MOST_TRIES,
    SEND_AGAIN_AFTER,
    Codes,
    ask_by_mail,
    ask_by_text,
    confirm_by_link,
    send_again,
    sent_to,
    try_code,
)
from hotspot.settings import Settings
from hotspot.values import MacAddress, RefusalReason, Refuse, Way
from tests import factories

PHONE = MacAddress("020000000001")
ADDRESS = MailAddress("Marie@example.org", "marie@example.org", "example.org")
NUMBER = "+33612345678"
MINUTE = timedelta(minutes=1)


@dataclass
class Square:
    db: Session
    now: datetime
    codes: Codes
    by_mail: PassAsk
    by_text: PassAsk

    def mailed(self) -> PassRequest:
        return self._asked(ask_by_mail(self.db, self.by_mail, ADDRESS, self.now, self.codes))

    def texted(self) -> PassRequest:
        return self._asked(ask_by_text(self.db, self.by_text, NUMBER, self.now, self.codes))

    def _asked(self, request: PassRequest | Refuse) -> PassRequest:
        assert isinstance(request, PassRequest), request
        self.db.flush()
        return request

    def mails(self) -> list[OutgoingMail]:
        return list(self.db.scalars(select(OutgoingMail).order_by(OutgoingMail.id)))

    def code(self) -> str:
        """Of the last message."""
        texts = self.db.scalars(select(OutgoingText.body).order_by(OutgoingText.id)).all()
        found = re.findall(r"\b\d{6}\b", [*(each.body for each in self.mails()), *texts][-1])
        return str(found[0])

    def wrong(self) -> str:
        return f"{(int(self.code()) + 1) % 1_000_000:06}"

    def link(self) -> tuple[int, int]:
        token = re.findall(r"/confirm/(\S+)", self.mails()[-1].body)[0]
        named = request_of_link(self.codes.vault, token)
        assert named is not None
        return named

    def type(self, request: PassRequest, code: str) -> PassRequest | Refuse:
        return try_code(self.db, request.id, code, self.now, self.codes)


@pytest.fixture
def square(any_database: Database, now: datetime, vault: Vault, settings: Settings) -> Any:
    with any_database.transaction() as db:
        site = factories.make_site(db, name="Place de la République")
        nas = factories.make_nas(db, site=site)
        mail = factories.make_offer(db, site=site, way=Way.EMAIL_CODE)
        text = factories.make_offer(db, site=site, way=Way.SMS_CODE)
        ask = PassAsk(nas.id, site.id, PHONE, mail.id, 1, "fr")
        yield Square(db, now, Codes(vault, settings), ask, replace(ask, offer_id=text.id))


def test_a_mail_carries_code_and_link_and_the_opening_to_read_it(square: Square) -> None:
    request = square.mailed()
    (mail,) = square.mails()
    assert (mail.recipient, mail.give_up_at) == ("Marie@example.org", square.now + CODE_LIFE)
    assert square.code() in mail.subject
    assert "http://localhost:8080/confirm/" in mail.body
    assert "Place de la République" in mail.body
    assert request.grant is not None
    assert request.grant.ends_because is RefusalReason.PROOF_AWAITED


def test_a_text_message_needs_no_opening(square: Square) -> None:
    request = square.texted()
    text = square.db.scalars(select(OutgoingText)).one()
    assert (text.recipient, text.give_up_at) == (NUMBER, square.now + CODE_LIFE)
    assert text.body.startswith(square.code())
    assert request.grant is None


def test_the_code_is_kept_as_a_digest_of_its_request(square: Square) -> None:
    request = square.texted()
    assert request.code_digest is not None
    assert square.code().encode() not in request.code_digest
    assert request.code_digest != square.codes.vault.digest(square.code())


def test_a_button_that_is_pressed_twice_sends_one_mail(square: Square) -> None:
    assert square.mailed().id == square.mailed().id
    assert len(square.mails()) == 1


def test_the_right_code_lengthens_the_visit_that_was_opened(square: Square) -> None:
    request = square.mailed()
    assert square.type(request, square.code()) is request
    assert request.state is PassState.GRANTED
    assert request.grant is not None
    assert request.grant.ends_at == square.now + timedelta(hours=2)


def test_without_an_opening_the_right_code_leaves_the_device_to_come(square: Square) -> None:
    request = square.texted()
    assert square.type(request, square.code()) is request
    assert (request.state, request.grant) == (PassState.PROVEN, None)


@pytest.mark.parametrize("spelling", ["{0} {1}", " {0}{1}\n", "{0}-{1}"])
def test_spaces_and_hyphens_do_not_matter(square: Square, spelling: str) -> None:
    request = square.texted()
    code = square.code()
    assert square.type(request, spelling.format(code[:3], code[3:])) is request


def test_digits_of_another_script_are_digits(square: Square) -> None:
    request = square.texted()
    arabic = "".join(chr(0x0660 + int(digit)) for digit in square.code())
    assert square.type(request, arabic) is request


def test_the_fifth_wrong_code_is_the_end_of_it(square: Square) -> None:
    request = square.texted()
    answers = [square.type(request, square.wrong()) for _ in range(MOST_TRIES)]
    assert answers == [Refuse(RefusalReason.CODE_WRONG)] * 4 + [Refuse(RefusalReason.CODE_TRIED_TOO_OFTEN)]
    assert square.type(request, square.code()) == Refuse(RefusalReason.CODE_TRIED_TOO_OFTEN)
    assert request.code_digest is None


@pytest.mark.parametrize("typed", ["", "abcdef", "0" * 10_000, "12345\0", "²³⁴⁵⁶⁷"])
def test_what_is_no_code_is_a_wrong_one(square: Square, typed: str) -> None:
    request = square.texted()
    assert square.type(request, typed) == Refuse(RefusalReason.CODE_WRONG)


def test_after_ten_minutes_the_code_is_worth_nothing(square: Square) -> None:
    request = square.texted()
    square.now += CODE_LIFE
    assert square.type(request, square.code()) == Refuse(RefusalReason.CODE_EXPIRED)


def test_the_right_code_twice_is_the_same_answer_twice(square: Square) -> None:
    request, code = square.mailed(), square.code()
    square.type(request, code)
    square.now += CODE_LIFE
    assert square.type(request, code) is request
    assert len(square.db.scalars(select(Grant)).all()) == 1


def test_a_code_of_another_request_is_wrong(square: Square) -> None:
    first = square.texted()
    code = square.code()
    square.by_text = replace(square.by_text, device_mac=MacAddress("020000000002"))
    second = square.texted()
    if code != square.code():
        assert square.type(second, code) == Refuse(RefusalReason.CODE_WRONG)
    assert square.type(first, code) is first


def test_a_request_that_is_not_there_says_no_more_than_an_old_one(square: Square) -> None:
    assert try_code(square.db, 4711, "123456", square.now, square.codes) == Refuse(RefusalReason.CODE_EXPIRED)


# ---- sent again ----


def test_another_code_takes_the_place_of_the_first_and_lives_as_long(square: Square) -> None:
    request, first = square.texted(), square.code()
    square.now += 9 * MINUTE
    assert send_again(square.db, request.id, square.now, square.codes) is request
    second = square.code()
    square.now += 9 * MINUTE
    if first != second:
        assert square.type(request, first) == Refuse(RefusalReason.CODE_WRONG)
    assert square.type(request, second) is request


def test_not_before_half_a_minute(square: Square) -> None:
    request = square.texted()
    again_at = square.now + SEND_AGAIN_AFTER
    assert send_again(square.db, request.id, again_at - timedelta(seconds=1), square.codes) == Refuse(
        RefusalReason.CODE_JUST_SENT, again_at=again_at
    )
    assert send_again(square.db, request.id, again_at, square.codes) is request


def test_not_more_than_twice(square: Square) -> None:
    request = square.texted()
    for _ in range(MOST_SENDS - 1):
        square.now += MINUTE
        assert send_again(square.db, request.id, square.now, square.codes) is request
    assert send_again(square.db, request.id, square.now + MINUTE, square.codes) == Refuse(
        RefusalReason.CODE_SENT_TOO_OFTEN
    )


def test_after_too_many_wrong_codes_a_new_one_can_be_asked_for(square: Square) -> None:
    request = square.texted()
    for _ in range(MOST_TRIES):
        square.type(request, square.wrong())
    assert send_again(square.db, request.id, square.now + MINUTE, square.codes) is request
    assert square.type(request, square.code()) is request


def test_what_is_granted_gets_no_further_code(square: Square) -> None:
    request = square.mailed()
    square.type(request, square.code())
    assert send_again(square.db, request.id, square.now + MINUTE, square.codes) == Refuse(RefusalReason.CODE_EXPIRED)


# ---- the link ----


def test_the_link_says_the_same_as_the_code(square: Square) -> None:
    request = square.mailed()
    assert confirm_by_link(square.db, *square.link(), square.now, square.codes) is request
    assert request.state is PassState.GRANTED


def test_the_link_twice_and_then_the_code_change_nothing_more(square: Square) -> None:
    request, code = square.mailed(), square.code()
    for _ in range(2):
        assert confirm_by_link(square.db, *square.link(), square.now, square.codes) is request
    assert square.type(request, code) is request
    assert len(square.db.scalars(select(Grant)).all()) == 1


def test_the_link_of_an_earlier_mail_is_out_of_date(square: Square) -> None:
    request = square.mailed()
    first = square.link()
    square.now += MINUTE
    send_again(square.db, request.id, square.now, square.codes)
    square.db.flush()
    assert confirm_by_link(square.db, *first, square.now, square.codes) == Refuse(RefusalReason.CODE_EXPIRED)
    assert confirm_by_link(square.db, *square.link(), square.now, square.codes) is request


def test_the_link_is_out_of_date_after_ten_minutes_or_once_asked_anew(square: Square) -> None:
    square.mailed()
    link = square.link()
    late = confirm_by_link(square.db, *link, square.now + CODE_LIFE, square.codes)
    square.texted()
    square.db.expire_all()
    replaced = confirm_by_link(square.db, *link, square.now, square.codes)
    assert (late, replaced) == (Refuse(RefusalReason.CODE_EXPIRED), Refuse(RefusalReason.CODE_EXPIRED))


def test_the_screen_says_where_it_went_but_not_all_of_it(square: Square) -> None:
    assert sent_to(square.mailed(), square.codes.vault) == "M…@example.org"
    assert sent_to(square.texted(), square.codes.vault) == "+33 6 •• •• •• 78"


# ---- at once ----


@pytest.fixture
def busy(any_database: Database, now: datetime, vault: Vault, settings: Settings) -> Any:
    """A function that does something in eight transactions at once; what each answered."""
    with any_database.transaction() as db:
        site = factories.make_site(db)
        nas = factories.make_nas(db, site=site)
        offer = factories.make_offer(db, site=site, way=Way.EMAIL_CODE)
        square = Square(db, now, Codes(vault, settings), PassAsk(nas.id, site.id, PHONE, offer.id, 1, "fr"), None)  # type: ignore[arg-type]

    def at_once(work: Callable[[Square], Any]) -> list[Any]:
        def one(_: int) -> Any:
            with any_database.transaction() as db:
                return work(replace(square, db=db))

        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(one, range(8)))

    return at_once


def test_a_button_that_is_pressed_by_eight_fingers_sends_one_mail(busy: Any, any_database: Database) -> None:
    assert len(set(busy(lambda square: square.mailed().id))) == 1
    with any_database.reading() as db:
        assert len(db.scalars(select(OutgoingMail)).all()) == 1
        assert len(db.scalars(select(Grant)).all()) == 1


def test_eight_guesses_at_once_are_five(busy: Any, any_database: Database) -> None:
    request_id = busy(lambda square: square.mailed().id)[0]
    answers = busy(lambda square: try_code(square.db, request_id, square.wrong(), square.now, square.codes))
    assert sorted(each.reason for each in answers) == ["code_tried_too_often"] * 4 + ["code_wrong"] * 4
    with any_database.reading() as db:
        assert db.scalars(select(PassRequest.tries)).one() == MOST_TRIES


def test_the_link_of_a_request_that_was_erased_proves_no_later_one(square: Square) -> None:
    """Whoever keeps an old mail could else confirm somebody else's address."""
    square.mailed()
    old = square.link()
    square.now += timedelta(days=3)
    square.db.execute(delete(PassRequest))
    later = square.mailed()
    answer = confirm_by_link(square.db, *old, square.now, square.codes)
    assert isinstance(answer, Refuse)
    assert answer.reason is RefusalReason.CODE_EXPIRED
    assert later.state is PassState.WAITING
