"""Vouchers: one day pass, a batch, and how a sheet is printed."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask_wtf import FlaskForm
from wtforms import DateField, IntegerField, SelectField, ValidationError
from wtforms.fields import Field
from wtforms.fields.choices import SelectChoice
from wtforms.validators import AnyOf, InputRequired, NumberRange

from hotspot.message_ids import mark
from hotspot.models import Offer, Site
from hotspot.printing.languages import PAPER_LANGUAGES
from hotspot.printing.voucher_sheet import SheetFormat
from hotspot.services.vouchers import LARGEST_BATCH, LONGEST_LABEL
from hotspot_admin.forms.fields import REQUIRED, text_field
from hotspot_admin.language import gettext

LONGEST_LIFE = timedelta(days=5 * 366)
USUAL_LIFE = timedelta(days=90)
FORMATS = {
    SheetFormat.SMALL: mark("A4, small: 24 on a page"),
    SheetFormat.LARGE: mark("A4, large: 10 on a page"),
    SheetFormat.A6: mark("A6: one on a page"),
    SheetFormat.ROLL_80: mark("Roll of 80 mm"),
    SheetFormat.ROLL_58: mark("Roll of 58 mm"),
}
NO_SECOND = mark("No second language")
_CHOOSE = mark("Choose one of these.")


class OnePassForm(FlaskForm):  # type: ignore[misc]
    """What is asked before anything is printed: the kind of voucher, and the language on the paper."""

    kind = SelectField(mark("Voucher"), validate_choice=False)
    paper_language = SelectField(
        mark("Language on the paper"),
        [AnyOf(list(PAPER_LANGUAGES), _CHOOSE)],
        choices=[SelectChoice(code, name) for code, name in PAPER_LANGUAGES.items()],
        validate_choice=False,
    )
    second_language = SelectField(
        mark("Second language"),
        [AnyOf(["", *PAPER_LANGUAGES], _CHOOSE)],
        choices=[SelectChoice("", NO_SECOND), *(SelectChoice(code, name) for code, name in PAPER_LANGUAGES.items())],
        default="",
        validate_choice=False,
    )

    def offer_kinds(self, pairs: Sequence[tuple[Site, Offer]]) -> None:
        """Those that end with the day first: at the desk they are what is asked for."""
        several_sites = len({site.id for site, _ in pairs}) > 1
        ordered = sorted(pairs, key=lambda pair: pair[1].visit_time is not None)
        self.pairs = {_key(site, offer): (site, offer) for site, offer in ordered}
        self.kind.choices = [
            SelectChoice(key, f"{offer.name} · {site.name}" if several_sites else offer.name)
            for key, (site, offer) in self.pairs.items()
        ]

    def validate_kind(self, field: Field) -> None:
        if field.data not in self.pairs:
            raise ValidationError(_CHOOSE)

    @property
    def chosen(self) -> tuple[Site, Offer]:
        """Only after `validate`."""
        return self.pairs[self.kind.data]


class BatchForm(OnePassForm):
    count = IntegerField(
        mark("How many"),
        [InputRequired(REQUIRED), NumberRange(1, LARGEST_BATCH, mark("A batch has between 1 and 200 vouchers."))],
        render_kw={"inputmode": "numeric", "min": 1, "max": LARGEST_BATCH, "autocomplete": "off"},
    )
    label = text_field(mark("Label"), LONGEST_LABEL, required=False, autocomplete="off")
    expires_on = DateField(mark("Last day for a first use"), [InputRequired(REQUIRED)])
    sheet = SelectField(
        mark("Paper"),
        [AnyOf([each.value for each in SheetFormat], _CHOOSE)],
        choices=[SelectChoice(each.value, label) for each, label in FORMATS.items()],
        validate_choice=False,
    )

    def validate_expires_on(self, field: Field) -> None:
        if field.data is None or self.kind.data not in self.pairs:
            return
        today = today_at(self.chosen[0], self.now)
        if field.data < today:
            raise ValidationError(mark("This day is over."))
        if field.data > today + LONGEST_LIFE:
            raise ValidationError(gettext("No later than %(day)s.", day=today + LONGEST_LIFE))

    def validate_at(self, now: datetime) -> bool:
        self.now = now
        return bool(self.validate())


def today_at(site: Site, now: datetime) -> date:
    return now.astimezone(ZoneInfo(site.time_zone)).date()


def end_of(day: date, site: Site) -> datetime:
    """Midnight after that day, at the site (UTC)."""
    midnight = datetime.combine(day + timedelta(days=1), time(), tzinfo=ZoneInfo(site.time_zone))
    return midnight.astimezone(UTC)


def _key(site: Site, offer: Offer) -> str:
    return f"{site.id}-{offer.id}"
