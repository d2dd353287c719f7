"""Everything that people read is there in French; every refusal has its sentences in both languages."""

import ast
import re
from functools import cache

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po

from hotspot.printing.languages import PAPER_LANGUAGES
from hotspot.values import RefusalReason
from hotspot.wording import LANGUAGES, explain, translations
from tests.architecture.tree import ROOT, modules, tracked

SPEAKING = ("hotspot", "hotspot_admin", "portal")
KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "mark": None,
    "in_language": (2,),
    "SetupStep": (1,),
    "InvalidInput": (1,),
    "Conflict": (1,),
    "_Wrong": (1,),
}
"""The functions whose text a person reads. Exceptions and set-up steps carry message ids."""
PLACES = re.compile(r"%\((\w+)\)")


@cache
def said() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Where, and a message id with its plural if it has one."""
    found = []
    for path in tracked():
        name = path.relative_to(ROOT)
        if name.parts[0] not in SPEAKING or path.suffix not in (".py", ".html"):
            continue
        with path.open("rb") as opened:
            for line, message, *_ in extract("python" if path.suffix == ".py" else "jinja2", opened, KEYWORDS):
                found.append((f"{name}:{line}", (message,) if isinstance(message, str) else tuple(message)))
    return tuple(found)


def french() -> dict[str, set[str]]:
    """Message id -> its French, both numbers where there are two."""
    found: dict[str, set[str]] = {}
    for key, text in translations("fr")._catalog.items():
        found.setdefault(key if isinstance(key, str) else key[0], set()).add(text)
    found.pop("", None)
    return found


def test_every_message_has_its_french() -> None:
    known = french()
    assert [f"{where}: {message[0]}" for where, message in said() if not all(known.get(message[0], {""}))] == []


def test_no_french_is_left_over_from_a_message_that_is_gone() -> None:
    texts = {
        node.value
        for tree in modules(*SPEAKING).values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    used = texts | {message[0] for _, message in said()}
    assert sorted(set(french()) - used) == []


def test_the_french_has_the_same_named_places() -> None:
    plurals = {message[0]: message[-1] for _, message in said()}
    wrong = {
        message: text
        for message, texts in french().items()
        for text in texts
        if not set(PLACES.findall(text)) <= set(PLACES.findall(message + plurals.get(message, "")))
        or not set(PLACES.findall(message)) <= set(PLACES.findall("".join(texts)))
    }
    assert wrong == {}


def test_no_line_of_french_begins_with_a_mark() -> None:
    """A space that a line may break at stands neither before : ; ! ? nor within « »."""
    may_break = re.compile(r" [:;!?»]|« ")
    assert [text for texts in french().values() for text in texts if may_break.search(text)] == []


@pytest.mark.parametrize("reason", RefusalReason)
def test_every_refusal_says_why_and_what_to_do(reason: RefusalReason) -> None:
    said_in = {language: explain(reason, language) for language in LANGUAGES}
    assert all(each.title and each.what_to_do for each in said_in.values())
    assert said_in["fr"].title != said_in["en"].title
    assert said_in["fr"].what_to_do != said_in["en"].what_to_do


def on_paper(language: str) -> dict[str | tuple[str, str], tuple[str, ...]]:
    with (ROOT / "hotspot/translations" / language / "paper.po").open("rb") as opened:
        return {
            message.id: message.string if isinstance(message.string, tuple) else (message.string,)
            for message in read_po(opened, locale=language)
            if message.id
        }


@pytest.mark.parametrize("language", [each for each in PAPER_LANGUAGES if each != "en"])
def test_paper_says_the_same_in_each_of_its_languages(language: str) -> None:
    """Every sentence, every form that its numbers need, every named place."""
    said_there, said_in_french = on_paper(language), on_paper("fr")

    assert said_there.keys() == said_in_french.keys()
    for message, forms in said_there.items():
        plural = isinstance(message, tuple)
        assert len(forms) == (Catalog(locale=language).num_plurals if plural else 1)
        assert all(forms)
        places = set(PLACES.findall("".join(message)))
        assert {place for form in forms for place in PLACES.findall(form)} <= places, message
        assert plural or set(PLACES.findall(forms[0])) == places, message
