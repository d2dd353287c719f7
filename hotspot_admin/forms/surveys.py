"""The two questions of a survey, each with up to six answers, in French and English. Policy judges them."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_wtf import FlaskForm
from wtforms import FieldList, Form, FormField, StringField

from hotspot.errors import InvalidInput
from hotspot.message_ids import mark
from hotspot.policy.surveys import (
    LONGEST_CHOICE,
    LONGEST_QUESTION,
    MOST_CHOICES,
    QUESTION_FIELDS,
    Questions,
    parse_questions,
    print_questions,
)


def _in_french(longest: int) -> StringField:
    return _in(mark("French"), "fr", longest)


def _in_english(longest: int) -> StringField:
    return _in(mark("English"), "en", longest)


def _in(label: str, code: str, longest: int) -> StringField:
    return StringField(label, render_kw={"maxlength": longest, "lang": code, "autocomplete": "off"})


class ChoiceForm(Form):  # type: ignore[misc]
    """An empty one is left out."""

    fr = _in_french(LONGEST_CHOICE)
    en = _in_english(LONGEST_CHOICE)


class QuestionForm(Form):  # type: ignore[misc]
    fr = _in_french(LONGEST_QUESTION)
    en = _in_english(LONGEST_QUESTION)
    choices = FieldList(FormField(ChoiceForm), min_entries=MOST_CHOICES, max_entries=MOST_CHOICES)


class SurveyForm(FlaskForm):  # type: ignore[misc]
    first = FormField(QuestionForm, mark("First question"))
    second = FormField(QuestionForm, mark("Second question"))

    problems: Mapping[str, InvalidInput] = {}
    """By question, after `validate`."""

    def validate(self, extra_validators: Any = None) -> bool:
        if not super().validate(extra_validators):
            return False
        try:
            parse_questions(self.written())
        except InvalidInput as problem:
            self.problems = {problem.field or QUESTION_FIELDS[0]: problem}
        return not self.problems

    def written(self) -> Sequence[Mapping[str, Any]]:
        """As `parse_questions` reads it."""
        return [
            {
                "text": _words(each.form),
                "choices": [words for row in each.form.choices if any((words := _words(row.form)).values())],
            }
            for each in (self.first, self.second)
        ]


def as_typed(questions: Questions) -> Mapping[str, Any]:
    written = print_questions(questions)
    return {
        field: {**each["text"], "choices": [*each["choices"], *[{}] * (MOST_CHOICES - len(each["choices"]))]}
        for field, each in zip(QUESTION_FIELDS, written, strict=True)
    }


def _words(form: Form) -> Mapping[str, str]:
    return {"fr": (form.fr.data or "").strip(), "en": (form.en.data or "").strip()}
