"""A campaign, and an announcement in it. What makes no sense together is the service's to say."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import (
    DateField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    TimeField,
    ValidationError,
)
from wtforms.fields import Field
from wtforms.fields.choices import SelectChoice
from wtforms.validators import AnyOf, InputRequired, Length
from wtforms.validators import Optional as MayBeEmpty
from wtforms.widgets import CheckboxInput, ListWidget

from hotspot.message_ids import mark
from hotspot.models import Announcement, Campaign, Organisation, Site
from hotspot.services.campaign_announcements import (
    LONGEST_IMAGE_TEXT,
    LONGEST_LINK,
    LONGEST_TEXT,
    LONGEST_TITLE,
    Words,
)
from hotspot.services.campaigns import LONGEST_NAME, CampaignDraft
from hotspot.values import CampaignKind
from hotspot.wording import LANGUAGES
from hotspot_admin.forms.fields import REQUIRED, TOO_LONG, text_field

KINDS = {
    CampaignKind.MUNICIPAL: mark("News from the town"),
    CampaignKind.COMMERCIAL: mark("Advertising: somebody pays for it"),
}
EVERYWHERE, SOME = "everywhere", "some"
_CHOOSE = mark("Choose one of these.")
WTFORMS_OWN = mark("Not a valid time value.")


def _number_field(label: str, *checks: Any) -> IntegerField:
    return IntegerField(label, checks, render_kw={"inputmode": "numeric", "maxlength": 9, "autocomplete": "off"})


class CampaignForm(FlaskForm):  # type: ignore[misc]
    organisation_id = SelectField(mark("Organisation"), coerce=int, validate_choice=False)
    name = text_field(mark("Name"), LONGEST_NAME, autocomplete="off")
    kind = RadioField(
        mark("Kind of campaign"),
        [AnyOf([each.value for each in CampaignKind], _CHOOSE)],
        choices=[SelectChoice(each.value, label) for each, label in KINDS.items()],
        default=CampaignKind.MUNICIPAL.value,
        validate_choice=False,
    )
    advertiser = text_field(mark("Advertiser"), LONGEST_NAME, required=False, autocomplete="off")
    starts_on = DateField(mark("First day"), [InputRequired(REQUIRED)])
    ends_on = DateField(mark("Last day"), [MayBeEmpty()])
    from_time = TimeField(mark("From"), [MayBeEmpty()])
    until_time = TimeField(mark("Until"), [MayBeEmpty()])
    where = RadioField(
        mark("Which sites"),
        [AnyOf([EVERYWHERE, SOME], _CHOOSE)],
        choices=[
            SelectChoice(EVERYWHERE, mark("Everywhere: at new sites too")),
            SelectChoice(SOME, mark("At these sites")),
        ],
        default=EVERYWHERE,
        validate_choice=False,
    )
    site_ids = SelectMultipleField(
        mark("Sites"),
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
        validate_choice=False,
    )
    weight = _number_field(mark("Share"), InputRequired(REQUIRED))
    most_per_device = _number_field(mark("Views by one device in a day, at most"), MayBeEmpty())
    most_per_day = _number_field(mark("Views by all in a day, at most"), MayBeEmpty())

    def offer(self, organisations: Sequence[Organisation], sites: Sequence[Site], said: Mapping[int, str]) -> None:
        """`said`: what a site is called in the list."""
        self.organisation_id.choices = [SelectChoice(each.id, each.name) for each in organisations]
        self.site_ids.choices = [SelectChoice(str(each.id), said[each.id]) for each in sites]

    def validate_organisation_id(self, field: Field) -> None:
        if field.data not in [choice.value for choice in field.choices]:
            raise ValidationError(_CHOOSE)

    def validate_site_ids(self, field: Field) -> None:
        if self.where.data != SOME:
            return
        if not field.data:
            raise ValidationError(mark("Choose at least one site."))
        if not set(field.data) <= {choice.value for choice in field.choices}:
            raise ValidationError(_CHOOSE)

    def draft(self) -> CampaignDraft:
        """What was typed. Only after `validate`."""
        return CampaignDraft(
            organisation_id=self.organisation_id.data,
            name=self.name.data,
            kind=CampaignKind(self.kind.data),
            advertiser=self.advertiser.data,
            starts_on=self.starts_on.data,
            ends_on=self.ends_on.data,
            from_time=self.from_time.data,
            until_time=self.until_time.data,
            weight=self.weight.data,
            most_per_device=self.most_per_device.data,
            most_per_day=self.most_per_day.data,
            site_ids=frozenset(map(int, self.site_ids.data)) if self.where.data == SOME else frozenset(),
        )


def as_typed(campaign: Campaign) -> dict[str, Any]:
    names = ("organisation_id", "name", "advertiser", "starts_on", "ends_on", "from_time", "until_time", "weight")
    plain = {name: getattr(campaign, name) for name in (*names, "most_per_device", "most_per_day")}
    return plain | {
        "kind": campaign.kind.value,
        "where": SOME if campaign.sites else EVERYWHERE,
        "site_ids": [str(each.id) for each in campaign.sites],
    }


class AnnouncementForm(FlaskForm):  # type: ignore[misc]
    """With three fields for each language, made below."""

    image = FileField(
        mark("Picture"),
        render_kw={"accept": ".png,.jpg,.jpeg,.webp,.svg,image/png,image/jpeg,image/webp,image/svg+xml"},
    )
    link = text_field(
        mark("Link"), LONGEST_LINK, required=False, type="url", autocomplete="off", placeholder="https://"
    )

    def fields_of(self, language: str) -> Sequence[Field]:
        return [self[f"{name}_{language}"] for name in ("title", "text", "image_text")]

    def words(self) -> Mapping[str, Words]:
        return {language: Words(*(field.data or "" for field in self.fields_of(language))) for language in LANGUAGES}


def _line(label: str, longest: int, language: str) -> StringField:
    checks = [Length(max=longest, message=TOO_LONG)]
    return StringField(label, checks, render_kw={"maxlength": longest, "lang": language, "autocomplete": "off"})


def _lines(label: str, longest: int, language: str) -> TextAreaField:
    checks = [Length(max=longest, message=TOO_LONG)]
    return TextAreaField(label, checks, render_kw={"maxlength": longest, "lang": language, "rows": 3})


for _language in LANGUAGES:
    setattr(AnnouncementForm, f"title_{_language}", _line(mark("Title"), LONGEST_TITLE, _language))
    setattr(AnnouncementForm, f"text_{_language}", _lines(mark("Text"), LONGEST_TEXT, _language))
    setattr(
        AnnouncementForm,
        f"image_text_{_language}",
        _line(mark("What the picture shows"), LONGEST_IMAGE_TEXT, _language),
    )


def words_as_typed(announcement: Announcement) -> dict[str, str]:
    typed = {"link": announcement.link}
    for each in announcement.texts:
        typed[f"title_{each.language}"] = each.title
        typed[f"text_{each.language}"] = each.text
        typed[f"image_text_{each.language}"] = each.image_text
    return typed
