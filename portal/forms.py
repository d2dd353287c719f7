"""The form to sign in. WTForms reads and judges it.

It has no CSRF token of its own: one is bound to a cookie, and the portal has none. The signed arrival stands for it:
who posts a form can at most open the network to the device that the arrival names.
"""

from wtforms import BooleanField, Form, IntegerField, StringField
from wtforms.validators import Length, Optional, Regexp

from hotspot.message_ids import mark
from hotspot.services.offers import OfferShown
from hotspot.values import Way
from portal.language import gettext

_PLAIN = Regexp(r"[^\x00-\x1f\x7f]*\Z")


class SignInForm(Form):  # type: ignore[misc]  # WTForms has no types
    offer = IntegerField(validators=[Optional()])
    card_number = StringField(validators=[Length(max=64), _PLAIN])
    pin = StringField(validators=[Length(max=64), _PLAIN])
    voucher_code = StringField(validators=[Length(max=40), _PLAIN])
    remember = BooleanField()
    accept_terms = IntegerField(validators=[Optional()])
    """The version of the terms that the pressed button accepts."""

    def problems(self, offer: OfferShown) -> tuple[tuple[str, str], ...]:
        """(field, what is wrong) for the fields of this offer."""
        self.validate()
        return tuple(
            (name, gettext(_UNREADABLE if self[name].errors else missing))
            for name, missing in _NEEDED[offer.way]
            if (name != "pin" or offer.asks_pin) and (self[name].errors or not (self[name].data or "").strip())
        )


_UNREADABLE = mark("This cannot be right: please type it again.")
_NEEDED = {
    Way.LIBRARY_CARD: (
        ("card_number", mark("Type the number of your library card.")),
        ("pin", mark("Type your PIN or password.")),
    ),
    Way.VOUCHER: (("voucher_code", mark("Type the code that you were given.")),),
    Way.ONE_TAP: (),
}
