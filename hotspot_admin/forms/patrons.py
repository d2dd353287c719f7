"""Patrons: the library's file, its confirmation, and a card to look for."""

from collections.abc import Sequence

from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import BooleanField, SelectField, StringField, ValidationError
from wtforms.fields import Field
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Regexp

from hotspot.message_ids import mark
from hotspot.models import Organisation
from hotspot_admin.forms.fields import text_field


class PatronFileForm(FlaskForm):  # type: ignore[misc]
    organisation_id = SelectField(mark("Organisation"), coerce=int, validate_choice=False)
    file = FileField(
        mark("File of cards (CSV)"),
        [FileRequired(mark("Choose a file."))],
        render_kw={"accept": ".csv,.txt,.tsv,text/csv,text/plain"},
    )

    def offer_organisations(self, organisations: Sequence[Organisation]) -> None:
        self.organisation_id.choices = [SelectChoice(each.id, each.name) for each in organisations]

    def validate_organisation_id(self, field: Field) -> None:
        if field.data not in [choice.value for choice in field.choices]:
            raise ValidationError(mark("Choose one of these."))


class TokenForm(FlaskForm):  # type: ignore[misc]
    """What names a file that waits for its confirmation."""

    token = StringField(validators=[InputRequired(), Length(max=64), Regexp(r"[\w-]+\Z")])


class ConfirmForm(TokenForm):
    missing_expire = BooleanField(mark("Let the cards that are not in the file expire today"))


class CardForm(FlaskForm):  # type: ignore[misc]
    """Sent by post: a card number in an address would stay in the logs of whoever is in between."""

    card = text_field(mark("Card number, or its beginning"), 64, autocomplete="off", spellcheck="false")
