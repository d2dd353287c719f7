"""An identity provider: which one, and our client there. What is wrong with either is the service's to say."""

from collections.abc import Sequence

from flask_wtf import FlaskForm
from wtforms import PasswordField, RadioField, SelectField, ValidationError
from wtforms.fields import Field
from wtforms.fields.choices import SelectChoice
from wtforms.validators import AnyOf, InputRequired, Length

from hotspot.message_ids import mark
from hotspot.models import Organisation
from hotspot.services.identity_providers import ProviderDraft
from hotspot.values import IdentityProfile
from hotspot_admin.forms.fields import REQUIRED, TOO_LONG, text_field

PROFILES = {
    IdentityProfile.FRANCECONNECT: mark("FranceConnect: needs an authorisation, which names this use"),
    IdentityProfile.GENERIC: mark("Another provider that speaks OpenID Connect"),
}
_AS_USUAL = "as_usual"
_PROMPTS = {
    _AS_USUAL: mark("As the provider does by itself"),
    "login": mark("Sign in again each time"),
    "consent": mark("Ask for consent each time"),
    "select_account": mark("Ask which account each time"),
}
_CHOOSE = mark("Choose one of these.")


class ProviderForm(FlaskForm):  # type: ignore[misc]
    organisation_id = SelectField(mark("Organisation"), coerce=int, validate_choice=False)
    profile = RadioField(
        mark("Kind of provider"),
        [AnyOf([each.value for each in IdentityProfile], _CHOOSE)],
        choices=[SelectChoice(each.value, label) for each, label in PROFILES.items()],
        default=IdentityProfile.FRANCECONNECT.value,
        validate_choice=False,
    )
    name = text_field(mark("Name on the button"), 80, autocomplete="off")
    issuer = text_field(mark("Issuer"), 500, autocomplete="off", spellcheck="false", list="issuers", inputmode="url")
    scopes = text_field(mark("Scopes"), 200, autocomplete="off", spellcheck="false")
    acr = text_field(mark("Level of assurance (acr)"), 100, required=False, autocomplete="off", spellcheck="false")
    prompt = SelectField(
        mark("What is asked of the visitor there"),
        [AnyOf(list(_PROMPTS), _CHOOSE)],
        choices=[SelectChoice(each, label) for each, label in _PROMPTS.items()],
        validate_choice=False,
    )

    @property
    def has_rare_settings(self) -> bool:
        """Something of what is folded away is set, or wrong."""
        wrong = self.scopes.errors or self.acr.errors or self.prompt.errors
        chosen = self.prompt.data not in (None, _AS_USUAL)
        return bool(wrong or self.acr.data or chosen or self.scopes.data not in ("", "openid"))

    def offer_organisations(self, organisations: Sequence[Organisation]) -> None:
        self.organisation_id.choices = [SelectChoice(each.id, each.name) for each in organisations]

    def validate_organisation_id(self, field: Field) -> None:
        if field.data not in [choice.value for choice in field.choices]:
            raise ValidationError(_CHOOSE)

    def draft(self) -> ProviderDraft:
        """What was typed. Only after `validate`."""
        return ProviderDraft(
            organisation_id=self.organisation_id.data,
            name=self.name.data,
            profile=IdentityProfile(self.profile.data),
            issuer=self.issuer.data,
            scopes=self.scopes.data,
            acr=self.acr.data,
            prompt="" if self.prompt.data == _AS_USUAL else self.prompt.data,
        )


class ClientForm(FlaskForm):  # type: ignore[misc]
    """The secret is never shown again."""

    client_id = text_field(mark("Client ID"), 200, autocomplete="off", spellcheck="false")
    client_secret = PasswordField(
        mark("Client secret"),
        [InputRequired(REQUIRED), Length(max=200, message=TOO_LONG)],
        render_kw={"autocomplete": "off"},
    )
