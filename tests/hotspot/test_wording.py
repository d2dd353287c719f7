"""Every refusal has its sentence in every language."""

import pytest

from hotspot.values import RefusalReason
from hotspot.wording import LANGUAGES, explain, translations


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", RefusalReason)
def test_every_refusal_says_what_happened_and_what_to_do(reason: RefusalReason, language: str) -> None:
    explanation = explain(reason, language)
    assert explanation.title.endswith(".")
    assert explanation.what_to_do.endswith(".")


@pytest.mark.parametrize("reason", RefusalReason)
def test_french_is_not_the_message_id(reason: RefusalReason) -> None:
    english, french = explain(reason, "en"), explain(reason, "fr")
    assert french.title != english.title
    assert french.what_to_do != english.what_to_do


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", RefusalReason)
def test_a_refusal_fits_into_a_reply_message(reason: RefusalReason, language: str) -> None:
    assert len(explain(reason, language).title.encode()) <= 253


def test_a_language_without_files_keeps_the_message_ids() -> None:
    assert translations("en").gettext("This code is out of date.") == "This code is out of date."
    assert translations("en").ngettext("%(num)s minute", "%(num)s minutes", 2) == "%(num)s minutes"
