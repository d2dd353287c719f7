"""An organisation's colour and logo."""

from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import ValidationError
from wtforms.fields import Field

from hotspot.message_ids import mark
from hotspot.policy.colours import parse_colour
from hotspot_admin.forms.fields import text_field


class AppearanceForm(FlaskForm):  # type: ignore[misc]
    colour = text_field(
        mark("Colour"), 20, required=False, autocomplete="off", placeholder="#0b5c60", spellcheck="false"
    )
    logo = FileField(mark("Logo"), render_kw={"accept": ".png,.jpg,.jpeg,.svg,image/png,image/jpeg,image/svg+xml"})

    def validate_colour(self, field: Field) -> None:
        if field.data and parse_colour(field.data) is None:
            raise ValidationError(mark("A colour is written as # and six digits from 0 to f: #0b5c60."))
