"""Address and password."""

from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from hotspot.message_ids import mark
from hotspot_admin.forms.fields import printable


class SignInForm(FlaskForm):  # type: ignore[misc]
    email = StringField(
        mark("E-mail address"),
        [
            InputRequired(mark("Type your e-mail address.")),
            Length(max=254, message=mark("This is too long.")),
            printable,
        ],
        render_kw={"type": "email", "autocomplete": "username", "autofocus": True},
    )
    password = PasswordField(
        mark("Password"),
        [InputRequired(mark("Type your password.")), Length(max=200, message=mark("This is too long."))],
        render_kw={"autocomplete": "current-password"},
    )
    next = HiddenField()
