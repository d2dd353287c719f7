"""The desk: what is asked before passes are printed. All of it has a usual answer: the button alone prints one pass."""

from datetime import date, datetime, timedelta

from wtforms import DateField, IntegerField, SelectField, ValidationError
from wtforms.fields import Field
from wtforms.fields.choices import SelectChoice
from wtforms.validators import AnyOf, InputRequired, NumberRange, Optional

from hotspot.message_ids import mark
from hotspot.printing.voucher_sheet import SheetFormat
from hotspot.services.desk import Order
from hotspot.services.vouchers import LARGEST_BATCH, LONGEST_LABEL, LONGEST_USE, MOST_DEVICES
from hotspot_admin.forms.fields import REQUIRED, text_field
from hotspot_admin.forms.vouchers import FORMATS, LONGEST_LIFE, OnePassForm, end_of, today_at
from hotspot_admin.language import gettext

MOST_HOURS = int(LONGEST_USE.total_seconds()) // 3600
DETAILS = ("count", "devices", "expires_on", "sheet", "paper_language", "second_language")
"""Fields that are folded away."""


class DeskForm(OnePassForm):
    label = text_field(mark("For whom"), LONGEST_LABEL, required=False, autocomplete="off")
    hours = IntegerField(
        mark("Good for, in hours"),
        [Optional(), NumberRange(1, MOST_HOURS, mark("A pass is good for between 1 hour and 30 days."))],
        render_kw={"inputmode": "numeric", "min": 1, "max": MOST_HOURS, "autocomplete": "off"},
    )
    until = DateField(mark("Or until, included"), [Optional()])
    count = IntegerField(
        mark("How many"),
        [InputRequired(REQUIRED), NumberRange(1, LARGEST_BATCH, mark("A batch has between 1 and 200 vouchers."))],
        render_kw={"inputmode": "numeric", "min": 1, "max": LARGEST_BATCH, "autocomplete": "off"},
    )
    devices = IntegerField(
        mark("Devices at once"),
        [Optional(), NumberRange(1, MOST_DEVICES, mark("A pass is for between 1 and 20 devices at once."))],
        render_kw={"inputmode": "numeric", "min": 1, "max": MOST_DEVICES, "autocomplete": "off"},
    )
    expires_on = DateField(mark("Last day for a first use"), [Optional()])
    sheet = SelectField(
        mark("Paper"),
        [AnyOf([each.value for each in SheetFormat], mark("Choose one of these."))],
        choices=[SelectChoice(each.value, label) for each, label in FORMATS.items()],
        validate_choice=False,
    )

    def validate_at(self, now: datetime) -> bool:
        self.now = now
        return bool(self.validate())

    def validate_until(self, field: Field) -> None:
        self._check_day(field)
        if field.data is not None and self.hours.data is not None:
            raise ValidationError(mark("A pass is good for some hours or until a day, not both."))

    def validate_expires_on(self, field: Field) -> None:
        self._check_day(field)

    def _check_day(self, field: Field) -> None:
        if field.data is None or self.kind.data not in self.pairs:
            return
        if field.data < self._today:
            raise ValidationError(mark("This day is over."))
        if field.data > self._today + LONGEST_LIFE:
            raise ValidationError(gettext("No later than %(day)s.", day=self._today + LONGEST_LIFE))

    @property
    def _today(self) -> date:
        return today_at(self.chosen[0], self.now)

    @property
    def order(self) -> Order:
        """Only after `validate_at`. A pass is for today, unless it is good until another day or says its last one."""
        site, _ = self.chosen
        until, last_day = self.until.data, self.expires_on.data or self.until.data or self._today
        return Order(
            count=self.count.data,
            label=self.label.data,
            expires_at=end_of(last_day, site),
            valid_for=None if self.hours.data is None else timedelta(hours=self.hours.data),
            until=None if until is None else end_of(until, site),
            devices=self.devices.data,
        )

    @property
    def details_are_wrong(self) -> bool:
        return any(self[name].errors for name in DETAILS)
