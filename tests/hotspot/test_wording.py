"""Every refusal has its sentence in every language."""

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import hotspot
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


KEYWORDS: dict[str, Any] = {"_": None, "gettext": None, "ngettext": (1, 2), "mark": None}


def messages_of(folder: Path) -> set[str]:
    """Every message id in code and templates; a plural by its singular."""
    found = extract_from_dir(folder, [("**.py", "python"), ("**.html", "jinja2")], keywords=KEYWORDS)
    return {message if isinstance(message, str) else message[0] for _, _, message, _, _ in found}


@pytest.mark.parametrize("folder", ["hotspot", "portal"])
def test_every_sentence_is_there_in_french(folder: str) -> None:
    french = translations("fr")
    translated = {key if isinstance(key, str) else key[0] for key in french._catalog}  # type: ignore[attr-defined]
    messages = messages_of(Path(hotspot.__file__).parent.parent / folder)
    assert len(messages) > 20
    assert messages <= translated


def test_two_catalogues_never_disagree_about_a_message() -> None:
    said: dict[str, set[str]] = {}
    for file in (Path(hotspot.__file__).parent / "translations" / "fr").glob("*.po"):
        for message in read_po(BytesIO(file.read_bytes()), locale="fr"):
            if message.id:
                said.setdefault(str(message.id), set()).add(str(message.string))
    assert {key: texts for key, texts in said.items() if len(texts) > 1} == {}
