"""What visitors type to get a pass by themselves. As in `forms.py`, the signed arrival stands for a CSRF token."""

from dataclasses import dataclass

from flask import request
from wtforms import Form, IntegerField, StringField
from wtforms.validators import Length, Optional

from hotspot.message_ids import mark
from hotspot.policy.contacts import (
    LONGEST_NAME,
    MailAddress,
    NumberProblem,
    expand_countries,
    parse_mail_address,
    parse_name,
    parse_number,
)
from hotspot.services.offers import SiteShown
from hotspot.services.passes import PassAsk
from hotspot.settings import Settings
from hotspot.values import RefusalReason, Refuse, Way
from portal.arrival import Arrival
from portal.device_family import device_family
from portal.language import gettext, language
from portal.welcome_page import Typed

FORM_WAYS = frozenset((Way.EMAIL_CODE, Way.SMS_CODE, Way.SPONSOR))
Problems = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Sponsored:
    name: str
    host: MailAddress


Read = MailAddress | str | Sponsored
"""A mail address, a number in E.164, or a name and a host."""


class PassForm(Form):  # type: ignore[misc]  # WTForms has no types
    offer = IntegerField(validators=[Optional()])
    email = StringField(validators=[Length(max=254)])
    phone = StringField(validators=[Length(max=32)])
    visitor_name = StringField(validators=[Length(max=LONGEST_NAME)])
    host = StringField(validators=[Length(max=254)])
    accept_terms = IntegerField(validators=[Optional()])
    """The version of the terms that the pressed button accepts."""

    def read(self, way: Way, settings: Settings) -> Read | Refuse | Problems:
        """What was typed for this way; or what is wrong with it, by field."""
        self.validate()
        match way:
            case Way.EMAIL_CODE:
                return parse_mail_address(self.email.data or "") or (("email", gettext(ADDRESS_WANTED)),)
            case Way.SMS_CODE:
                number = parse_number(self.phone.data or "", expand_countries(settings.sms_countries))
                if number is NumberProblem.NOT_SERVED:
                    return Refuse(RefusalReason.NUMBER_NOT_SERVED)
                return (("phone", gettext(_NUMBER)),) if isinstance(number, NumberProblem) else number
            case Way.SPONSOR:
                name, host = parse_name(self.visitor_name.data or ""), parse_mail_address(self.host.data or "")
                if name is not None and host is not None:
                    return Sponsored(name, host)
                wrong = (("visitor_name", name, _OWN_NAME), ("host", host, ADDRESS_WANTED))
                return tuple((field, gettext(what)) for field, value, what in wrong if value is None)
        raise AssertionError(way)

    def ask(self, arrival: Arrival, site: SiteShown) -> PassAsk:
        """For the offer that was chosen: whoever calls has found it among those of the site."""
        return PassAsk(
            nas_id=arrival.nas_id,
            site_id=arrival.site_id,
            device_mac=arrival.device_mac,
            offer_id=self.offer.data,
            terms_version=site.terms_version if self.accept_terms.data == site.terms_version else None,
            language=language(),
            device_family=device_family(request.user_agent.string),
        )

    @property
    def typed(self) -> Typed:
        """To be shown again, as long as a person may have typed it."""
        fields = ("email", "phone", "visitor_name", "host")
        return tuple((name, self[name].data[:254]) for name in fields if self[name].data)


ADDRESS_WANTED = mark("Type an e-mail address, for example name@example.org.")
_NUMBER = mark("Type the number of a mobile phone, for example 06 12 34 56 78.")
_OWN_NAME = mark("Type your first name and your name, in letters.")
