"""What visitors type to get a pass by themselves. As in `forms.py`, the signed arrival stands for a CSRF token."""

from dataclasses import dataclass

from wtforms import Form, IntegerField, StringField
from wtforms.validators import Length, Optional

from hotspot.policy.contacts import (
    LONGEST_NAME,
    MailAddress,
    NumberProblem,
    expand_countries,
    parse_mail_address,
    parse_name,
    parse_number,
)
from hotspot.settings import Settings
from hotspot.values import RefusalReason, Refuse, Way
from portal.language import gettext, mark
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

    @property
    def typed(self) -> Typed:
        """To be shown again, as long as a person may have typed it."""
        fields = ("email", "phone", "visitor_name", "host")
        return tuple((name, self[name].data[:254]) for name in fields if self[name].data)


ADDRESS_WANTED = mark("Type an e-mail address, for example name@example.org.")
_NUMBER = mark("Type the number of a mobile phone, for example 06 12 34 56 78.")
_OWN_NAME = mark("Type your first name and your name, in letters.")
