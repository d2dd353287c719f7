"""An access point or controller: where it stands, where its packets come from, where it lets people in."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_wtf import FlaskForm
from wtforms import Form, SelectField, TextAreaField, ValidationError
from wtforms.fields import Field
from wtforms.fields.choices import SelectChoice
from wtforms.validators import AnyOf, InputRequired, Length

from hotspot.models import MessageAuthenticatorMode, Nas, Site
from hotspot.services.nases import NasDraft
from hotspot.vendors import VENDORS
from hotspot_admin.forms.fields import REQUIRED, TOO_LONG, parse_login_hosts, parse_networks, text_field
from hotspot_admin.language import mark, network

MODES = {
    MessageAuthenticatorMode.REQUIRED: mark("Required (safe; for every recent device)"),
    MessageAuthenticatorMode.AUTO: mark("Required once it has been seen (for old devices)"),
    MessageAuthenticatorMode.OPTIONAL: mark("Not required (only where nobody can stand in between)"),
}
_CHOOSE = mark("Choose one of these.")


def _networks(_form: Form, field: Field) -> None:
    _parse(field, parse_networks)


def _login_hosts(_form: Form, field: Field) -> None:
    _parse(field, parse_login_hosts)


def _parse(field: Field, parse: Any) -> None:
    try:
        field.parsed = parse(field.data or "")
    except ValueError as error:
        raise ValidationError(str(error)) from error
    if not field.parsed:
        raise ValidationError(REQUIRED)


class ChangeNasForm(FlaskForm):  # type: ignore[misc]
    """The brand is not there: another brand is another access point."""

    name = text_field(mark("Name"), 200, autocomplete="off")
    site_id = SelectField(mark("Site"), coerce=int, validate_choice=False)
    networks = TextAreaField(
        mark("Addresses its packets come from"),
        [InputRequired(REQUIRED), Length(max=4000, message=TOO_LONG), _networks],
        render_kw={"rows": 3, "spellcheck": "false"},
    )
    nas_identifier = text_field(mark("NAS identifier"), 64, autocomplete="off", spellcheck="false")
    login_hosts = TextAreaField(
        mark("Login addresses"),
        [InputRequired(REQUIRED), Length(max=1000, message=TOO_LONG), _login_hosts],
        render_kw={"rows": 2, "spellcheck": "false"},
    )
    message_authenticator = SelectField(
        mark("Message-Authenticator"),
        [AnyOf([mode.value for mode in MessageAuthenticatorMode], _CHOOSE)],
        choices=[SelectChoice(mode.value, label) for mode, label in MODES.items()],
        validate_choice=False,
    )

    def offer_sites(self, sites: Sequence[Site]) -> None:
        self.site_id.choices = [SelectChoice(each.id, each.name) for each in sites]

    def validate_site_id(self, field: Field) -> None:
        if field.data not in [choice.value for choice in field.choices]:
            raise ValidationError(_CHOOSE)

    def validate_nas_identifier(self, field: Field) -> None:
        """It is typed into terminals and configuration files, quoted by nothing."""
        if not field.data.isascii() or any(character in " \"'\\`$;&|<>(){}[]#%=," for character in field.data):
            raise ValidationError(mark("Use letters, digits, hyphens, dots and underscores only."))

    def draft(self) -> NasDraft:
        """What was typed. Only after `validate`."""
        return NasDraft(
            name=self.name.data,
            site_id=self.site_id.data,
            nas_identifier=self.nas_identifier.data,
            networks=self.networks.parsed,
            login_hosts=self.login_hosts.parsed,
            message_authenticator=MessageAuthenticatorMode(self.message_authenticator.data),
        )


class NewNasForm(ChangeNasForm):
    vendor = SelectField(
        mark("Brand"),
        [AnyOf(list(VENDORS), _CHOOSE)],
        choices=[SelectChoice(key, vendor.label) for key, vendor in VENDORS.items()],
        validate_choice=False,
    )


def as_typed(nas: Nas) -> Mapping[str, Any]:
    return {
        "name": nas.name,
        "site_id": nas.site_id,
        "networks": "\n".join(sorted(network(each.network) for each in nas.addresses)),
        "nas_identifier": nas.nas_identifier,
        "login_hosts": "\n".join(nas.login_hosts.split()),
        "message_authenticator": nas.message_authenticator.value,
    }
