"""A rule for readers; and somebody who does not exist, to try the rules with."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    Form,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.fields import Field
from wtforms.fields.choices import SelectChoice
from wtforms.validators import AnyOf, Length, NumberRange
from wtforms.validators import Optional as MayBeEmpty
from wtforms.widgets import CheckboxInput, ListWidget

from hotspot.library_wording import BLOCKS
from hotspot.message_ids import mark
from hotspot.models import Offer, ReaderRule
from hotspot.policy.readers import Block, Reader
from hotspot.services.reader_rules import LONGEST_NAME, LONGEST_SENTENCE, MOST_NAMES, MOST_OWED, OLDEST, RuleDraft
from hotspot_admin.forms.fields import TOO_LONG, text_field

OFFER, REFUSAL = "offer", "refusal"
_CHOOSE = mark("Choose one of these.")
_BAD_AMOUNT = mark("Write an amount like 10 or 7.50.")
_LONGEST_LIST = 4000


def _age_field(label: str) -> IntegerField:
    return IntegerField(
        label,
        [MayBeEmpty(), NumberRange(0, OLDEST, mark("An age is between 0 and 150 years."))],
        render_kw={"inputmode": "numeric", "min": 0, "max": OLDEST, "autocomplete": "off"},
    )


def _names_field(label: str) -> StringField:
    return text_field(label, _LONGEST_LIST, required=False, autocomplete="off", spellcheck="false")


def _amount_field(label: str) -> StringField:
    return text_field(label, 20, required=False, autocomplete="off", inputmode="decimal")


def _blocks_field(label: str) -> SelectMultipleField:
    return SelectMultipleField(
        label,
        choices=[SelectChoice(each.value, text) for each, text in BLOCKS.items()],
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
        validate_choice=False,
    )


def _sentence_field(label: str) -> TextAreaField:
    return TextAreaField(
        label,
        [Length(max=LONGEST_SENTENCE, message=TOO_LONG), _readable],
        filters=[lambda text: " ".join((text or "").split())],
        render_kw={"rows": 2, "maxlength": LONGEST_SENTENCE},
    )


def _readable(_form: Form, field: Field) -> None:
    if not (field.data or "").isprintable():
        raise ValidationError(mark("There is an invisible character in this. Type it again."))


class RuleForm(FlaskForm):  # type: ignore[misc]
    name = text_field(mark("Name"), 200, autocomplete="off")
    categories = _names_field(mark("Categories"))
    home_libraries = _names_field(mark("Home libraries"))
    age_from = _age_field(mark("Age from"))
    age_below = _age_field(mark("Age below"))
    owes_above = _amount_field(mark("Owes more than"))
    expired = BooleanField(mark("Only readers whose card has expired"))
    blocks = _blocks_field(mark("Only readers whose card is held back by"))
    gives = RadioField(
        mark("An offer or a refusal"),
        [AnyOf([OFFER, REFUSAL], _CHOOSE)],
        choices=[SelectChoice(OFFER, mark("An offer")), SelectChoice(REFUSAL, mark("A refusal, with this sentence"))],
        default=OFFER,
        validate_choice=False,
    )
    offer_id = SelectField(mark("Offer"), coerce=int, validate_choice=False)
    sentence_fr = _sentence_field(mark("Sentence in French"))
    sentence_en = _sentence_field(mark("Sentence in English"))

    def offer_offers(self, offers: Sequence[Offer]) -> None:
        self.offer_id.choices = [SelectChoice(each.id, each.name) for each in offers]

    def validate_categories(self, field: Field) -> None:
        _check_names(field)

    def validate_home_libraries(self, field: Field) -> None:
        _check_names(field)

    def validate_age_below(self, field: Field) -> None:
        if None not in (field.data, self.age_from.data) and self.age_from.data >= field.data:
            raise ValidationError(mark("Nobody is of such an age: “below” must be more than “from”."))

    def validate_owes_above(self, field: Field) -> None:
        _amount(field)

    def validate_blocks(self, field: Field) -> None:
        _check_blocks(field)

    def validate_offer_id(self, field: Field) -> None:
        if self.gives.data == OFFER and field.data not in [choice.value for choice in field.choices]:
            raise ValidationError(_CHOOSE)

    def draft(self) -> RuleDraft:
        """What was typed. Only after `validate`."""
        return RuleDraft(
            name=self.name.data,
            offer_id=self.offer_id.data if self.gives.data == OFFER else None,
            sentences={"fr": self.sentence_fr.data, "en": self.sentence_en.data},
            categories=split_names(self.categories.data),
            home_libraries=split_names(self.home_libraries.data),
            age_from=self.age_from.data,
            age_below=self.age_below.data,
            owes_above=_amount(self.owes_above),
            expired=self.expired.data,
            blocks=tuple(map(Block, self.blocks.data)),
        )


class ImaginedForm(FlaskForm):  # type: ignore[misc]
    """Somebody whom no library knows."""

    category = text_field(mark("Category"), LONGEST_NAME, required=False, autocomplete="off")
    home_library = text_field(mark("Home library"), LONGEST_NAME, required=False, autocomplete="off")
    birth_year = IntegerField(
        mark("Year of birth"),
        [MayBeEmpty(), NumberRange(1850, 2999, mark("Write the year with four digits."))],
        render_kw={"inputmode": "numeric", "maxlength": 4, "autocomplete": "off"},
    )
    expires_on = DateField(mark("Card good until"), [MayBeEmpty()])
    owes = _amount_field(mark("Amount owed"))
    held_back_by = _blocks_field(mark("The card is held back by"))

    def validate_owes(self, field: Field) -> None:
        _amount(field)

    def validate_held_back_by(self, field: Field) -> None:
        _check_blocks(field)

    def reader(self) -> Reader:
        """Born on the first of January. Only after `validate`."""
        return Reader(
            card_number="",
            category=self.category.data,
            home_library=self.home_library.data,
            born_on=None if self.birth_year.data is None else date(self.birth_year.data, 1, 1),
            expires_on=self.expires_on.data,
            blocks=frozenset(map(Block, self.held_back_by.data)),
            owes=_amount(self.owes),
        )


def as_typed(rule: ReaderRule) -> Mapping[str, Any]:
    return {
        "name": rule.name,
        "categories": ", ".join(rule.categories),
        "home_libraries": ", ".join(rule.home_libraries),
        "age_from": rule.age_from,
        "age_below": rule.age_below,
        "owes_above": "" if rule.owes_above is None else f"{rule.owes_above:f}",
        "expired": rule.expired,
        "blocks": rule.blocks,
        "gives": REFUSAL if rule.offer_id is None else OFFER,
        "offer_id": rule.offer_id,
        "sentence_fr": rule.sentences.get("fr", ""),
        "sentence_en": rule.sentences.get("en", ""),
    }


def split_names(text: str) -> tuple[str, ...]:
    """Each once, in the order in which they were typed."""
    return tuple(dict.fromkeys(name for each in text.split(",") if (name := each.strip())))


def _check_names(field: Field) -> None:
    names = split_names(field.data or "")
    if len(names) > MOST_NAMES or any(len(name) > LONGEST_NAME for name in names):
        raise ValidationError(mark("At most 50 names of at most 64 characters."))


def _check_blocks(field: Field) -> None:
    if not set(field.data or ()) <= {each.value for each in Block}:
        raise ValidationError(_CHOOSE)


def _amount(field: Field) -> Decimal | None:
    """None if nothing was typed. With a comma or a point, and at most two decimals."""
    text = (field.data or "").replace(",", ".").replace(" ", "")
    if not text:
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise ValidationError(_BAD_AMOUNT) from None
    if not amount.is_finite() or not 0 <= amount <= MOST_OWED or amount != round(amount, 2):
        raise ValidationError(_BAD_AMOUNT)
    return amount
