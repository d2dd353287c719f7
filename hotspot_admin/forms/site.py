"""A site: what it is, and a week of opening hours with its exceptions."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    FieldList,
    Form,
    FormField,
    RadioField,
    SelectField,
    StringField,
    ValidationError,
)
from wtforms.fields import Field
from wtforms.fields.choices import SelectChoice
from wtforms.validators import AnyOf, Length, StopValidation
from wtforms.validators import Optional as MayBeEmpty

from hotspot.message_ids import mark
from hotspot.models import Organisation, Site
from hotspot.policy.opening_hours import Interval
from hotspot.services.sites import DEFAULT_ZONE, LONGEST_ADDRESS, SiteDraft, UnlikeDay, is_time_zone, is_web_page
from hotspot.values import SiteKind
from hotspot_admin.forms.fields import TOO_LONG, parse_hours, print_hours, text_field
from hotspot_admin.language import gettext

KINDS = {
    SiteKind.LIBRARY: mark("Library"),
    SiteKind.SQUARE: mark("Square"),
    SiteKind.TOWN_HALL: mark("Town hall"),
    SiteKind.OTHER: mark("Other"),
}
WEEKDAYS = (
    mark("Monday"),
    mark("Tuesday"),
    mark("Wednesday"),
    mark("Thursday"),
    mark("Friday"),
    mark("Saturday"),
    mark("Sunday"),
)
ALWAYS, BY_WEEK = "always", "week"
SPARE_ROWS = 3
MOST_EXCEPTIONS = 200
_BAD_DATE = mark("This is not a date.")


def _is_hours(_form: Form, field: Field) -> None:
    try:
        field.intervals = parse_hours(field.data or "")
    except ValueError as error:
        raise ValidationError(str(error)) from error


def _hours_field(label: str) -> StringField:
    return StringField(label, [MayBeEmpty(), Length(max=200, message=TOO_LONG), _is_hours])


def _unless_the_row_is_empty(form: Form, field: Field) -> None:
    """First in its chain: what follows takes an empty date for right."""
    if not any(field.raw_data or ()) and (form.hours.data or form.note.data):
        raise StopValidation(mark("Give the date of this exception."))


class ExceptionForm(Form):  # type: ignore[misc]
    """One row; an empty date is an empty row."""

    day = DateField(mark("Date"), [_unless_the_row_is_empty, MayBeEmpty()])
    hours = _hours_field(mark("Opening hours"))
    note = text_field(mark("Note"), 200, required=False)

    def validate_day(self, field: Field) -> None:
        if field.data is not None and not date(2000, 1, 1) <= field.data <= date(2999, 12, 31):
            raise ValidationError(_BAD_DATE)


class SiteForm(FlaskForm):  # type: ignore[misc]
    organisation_id = SelectField(mark("Organisation"), coerce=int, validate_choice=False)
    name = text_field(mark("Name"), 200, autocomplete="off")
    kind = SelectField(
        mark("Kind of place"),
        [AnyOf([kind.value for kind in SiteKind], mark("Choose one of these."))],
        choices=[SelectChoice(kind.value, label) for kind, label in KINDS.items()],
        validate_choice=False,
    )
    ssid = text_field(mark("Name of the Wi-Fi network (SSID)"), 32, required=False, autocomplete="off")
    time_zone = text_field(mark("Time zone"), 64, autocomplete="off", list="time-zones")
    latitude = text_field(mark("Latitude"), 20, required=False, inputmode="decimal")
    longitude = text_field(mark("Longitude"), 20, required=False, inputmode="decimal")
    web_page = text_field(
        mark("Web page of the place"), LONGEST_ADDRESS, required=False, autocomplete="off", inputmode="url"
    )
    is_wifi4eu = BooleanField(mark("This network is part of WiFi4EU"))
    hours_kind = RadioField(
        mark("When is the Wi-Fi open?"),
        [AnyOf([ALWAYS, BY_WEEK], mark("Choose one of these."))],
        choices=[SelectChoice(ALWAYS, mark("Always")), SelectChoice(BY_WEEK, mark("At these hours"))],
        validate_choice=False,
    )
    monday = _hours_field(WEEKDAYS[0])
    tuesday = _hours_field(WEEKDAYS[1])
    wednesday = _hours_field(WEEKDAYS[2])
    thursday = _hours_field(WEEKDAYS[3])
    friday = _hours_field(WEEKDAYS[4])
    saturday = _hours_field(WEEKDAYS[5])
    sunday = _hours_field(WEEKDAYS[6])
    exceptions = FieldList(FormField(ExceptionForm), max_entries=MOST_EXCEPTIONS)

    @property
    def days(self) -> Sequence[Field]:
        return (
            self.monday,
            self.tuesday,
            self.wednesday,
            self.thursday,
            self.friday,
            self.saturday,
            self.sunday,
        )

    def offer_organisations(self, organisations: Sequence[Organisation]) -> None:
        self.organisation_id.choices = [SelectChoice(each.id, each.name) for each in organisations]

    def validate_organisation_id(self, field: Field) -> None:
        if field.data not in [choice.value for choice in field.choices]:
            raise ValidationError(mark("Choose one of these."))

    def validate_ssid(self, field: Field) -> None:
        if len((field.data or "").encode()) > 32:
            raise ValidationError(mark("A network name has at most 32 octets; accented letters take two."))

    def validate_time_zone(self, field: Field) -> None:
        if not is_time_zone(field.data or ""):
            raise ValidationError(mark("There is no such time zone: it is written like Europe/Paris."))

    def validate_latitude(self, field: Field) -> None:
        _check_degrees(field.data, 90)
        if bool(field.data) != bool(self.longitude.data):
            raise ValidationError(mark("Give both latitude and longitude, or neither."))

    def validate_longitude(self, field: Field) -> None:
        _check_degrees(field.data, 180)

    def validate_web_page(self, field: Field) -> None:
        if field.data and not is_web_page(field.data):
            raise ValidationError(mark("Write the whole address of a web page, like https://www.ville.fr/mediatheque."))

    def validate_hours_kind(self, field: Field) -> None:
        if field.data == BY_WEEK and not any((day.data or "").strip() for day in self.days):
            raise ValidationError(mark("Type the hours of at least one day, or choose “Always”."))

    def validate_exceptions(self, field: Field) -> None:
        days = [row.form.day.data for row in field if row.form.day.data is not None]
        if len(days) != len(set(days)):
            raise ValidationError(mark("The same date is there twice: put all its hours on one line."))

    def add_spare_rows(self) -> None:
        used = sum(1 for row in self.exceptions if row.form.day.data or row.form.hours.data)
        while len(self.exceptions) < min(used + SPARE_ROWS, MOST_EXCEPTIONS):
            self.exceptions.append_entry()

    def draft(self) -> SiteDraft:
        """What was typed. Only after `validate`."""
        always = self.hours_kind.data == ALWAYS
        return SiteDraft(
            organisation_id=self.organisation_id.data,
            name=self.name.data,
            kind=SiteKind(self.kind.data),
            time_zone=self.time_zone.data,
            ssid=self.ssid.data,
            latitude=_degrees(self.latitude.data),
            longitude=_degrees(self.longitude.data),
            week={} if always else {at: _intervals(day) for at, day in enumerate(self.days)},
            exceptions=[
                UnlikeDay(row.form.day.data, _intervals(row.form.hours), row.form.note.data or "")
                for row in self.exceptions
                if row.form.day.data is not None
            ],
            is_wifi4eu=self.is_wifi4eu.data,
            web_page=self.web_page.data,
        )


def as_typed(site: Site, today: date) -> Mapping[str, Any]:
    """A site as the form shows it. Exceptions that are past are not shown, and so forgotten when the form is sent."""
    hours = site.hours
    notes = {each.day: each.note for each in site.opening_exceptions}
    names = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    return {
        "organisation_id": site.organisation_id,
        "name": site.name,
        "kind": site.kind.value,
        "ssid": site.ssid,
        "time_zone": site.time_zone,
        "latitude": "" if site.latitude is None else repr(site.latitude),
        "longitude": "" if site.longitude is None else repr(site.longitude),
        "web_page": site.web_page,
        "is_wifi4eu": site.is_wifi4eu,
        "hours_kind": BY_WEEK if hours.week else ALWAYS,
        **{name: print_hours(hours.week.get(at, ())) for at, name in enumerate(names)},
        "exceptions": [
            {"day": day, "hours": print_hours(intervals), "note": notes[day]}
            for day, intervals in sorted(hours.exceptions.items())
            if day >= today - timedelta(days=1)
        ],
    }


def new_site() -> Mapping[str, Any]:
    return {"time_zone": DEFAULT_ZONE, "kind": SiteKind.LIBRARY.value, "hours_kind": BY_WEEK}


def _intervals(field: Field) -> tuple[Interval, ...]:
    return getattr(field, "intervals", ())


def _degrees(text: str) -> float | None:
    return float(text.replace(",", ".")) if text else None


def _check_degrees(text: str, most: int) -> None:
    try:
        degrees = _degrees(text)
    except ValueError:
        raise ValidationError(mark("Write degrees with decimals: 47.2378.")) from None
    if degrees is not None and not -most <= degrees <= most:  # NaN is refused too: no comparison with it holds
        raise ValidationError(gettext("This is between -%(most)s and %(most)s degrees.", most=most))
