"""A gateway (a NAS): where it stands, where its packets come from, where it lets people in; its access points."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_wtf import FlaskForm
from wtforms import BooleanField, Form, IntegerField, RadioField, SelectField, TextAreaField, ValidationError
from wtforms.fields import Field
from wtforms.fields.choices import SelectChoice
from wtforms.validators import AnyOf, InputRequired, Length, NumberRange

from hotspot.message_ids import mark
from hotspot.models import MessageAuthenticatorMode, Nas, Site
from hotspot.services.nases import AccessPointDraft, NasDraft
from hotspot.values import normalise_certificate_name
from hotspot.vendors import VENDORS
from hotspot_admin.forms.fields import REQUIRED, TOO_LONG, parse_login_hosts, parse_networks, text_field
from hotspot_admin.language import network

MODES = {
    MessageAuthenticatorMode.REQUIRED: mark(
        "Required: requests without it are discarded. Right for every recent device."
    ),
    MessageAuthenticatorMode.AUTO: mark(
        "Automatic: not asked for until the device has sent one, required from then on. For old devices."
    ),
    MessageAuthenticatorMode.OPTIONAL: mark(
        "Not required: requests without it are answered too. Only on one machine, or through a VPN."
    ),
}
USUAL_COA_PORT = 3799
_BAD_PORT = mark("A port is a number between 1 and 65535.")
_WTFORMS_OWN = mark("Not a valid integer value.")
"""What the library says of a number that cannot be read; named here for the catalogue."""
_CHOOSE = mark("Choose one of these.")


def _networks(form: Form, field: Field) -> None:
    """A gateway that is known by its certificate needs none."""
    _parse(field, parse_networks, required=not form.certificate_name.data)


def _login_hosts(_form: Form, field: Field) -> None:
    _parse(field, parse_login_hosts)


def _parse(field: Field, parse: Any, *, required: bool = True) -> None:
    try:
        field.parsed = parse(field.data or "")
    except ValueError as error:
        raise ValidationError(str(error)) from error
    if required and not field.parsed:
        raise ValidationError(REQUIRED)


class ChangeNasForm(FlaskForm):  # type: ignore[misc]
    """The brand is not there: another brand is another gateway."""

    name = text_field(mark("Name"), 200, autocomplete="off")
    site_id = SelectField(mark("Site"), coerce=int, validate_choice=False)
    networks = TextAreaField(
        mark("Addresses its packets come from"),
        [Length(max=4000, message=TOO_LONG), _networks],
        render_kw={"rows": 3, "spellcheck": "false"},
    )
    nas_identifier = text_field(mark("NAS identifier"), 64, autocomplete="off", spellcheck="false")
    login_hosts = TextAreaField(
        mark("Login addresses"),
        [InputRequired(REQUIRED), Length(max=1000, message=TOO_LONG), _login_hosts],
        render_kw={"rows": 2, "spellcheck": "false"},
    )
    message_authenticator = RadioField(
        mark("Proof of origin (Message-Authenticator)"),
        [AnyOf([mode.value for mode in MessageAuthenticatorMode], _CHOOSE)],
        choices=[SelectChoice(mode.value, label) for mode, label in MODES.items()],
        default=MessageAuthenticatorMode.REQUIRED.value,
        validate_choice=False,
    )
    is_proxy = BooleanField(mark("It is a RADIUS proxy: it passes on the requests of other devices"))
    swaps_octets = BooleanField(mark("It counts the other way round: exchange download and upload"))
    coa_port = IntegerField(
        mark("Port for ending a connection (CoA)"),
        [InputRequired(REQUIRED), NumberRange(1, 65535, _BAD_PORT)],
        default=USUAL_COA_PORT,
        render_kw={"inputmode": "numeric", "min": 1, "max": 65535, "autocomplete": "off"},
    )
    certificate_name = text_field(
        mark("Name in its certificate (RadSec)"), 253, required=False, autocomplete="off", spellcheck="false"
    )

    @property
    def has_rare_settings(self) -> bool:
        """Something of what is folded away is set, or wrong."""
        is_usual = self.coa_port.data == USUAL_COA_PORT and not self.coa_port.errors
        has_certificate = self.certificate_name.data or self.certificate_name.errors
        return self.is_proxy.data or self.swaps_octets.data or has_certificate or not is_usual

    def offer_sites(self, sites: Sequence[Site]) -> None:
        _offer(self.site_id, sites)

    def validate_site_id(self, field: Field) -> None:
        _is_offered(field)

    def validate_nas_identifier(self, field: Field) -> None:
        _is_plain(field)

    def validate_certificate_name(self, field: Field) -> None:
        _is_plain(field)

    def draft(self) -> NasDraft:
        """What was typed. Only after `validate`."""
        return NasDraft(
            name=self.name.data,
            site_id=self.site_id.data,
            nas_identifier=self.nas_identifier.data,
            networks=self.networks.parsed,
            login_hosts=self.login_hosts.parsed,
            message_authenticator=MessageAuthenticatorMode(self.message_authenticator.data),
            is_proxy=self.is_proxy.data,
            swaps_octets=self.swaps_octets.data,
            coa_port=self.coa_port.data,
            certificate_name=normalise_certificate_name(self.certificate_name.data) or None,
        )


class NewNasForm(ChangeNasForm):
    vendor = SelectField(
        mark("Brand"),
        [AnyOf(list(VENDORS), _CHOOSE)],
        choices=[SelectChoice(key, vendor.label) for key, vendor in VENDORS.items()],
        validate_choice=False,
    )


class AccessPointForm(FlaskForm):  # type: ignore[misc]
    """It stands on the page of its gateway, below that one's own form: no name of a field is there twice."""

    access_point_name = text_field(mark("Name of the access point"), 200, autocomplete="off")
    called_station_id = text_field(mark("Called-Station-Id"), 253, autocomplete="off", spellcheck="false")
    access_point_site_id = SelectField(mark("Where it stands"), coerce=int, validate_choice=False)

    def offer_sites(self, sites: Sequence[Site]) -> None:
        _offer(self.access_point_site_id, sites)

    def validate_access_point_site_id(self, field: Field) -> None:
        _is_offered(field)

    def draft(self) -> AccessPointDraft:
        """What was typed. Only after `validate`."""
        return AccessPointDraft(
            name=self.access_point_name.data,
            called_station_id=self.called_station_id.data,
            site_id=self.access_point_site_id.data,
        )


def _is_plain(field: Field) -> None:
    """It is typed into terminals and configuration files, quoted by nothing."""
    if not field.data.isascii() or any(character in " \"'\\`$;&|<>(){}[]#%=," for character in field.data):
        raise ValidationError(mark("Use letters, digits, hyphens, dots and underscores only."))


def _offer(field: Field, sites: Sequence[Site]) -> None:
    field.choices = [SelectChoice(each.id, each.name) for each in sites]


def _is_offered(field: Field) -> None:
    if field.data not in [choice.value for choice in field.choices]:
        raise ValidationError(_CHOOSE)


def as_typed(nas: Nas) -> Mapping[str, Any]:
    return {
        "name": nas.name,
        "site_id": nas.site_id,
        "networks": "\n".join(sorted(network(each.network) for each in nas.addresses)),
        "nas_identifier": nas.nas_identifier,
        "login_hosts": "\n".join(nas.login_hosts.split()),
        "message_authenticator": nas.message_authenticator.value,
        "is_proxy": nas.is_proxy,
        "swaps_octets": nas.swaps_octets,
        "coa_port": nas.coa_port,
        "certificate_name": nas.certificate_name or "",
    }
