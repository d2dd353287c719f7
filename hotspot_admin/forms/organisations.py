"""An organisation: its name and contact; and the terms of use, in each language."""

from collections.abc import Mapping, Sequence

from flask_wtf import FlaskForm
from wtforms import Form, HiddenField, SelectField, TextAreaField, ValidationError
from wtforms.fields import Field
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length

from hotspot.message_ids import mark
from hotspot.models import Organisation
from hotspot.services.organisations import LONGEST_NAME, LONGEST_TERMS
from hotspot_admin.forms.fields import TOO_LONG, text_field

_INDENT = "\N{EM SPACE}"


class OrganisationForm(FlaskForm):  # type: ignore[misc]
    name = text_field(mark("Name"), LONGEST_NAME, autocomplete="off")
    contact = text_field(mark("Contact about data and access"), LONGEST_NAME, required=False, autocomplete="off")


class NewOrganisationForm(OrganisationForm):
    parent_id = SelectField(mark("Belongs to"), coerce=int, validate_choice=False)

    def offer_parents(self, organisations: Sequence[tuple[Organisation, int]]) -> None:
        self.parent_id.choices = [SelectChoice(each.id, _INDENT * depth + each.name) for each, depth in organisations]

    def validate_parent_id(self, field: Field) -> None:
        if field.data not in [choice.value for choice in field.choices]:
            raise ValidationError(mark("Choose one of these."))


def _readable(_form: Form, field: Field) -> None:
    """Of several lines: their ends and tabs are all that may be unseen."""
    if not "".join((field.data or "").split()).isprintable():
        raise ValidationError(mark("There is an invisible character in this. Type it again."))


def _text_field(label: str, language: str) -> TextAreaField:
    return TextAreaField(
        label,
        [Length(max=LONGEST_TERMS, message=TOO_LONG), _readable],
        filters=[lambda text: (text or "").replace("\r\n", "\n").strip()],
        render_kw={"rows": 14, "lang": language},
    )


class TermsForm(FlaskForm):  # type: ignore[misc]
    fr = _text_field(mark("In French"), "fr")
    en = _text_field(mark("In English"), "en")
    seen = HiddenField()

    def validate_fr(self, field: Field) -> None:
        if not field.data and not self.en.data:
            raise ValidationError(mark("Write the terms in one language at least."))

    @property
    def texts(self) -> Mapping[str, str]:
        """Only after `validate`."""
        return {language: text for language, text in (("fr", self.fr.data), ("en", self.en.data)) if text}

    @property
    def seen_version(self) -> int:
        """-1 for what is no number: no version is."""
        text = self.seen.data or ""
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1
