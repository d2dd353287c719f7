"""Signing in and out of the staff application."""

from datetime import timedelta

import pytest

from tests.hotspot_admin.conftest import ADMINISTRATOR, Browser, Clock, Town


def test_the_right_password_leads_home(anonymous: Browser, town: Town) -> None:
    answer = anonymous.sign_in(ADMINISTRATOR)

    assert (answer.status, answer.location) == (303, "/")
    assert "Parvis-sur-Loue" in anonymous.get("/").text


def test_a_page_that_needs_an_account_leads_to_sign_in(anonymous: Browser) -> None:
    answer = anonymous.get("/")

    assert (answer.status, answer.location) == (303, "/sign-in")


@pytest.mark.parametrize("email", [ADMINISTRATOR, "nobody@parvis.test"], ids=["wrong password", "unknown address"])
def test_wrong_and_unknown_get_the_same_answer(anonymous: Browser, town: Town, email: str) -> None:
    answer = anonymous.sign_in(email, "not the password at all")

    assert answer.status == 422
    assert "ne vont pas ensemble" in answer.text


def test_a_visit_ends_after_two_idle_hours(administrator: Browser, clock: Clock) -> None:
    clock.now += timedelta(hours=2)

    assert administrator.get("/").location == "/sign-in"


def test_signing_out_ends_the_visit(administrator: Browser) -> None:
    administrator.submit(administrator.get("/").form("/sign-out"))

    assert administrator.get("/").location == "/sign-in"
