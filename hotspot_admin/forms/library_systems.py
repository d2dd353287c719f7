"""A library system, but for its connection: name, how long it is trusted while away, whose cards it checks, a test."""

from collections.abc import Sequence
from datetime import timedelta

from flask_wtf import FlaskForm
from wtforms import BooleanField, IntegerField, PasswordField, SelectField, SelectMultipleField, ValidationError
from wtforms.fields import Field
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange
from wtforms.widgets import CheckboxInput, ListWidget

from hotspot.message_ids import mark
from hotspot.models import Offer, Organisation
from hotspot.services.library_systems import LONGEST_TRUST
from hotspot_admin.forms.fields import REQUIRED, TOO_LONG, text_field

USUAL_TRUST_DAYS = 30
LONGEST_CARD = 128


class SystemForm(FlaskForm):  # type: ignore[misc]
    organisation_id = SelectField(mark("Organisation"), coerce=int, validate_choice=False)
    name = text_field(mark("Name"), 200, autocomplete="off")
    trusted_days = IntegerField(
        mark("Days for which readers get in while it is away"),
        [InputRequired(REQUIRED), NumberRange(0, LONGEST_TRUST.days, mark("Between 0 and 365 days."))],
        default=USUAL_TRUST_DAYS,
        render_kw={"inputmode": "numeric", "min": 0, "max": LONGEST_TRUST.days, "autocomplete": "off"},
    )

    def offer_organisations(self, organisations: Sequence[Organisation]) -> None:
        self.organisation_id.choices = [SelectChoice(each.id, each.name) for each in organisations]

    def validate_organisation_id(self, field: Field) -> None:
        if field.data not in [choice.value for choice in field.choices]:
            raise ValidationError(mark("Choose one of these."))

    @property
    def trusted_for(self) -> timedelta:
        """Only after `validate`."""
        return timedelta(days=self.trusted_days.data)


class AttachForm(FlaskForm):  # type: ignore[misc]
    offers = SelectMultipleField(
        mark("Offers"),
        coerce=int,
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
        validate_choice=False,
    )
    understood = BooleanField(mark("I have understood: whoever types a card number gets in, in its reader’s name"))

    def offer_offers(self, offers: Sequence[Offer], system_id: int) -> None:
        self.offers.choices = [SelectChoice(each.id, self._label(each, system_id)) for each in offers]

    def _label(self, offer: Offer, system_id: int) -> str:
        sites = ", ".join(sorted(site.name for site in offer.sites))
        other = offer.library_system
        checked_by = f" · {other.name}" if other is not None and other.id != system_id else ""
        return f"{offer.name} ({sites}){checked_by}"


class TestCardForm(FlaskForm):  # type: ignore[misc]
    """Neither is kept, nor shown again."""

    __test__ = False
    card = text_field(mark("Card number"), LONGEST_CARD, required=False, autocomplete="off", spellcheck="false")
    pin = PasswordField(
        mark("PIN"),
        [Length(max=LONGEST_CARD, message=TOO_LONG)],
        render_kw={"autocomplete": "off", "maxlength": LONGEST_CARD},
    )
