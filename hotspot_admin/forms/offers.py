"""An offer: where it holds, what it allows, when an announcement comes. Its way is chosen before, and never changes."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    Form,
    FormField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    ValidationError,
)
from wtforms.fields import Field
from wtforms.fields.choices import SelectChoice
from wtforms.validators import AnyOf, InputRequired, NumberRange, StopValidation
from wtforms.validators import Optional as MayBeEmpty
from wtforms.widgets import CheckboxInput, ListWidget

from hotspot.message_ids import mark
from hotspot.models import Offer, OfferAllowance
from hotspot.offer_wording import print_time
from hotspot.policy.announcements import LONGEST_CYCLE, LONGEST_VIEW, SHORTEST_CYCLE, SHORTEST_VIEW
from hotspot.services.changing_offers import Choices
from hotspot.services.making_offers import KNOWS_A_PERSON, AllowanceDraft, OfferDraft
from hotspot.values import Period, Way
from hotspot_admin.forms.amounts import amount_of, print_speed, print_volume, speed_field, time_field, volume_field
from hotspot_admin.forms.fields import REQUIRED, text_field
from hotspot_admin.language import language

UNTIL_CLOSING, FOR_A_TIME = "closing", "time"
NONE, EVERY = "none", "every"
IN_A_FILE = 0
"""Where cards are checked that no library system checks."""
USUAL_CYCLE = timedelta(minutes=30)
USUAL_VIEW = timedelta(seconds=10)
_CHOOSE = mark("Choose one of these.")
_A_YEAR = 366
_A_MINUTE = timedelta(minutes=1)
_NUMERIC = {"inputmode": "numeric", "autocomplete": "off"}

_FIELDS = {
    "name": "name",
    "site": "sites",
    "visit-time": "visit_time",
    "devices": "devices",
    "upload": "upload",
    "download": "download",
    "idle-timeout": "idle_time",
    "remember-days": "remember_days",
    "announcement-every": "announcement_minutes",
    "announcement-length": "announcement_seconds",
    "host-domain": "host_domains",
    "identity-provider": "identity_provider_id",
    "library-system": "library_system_id",
    "way": "by_rule_only",
}
_AMOUNTS = {
    "time-allowed": "time",
    "time": "time",
    "volume": "octets",
    "upload-volume": "upload_octets",
    "download-volume": "download_octets",
}
"""What the service calls a part of an offer, and which field that is."""


def _whole_number(label: str, least: int, most: int, outside: str, *, required: bool = True) -> IntegerField:
    return IntegerField(
        label,
        [InputRequired(REQUIRED) if required else MayBeEmpty(), NumberRange(least, most, outside)],
        render_kw={**_NUMERIC, "min": least, "max": most},
    )


def _needed_for_a_time(form: Form, field: Field) -> None:
    """First in its chain: what follows takes an empty length for right."""
    if form.stay.data == FOR_A_TIME and not any((text or "").strip() for text in field.raw_data or ()):
        raise StopValidation(mark("Write how long, or choose “Until the site closes that day”."))


class AllowanceForm(Form):  # type: ignore[misc]
    """Of one period. What is empty is not limited."""

    time = time_field(mark("Time online"))
    octets = volume_field(mark("Volume"))
    upload_octets = volume_field(mark("Sent"))
    download_octets = volume_field(mark("Received"))

    def draft(self, period: Period) -> AllowanceDraft:
        return AllowanceDraft(
            period,
            amount_of(self.time),
            amount_of(self.octets),
            amount_of(self.upload_octets),
            amount_of(self.download_octets),
        )


class OfferForm(FlaskForm):  # type: ignore[misc]
    name = text_field(mark("Name"), 200, autocomplete="off")
    sites = SelectMultipleField(
        mark("Sites"),
        coerce=int,
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
        validate_choice=False,
    )
    stay = RadioField(
        mark("How long does a visit last?"),
        [AnyOf([UNTIL_CLOSING, FOR_A_TIME], _CHOOSE)],
        choices=[
            SelectChoice(UNTIL_CLOSING, mark("Until the site closes that day")),
            SelectChoice(FOR_A_TIME, mark("For this length of time, and no longer than the site is open")),
        ],
        default=UNTIL_CLOSING,
        validate_choice=False,
    )
    visit_time = time_field(mark("Length of the visit"), _needed_for_a_time)
    visit = FormField(AllowanceForm, mark("Per visit"))
    day = FormField(AllowanceForm, mark("Per day"))
    week = FormField(AllowanceForm, mark("Per week"))
    download = speed_field(mark("Speed to receive (Mbit/s)"))
    upload = speed_field(mark("Speed to send (Mbit/s)"))
    devices = _whole_number(mark("Devices at once"), 1, 1000, mark("Between 1 and 1,000 devices."))
    idle_time = time_field(mark("Ended after this time without use"))
    remember_days = _whole_number(
        mark("Days for which a device may be remembered"), 1, _A_YEAR, mark("Between 1 and 366 days."), required=False
    )
    announcements = RadioField(
        mark("When is one shown?"),
        [AnyOf([NONE, EVERY], _CHOOSE)],
        choices=[SelectChoice(NONE, mark("No announcement")), SelectChoice(EVERY, mark("One at a time, at this pace"))],
        default=NONE,
        validate_choice=False,
    )
    announcement_minutes = IntegerField(mark("Minutes online from one to the next"), render_kw=_NUMERIC)
    announcement_seconds = IntegerField(mark("Seconds for which it is shown"), render_kw=_NUMERIC)
    library_system_id = SelectField(mark("Where cards are checked"), coerce=int, validate_choice=False)
    by_rule_only = BooleanField(mark("Only by a rule for readers: not on the portal"))
    host_domains = text_field(mark("Domains of hosts"), 1000, autocomplete="off", spellcheck="false", inputmode="url")
    identity_provider_id = SelectField(mark("Identity provider"), coerce=int, validate_choice=False)

    def fit(self, way: Way, choices: Choices, offer: Offer | None) -> None:
        """Drop what does not belong to this way; the choices are the organisation's."""
        needed = {
            "library_system_id": way is Way.LIBRARY_CARD,
            "by_rule_only": way is Way.LIBRARY_CARD,
            "host_domains": way is Way.SPONSOR,
            "identity_provider_id": way is Way.OPENID_CONNECT and offer is None,
            "remember_days": way in KNOWS_A_PERSON,
        }
        for name, is_needed in needed.items():
            if not is_needed:
                delattr(self, name)
        own = choices.organisation.id
        self.sites.choices = [
            SelectChoice(
                site.id, site.name if site.organisation_id == own else f"{site.name} · {site.organisation.name}"
            )
            for site in choices.sites
        ]
        if way is Way.LIBRARY_CARD:
            systems = list(choices.library_systems)
            kept = offer.library_system if offer is not None else None
            if kept is not None and kept not in systems:
                systems.append(kept)
            in_a_file = SelectChoice(IN_A_FILE, mark("In the file of cards that was imported"))
            self.library_system_id.choices = [in_a_file, *(SelectChoice(each.id, each.name) for each in systems)]
        if self.identity_provider_id is not None:
            self.identity_provider_id.choices = [
                SelectChoice(each.id, each.name) for each in choices.identity_providers
            ]

    def validate_sites(self, field: Field) -> None:
        field.errors, known = [], {choice.value for choice in field.choices}
        if field.data is None or not set(field.data) <= known:
            raise ValidationError(_CHOOSE)
        if not field.data:
            raise ValidationError(mark("Tick one site at least: an offer holds nowhere else."))

    def validate_announcement_minutes(self, field: Field) -> None:
        self._check_pace(field, SHORTEST_CYCLE, LONGEST_CYCLE, _A_MINUTE, mark("Between 5 minutes and a day (1,440)."))

    def validate_announcement_seconds(self, field: Field) -> None:
        second = timedelta(seconds=1)
        self._check_pace(field, SHORTEST_VIEW, LONGEST_VIEW, second, mark("Between 3 and 60 seconds."))

    def validate_library_system_id(self, field: Field) -> None:
        _check_choice(field)

    def validate_identity_provider_id(self, field: Field) -> None:
        _check_choice(field)

    def _check_pace(self, field: Field, least: timedelta, most: timedelta, unit: timedelta, outside: str) -> None:
        """Only where there are any; then one sentence says it all, also of what is no number."""
        field.errors = []
        is_right = field.data is not None and least // unit <= field.data <= most // unit
        if self.announcements.data == EVERY and not is_right:
            raise ValidationError(outside)

    def draft(self, way: Way) -> OfferDraft:
        """What was typed. Only after `validate`."""
        visit = self.visit.form.draft(Period.VISIT)
        others = [self.day.form.draft(Period.DAY), self.week.form.draft(Period.WEEK)]
        are_shown = self.announcements.data == EVERY
        return OfferDraft(
            name=self.name.data,
            way=way,
            visit_time=amount_of(self.visit_time) if self.stay.data == FOR_A_TIME else None,
            time_allowed=visit.time,
            octets_allowed=visit.octets,
            upload_octets_allowed=visit.upload_octets,
            download_octets_allowed=visit.download_octets,
            allowances=[each for each in others if each != AllowanceDraft(each.period)],
            upload_kbps=amount_of(self.upload),
            download_kbps=amount_of(self.download),
            devices_at_once=self.devices.data,
            idle_timeout=amount_of(self.idle_time),
            remember_for=timedelta(days=self.remember_days.data)
            if self.remember_days is not None and self.remember_days.data
            else None,
            announcement_every=self.announcement_minutes.data * _A_MINUTE if are_shown else None,
            announcement_length=timedelta(seconds=self.announcement_seconds.data) if are_shown else USUAL_VIEW,
            sponsor_domains=self.host_domains.data.replace(",", " ").split() if self.host_domains is not None else (),
            identity_provider_id=self.identity_provider_id.data if self.identity_provider_id is not None else None,
            by_rule_only=bool(self.by_rule_only is not None and self.by_rule_only.data),
        )

    @property
    def chosen_system(self) -> int | None:
        return (self.library_system_id.data or None) if self.library_system_id is not None else None

    def put_error(self, part: str | None, problem: str) -> bool:
        """Beside the field that the service means. False: there is no such field."""
        prefix, _, rest = (part or "").partition("-")
        if prefix in ("day", "week") and rest in _AMOUNTS:
            return _put(getattr(self, prefix).form[_AMOUNTS[rest]], problem)
        if part in _AMOUNTS:
            return _put(self.visit.form[_AMOUNTS[part]], problem)
        found = self._fields.get(_FIELDS.get(part or "", ""))
        return found is not None and _put(found, problem)


def new_offer() -> Mapping[str, Any]:
    return {"devices": 1, **_pace(USUAL_CYCLE, USUAL_VIEW)}


def as_typed(offer: Offer) -> Mapping[str, Any]:
    """An offer as the form shows it."""
    others = {each.period: each for each in offer.allowances}
    visit = (offer.time_allowed, offer.octets_allowed, offer.upload_octets_allowed, offer.download_octets_allowed)
    return {
        "name": offer.name,
        "sites": [site.id for site in offer.sites],
        "stay": UNTIL_CLOSING if offer.visit_time is None else FOR_A_TIME,
        "visit_time": _time(offer.visit_time),
        "visit": _amounts(*visit),
        "day": _of_row(others.get(Period.DAY)),
        "week": _of_row(others.get(Period.WEEK)),
        "download": print_speed(offer.download_kbps),
        "upload": print_speed(offer.upload_kbps),
        "devices": offer.devices_at_once,
        "idle_time": _time(offer.idle_timeout),
        "remember_days": None if offer.remember_for is None else offer.remember_for.days,
        "announcements": NONE if offer.announcement_every is None else EVERY,
        **_pace(offer.announcement_every or USUAL_CYCLE, offer.announcement_length),
        "library_system_id": offer.library_system_id or IN_A_FILE,
        "by_rule_only": offer.by_rule_only,
        "host_domains": offer.sponsor_domains,
    }


def _check_choice(field: Field) -> None:
    if field.data not in [choice.value for choice in field.choices]:
        raise ValidationError(_CHOOSE)


def _put(field: Field, problem: str) -> bool:
    field.errors = [*field.errors, problem]
    return True


def _pace(every: timedelta, length: timedelta) -> dict[str, int]:
    return {"announcement_minutes": every // _A_MINUTE, "announcement_seconds": length // timedelta(seconds=1)}


def _of_row(row: OfferAllowance | None) -> dict[str, str]:
    return {} if row is None else _amounts(row.time, row.octets, row.upload_octets, row.download_octets)


def _amounts(time: timedelta | None, both: int | None, upload: int | None, download: int | None) -> dict[str, str]:
    volumes = {"octets": both, "upload_octets": upload, "download_octets": download}
    return {"time": _time(time)} | {name: print_volume(each) for name, each in volumes.items()}


def _time(length: timedelta | None) -> str:
    return "" if length is None else print_time(length, language())
