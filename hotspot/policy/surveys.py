"""Survey: what two questions look like, and which counts of their answers may be shown.

A group of fewer than five is hidden, and so is every sum that it is a part of. What is shown then says of a hidden
group only that it is small: nought and four look the same, so there is nothing to subtract from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from hotspot.errors import InvalidInput

LANGUAGES = ("fr", "en")
"""In which a question can be asked. One is enough: the others' readers are then shown that one."""
FEWEST_CHOICES, MOST_CHOICES = 2, 6
LONGEST_QUESTION, LONGEST_CHOICE = 160, 80
SMALL = 5
"""A group of fewer is hidden."""

QUESTION_FIELDS = ("first", "second")
"""What each question is called where something is wrong with it."""

_FIXED_SPACES = {ord(each): " " for each in "\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}"}
"""Before a French question mark; Python does not call them printable."""

Words = Mapping[str, str]
"""The same in each language; at least in one."""


@dataclass(frozen=True, slots=True)
class Question:
    text: Words
    choices: tuple[Words, ...]


Questions = tuple[Question, Question]

DEFAULTS: Questions = (
    Question(
        {"fr": "Pourquoi utilisez-vous ce Wi-Fi\N{NARROW NO-BREAK SPACE}?", "en": "What do you use this Wi-Fi for?"},
        (
            {"fr": "Étudier ou chercher une information", "en": "To study or look something up"},
            {"fr": "Travailler", "en": "To work"},
            {"fr": "Faire une démarche administrative", "en": "To deal with public services"},
            {"fr": "Garder le contact avec mes proches", "en": "To keep in touch with people"},
            {"fr": "Me divertir", "en": "For entertainment"},
            {"fr": "Autre chose", "en": "Something else"},
        ),
    ),
    Question(
        {"fr": "Êtes-vous satisfait de ce Wi-Fi\N{NARROW NO-BREAK SPACE}?", "en": "Are you satisfied with this Wi-Fi?"},
        (
            {"fr": "Très satisfait", "en": "Very satisfied"},
            {"fr": "Plutôt satisfait", "en": "Rather satisfied"},
            {"fr": "Plutôt pas satisfait", "en": "Rather dissatisfied"},
            {"fr": "Pas du tout satisfait", "en": "Very dissatisfied"},
        ),
    ),
)
"""What a site without questions of its own is offered."""


def parse_questions(written: Any) -> Questions:
    """Of `[{"text": {language: …}, "choices": [{language: …}, …]}, …]`, as it is stored or typed; blanks are tidied.
    InvalidInput names the question."""
    if not isinstance(written, list | tuple) or len(written) != len(QUESTION_FIELDS):
        raise InvalidInput("There are two questions.")
    first, second = (_question(each, field) for each, field in zip(written, QUESTION_FIELDS, strict=True))
    return first, second


def print_questions(questions: Questions) -> list[dict[str, Any]]:
    """As they are stored: what `parse_questions` reads."""
    return [{"text": dict(each.text), "choices": [dict(choice) for choice in each.choices]} for each in questions]


def say(words: Words, language: str) -> tuple[str, str]:
    """The words, and the language that they are in: the one that was asked for, or else the first that there is."""
    spoken = next(each for each in (language, *LANGUAGES) if words.get(each))
    return words[spoken], spoken


def parse_answers(questions: Questions, given: Sequence[str]) -> tuple[int | None, int | None]:
    """The number of the choice for each question; an empty text for one that was left out. InvalidInput for others."""
    first, second = (_answer(question, text) for question, text in zip(questions, given, strict=True))
    return first, second


def month_of(day: date) -> date:
    return day.replace(day=1)


def next_month(day: date) -> date:
    """Its first day."""
    return month_of(month_of(day) + timedelta(days=31))


@dataclass(frozen=True, slots=True)
class Published:
    """What may be told of one question in one month."""

    groups: tuple[int | None, ...]
    """By choice. None: fewer than five, perhaps nobody."""
    total: int | None
    """None as soon as one group is hidden."""

    @property
    def largest(self) -> int:
        """Nothing if every group is hidden."""
        return max((each for each in self.groups if each is not None), default=0)


def hide_small(counts: Sequence[int]) -> Published:
    """The large groups as they are; the small ones and any sum over them not at all.

    The sum is hidden rather than a second group: the large groups tell more. A group that nobody chose is hidden like
    one of four. Were it shown, a month in which all chose the same would tell what each of them had said.
    """
    groups = tuple(count if count >= SMALL else None for count in counts)
    return Published(groups, None if None in groups else sum(counts))


def _question(written: Any, field: str) -> Question:
    if not isinstance(written, Mapping) or not isinstance(written.get("choices"), list | tuple):
        raise InvalidInput("There are two questions.", field=field)
    text = _words(written.get("text"), LONGEST_QUESTION, field)
    if not text:
        raise InvalidInput("Write the question, in one language at least.", field=field)
    choices = tuple(_words(each, LONGEST_CHOICE, field) for each in written["choices"])
    if not FEWEST_CHOICES <= len(choices) <= MOST_CHOICES or not all(choices):
        raise InvalidInput(
            "A question has between %(fewest)s and %(most)s answers.",
            field=field,
            fewest=FEWEST_CHOICES,
            most=MOST_CHOICES,
        )
    for language in LANGUAGES:
        said = [say(each, language)[0].casefold() for each in choices]  # as a reader of that language is shown them
        if len(set(said)) < len(said):
            raise InvalidInput("Two answers say the same.", field=field)
    return Question(text, choices)


def _words(written: Any, longest: int, field: str) -> Words:
    if not isinstance(written, Mapping):
        raise InvalidInput("There are two questions.", field=field)
    words = {}
    for language in LANGUAGES:
        text = written.get(language, "")
        text = " ".join(filter(None, text.split(" "))) if isinstance(text, str) else ""
        if not text.translate(_FIXED_SPACES).isprintable():
            raise InvalidInput("There is an invisible character in this. Type it again.", field=field)
        if len(text) > longest:
            raise InvalidInput("This is too long.", field=field)
        if text:
            words[language] = text
    return words


def _answer(question: Question, text: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 1 or int(text) >= len(question.choices):
        raise InvalidInput("Choose one of these.")
    return int(text)
