"""Campaigns and what they show, as staff make and change them; and what is counted of them. On both databases."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.db import Database
from hotspot.errors import Conflict, InvalidInput, NotFound
from hotspot.models import AuditEntry, Campaign, Organisation, Site
from hotspot.printing.announcement_picture import Picture
from hotspot.services import campaigns
from hotspot.services.announcing import load_rotation
from hotspot.services.campaign_announcements import (
    MOST,
    Words,
    add_announcement,
    change_announcement,
    retire_announcement,
    title_of,
)
from hotspot.services.campaign_reports import Counts, report_of, rows_of
from hotspot.services.campaigns import CampaignDraft, CampaignState
from hotspot.services.staff import Scope, find_scope
from hotspot.values import CampaignKind, SiteKind
from tests import factories

MARKET = {"fr": Words("Jour de marché", "Place de la République.")}
PICTURE = Picture(b"jpeg", 960, 540)
TODAY = date(2026, 3, 10)


@dataclass(frozen=True)
class Town:
    db: Session
    by: Scope
    commune: Organisation
    square: Site
    library: Site
    now: datetime

    @property
    def draft(self) -> CampaignDraft:
        return CampaignDraft(
            organisation_id=self.commune.id,
            name="Cinéma Le Méliès",
            kind=CampaignKind.COMMERCIAL,
            advertiser="Le Méliès",
            starts_on=TODAY,
        )

    def create(self, **overrides: object) -> Campaign:
        return campaigns.create_campaign(self.db, self.by, replace(self.draft, **overrides), self.now)  # type: ignore[arg-type]

    def running(self, **overrides: object) -> Campaign:
        campaign = self.create(**overrides)
        add_announcement(self.db, self.by, campaign.id, MARKET, "", None, self.now)
        return campaigns.resume_campaign(self.db, self.by, campaign.id, self.now)

    def actions(self) -> list[str]:
        return list(self.db.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


@pytest.fixture
def town(any_database: Database, now: datetime) -> Iterator[Town]:
    with any_database.transaction() as db:
        metropolis = factories.make_organisation(db)
        commune = factories.make_organisation(db, parent=metropolis)
        square = factories.make_site(db, organisation=commune, kind=SiteKind.SQUARE, name="Place")
        library = factories.make_site(db, organisation=commune, kind=SiteKind.LIBRARY, name="Médiathèque")
        member = factories.make_staff(db, organisation=metropolis)
        by = find_scope(db, member.id, member.session_key)
        assert by is not None
        yield Town(db, by, commune, square, library, now)


def test_a_new_campaign_is_shown_to_nobody_until_it_is_started(town: Town) -> None:
    campaign = town.create()
    add_announcement(town.db, town.by, campaign.id, MARKET, "", None, town.now)
    before = load_rotation(town.db, town.square, town.now).candidates

    campaigns.resume_campaign(town.db, town.by, campaign.id, town.now)

    assert [len(before), len(load_rotation(town.db, town.square, town.now).candidates)] == [0, 1]


def test_it_is_not_started_with_nothing_to_show(town: Town) -> None:
    campaign = town.create()

    with pytest.raises(Conflict, match="nothing to show"):
        campaigns.resume_campaign(town.db, town.by, campaign.id, town.now)


def test_each_step_stands_once_in_the_audit_log(town: Town) -> None:
    campaign = town.running()
    campaigns.resume_campaign(town.db, town.by, campaign.id, town.now)
    campaigns.change_campaign(town.db, town.by, campaign.id, town.draft, town.now)
    campaigns.change_campaign(town.db, town.by, campaign.id, replace(town.draft, weight=30), town.now)
    for _ in range(2):
        campaigns.pause_campaign(town.db, town.by, campaign.id, town.now)
    campaigns.end_campaign(town.db, town.by, campaign.id, town.now)

    assert town.actions() == [
        "campaign.created",
        "announcement.added",
        "campaign.resumed",
        "campaign.changed",
        "campaign.paused",
        "campaign.ended",
    ]
    changed = town.db.scalars(select(AuditEntry).where(AuditEntry.action == "campaign.changed")).one()
    assert (changed.facts, changed.organisation_id) == ({"weight": [10, 30]}, town.commune.id)


def test_one_that_has_ended_is_changed_no_more(town: Town) -> None:
    campaign = town.running()
    campaigns.end_campaign(town.db, town.by, campaign.id, town.now)

    for change in (campaigns.pause_campaign, campaigns.resume_campaign, campaigns.end_campaign):
        with pytest.raises(Conflict, match="has ended"):
            change(town.db, town.by, campaign.id, town.now)
    with pytest.raises(Conflict, match="has ended"):
        campaigns.change_campaign(town.db, town.by, campaign.id, town.draft, town.now)
    with pytest.raises(Conflict, match="has ended"):
        add_announcement(town.db, town.by, campaign.id, MARKET, "", None, town.now)


@pytest.mark.parametrize(
    ("overrides", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"advertiser": " "}, "advertiser"),
        ({"kind": CampaignKind.MUNICIPAL}, "advertiser"),
        ({"starts_on": date(1, 1, 1)}, "starts_on"),
        ({"ends_on": TODAY - timedelta(days=1)}, "ends_on"),
        ({"ends_on": date(9999, 12, 31)}, "ends_on"),
        ({"from_time": time(8)}, "until_time"),
        ({"until_time": time(8)}, "from_time"),
        ({"from_time": time(8), "until_time": time(8)}, "until_time"),
        ({"weight": 0}, "weight"),
        ({"weight": 101}, "weight"),
        ({"most_per_device": 0}, "most_per_device"),
        ({"most_per_day": 2**31}, "most_per_day"),
        ({"site_ids": frozenset({2**31 - 1})}, "site_ids"),
    ],
)
def test_what_makes_no_sense_is_refused_beside_its_field(town: Town, overrides: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        town.create(**overrides)

    assert refused.value.field == field
    assert town.db.scalar(select(Campaign.id)) is None


def test_one_that_would_be_shown_nowhere_is_refused(town: Town) -> None:
    with pytest.raises(InvalidInput, match="free of announcements"):
        town.create(site_ids=frozenset({town.library.id}))
    town.square.is_wifi4eu = True
    with pytest.raises(InvalidInput, match="free of announcements"):
        town.create(site_ids=frozenset({town.library.id, town.square.id}))


@pytest.mark.parametrize("everywhere", [True, False])
def test_its_page_can_say_which_sites_will_not_show_it(town: Town, everywhere: bool) -> None:
    chosen = frozenset() if everywhere else frozenset({town.library.id, town.square.id})
    campaign = town.create(site_ids=chosen)

    assert campaigns.sites_without(town.db, town.by, campaign) == [town.library]


def test_sites_of_a_sister_commune_are_not_its_own(town: Town) -> None:
    sister = factories.make_organisation(town.db, parent=town.commune.parent)
    site = factories.make_site(town.db, organisation=sister, kind=SiteKind.SQUARE)

    with pytest.raises(InvalidInput, match="not all of this organisation"):
        town.create(site_ids=frozenset({site.id, town.square.id}))


def test_somebody_elses_is_not_there(town: Town) -> None:
    theirs = factories.make_announcement(town.db)

    with pytest.raises(NotFound):
        campaigns.get_campaign(town.db, town.by, theirs.campaign_id)
    with pytest.raises(NotFound):
        town.create(organisation_id=theirs.campaign.organisation_id)
    with pytest.raises(NotFound):
        add_announcement(town.db, town.by, theirs.campaign_id, MARKET, "", None, town.now)
    with pytest.raises(NotFound):
        retire_announcement(town.db, town.by, theirs.id, town.now)
    assert campaigns.list_campaigns(town.db, town.by, TODAY) == []


def test_the_list_tells_states_and_todays_figures_and_shares(town: Town) -> None:
    mine = town.running(name="running", weight=30)
    town.running(name="other", weight=10)
    town.running(name="coming", starts_on=TODAY + timedelta(days=1))
    town.running(name="over", starts_on=TODAY - timedelta(days=2), ends_on=TODAY - timedelta(days=1))
    town.create(name="paused")
    shown = mine.announcements[0]
    factories.make_announcement_day(town.db, shown, town.square, TODAY, 7, 5)
    factories.make_announcement_day(town.db, shown, town.square, TODAY - timedelta(days=1), 100, 100)

    listed = {each.campaign.name: each for each in campaigns.list_campaigns(town.db, town.by, TODAY)}

    assert {name: each.state.value for name, each in listed.items()} == {
        "running": "running",
        "other": "running",
        "coming": "coming",
        "paused": "paused",
        "over": "over",
    }
    assert [each.state for each in listed.values()] == sorted(
        (each.state for each in listed.values()), key=list(CampaignState).index
    )
    assert (listed["running"].displays_today, listed["running"].views_today) == (7, 5)
    assert [listed[name].share for name in ("running", "other", "paused")] == [0.75, 0.25, 0]


# ---- what they show ----


def test_the_audit_log_tells_other_words_and_another_link(town: Town) -> None:
    """What was counted before was counted of those."""
    words = {"fr": Words("Marché", "Le samedi")}
    made = add_announcement(town.db, town.by, town.create().id, words, "https://marche.example", None, town.now)
    now_in_english = {"fr": Words("Marché", "Le dimanche"), "en": Words("Market")}
    for _ in range(2):
        change_announcement(town.db, town.by, made.id, now_in_english, "https://boulangerie.example", town.now)

    changed = town.db.scalars(select(AuditEntry).where(AuditEntry.action == "announcement.changed")).one()
    assert changed.facts == {
        "announcement": "Marché",
        "link": ["https://marche.example", "https://boulangerie.example"],
        "text_fr": ["Le samedi", "Le dimanche"],
        "title_en": ["", "Market"],
    }


def test_words_are_kept_by_language_each_on_one_line(town: Town) -> None:
    words = {"fr": Words("Marché", "Le samedi,\r\n  de 8 h à 13 h"), "en": Words()}

    made = add_announcement(town.db, town.by, town.create().id, words, " https://marche.example ", None, town.now)

    assert [(each.language, each.text) for each in made.texts] == [("fr", "Le samedi, de 8 h à 13 h")]
    assert made.link == "https://marche.example"
    assert title_of(made, "en") == "Marché"


@pytest.mark.parametrize(
    ("words", "link", "picture", "field"),
    [
        ({}, "", None, "title_fr"),
        ({"fr": Words(text="sans titre")}, "", None, "title_fr"),
        ({"en": Words("Market", image_text="stalls"), "fr": Words("Marché")}, "", PICTURE, "image_text_fr"),
        ({"fr": Words("x" * 121)}, "", None, "title_fr"),
        ({"fr": Words("x", "y" * 601)}, "", None, "text_fr"),
        ({"fr": Words("x\u202ey")}, "", None, "title_fr"),
        ({"tlh": Words("nuqneH")}, "", None, "tlh"),
        (MARKET, "javascript:alert(1)", None, "link"),
        (MARKET, "//elsewhere.example", None, "link"),
        (MARKET, "https://town.example@evil.example/", None, "link"),
        (MARKET, "https://x.example/" + "y" * 500, None, "link"),
        (MARKET, "https://x.example/a b", None, "link"),
        (MARKET, "https://x.example/\r\nSet-Cookie: a", None, "link"),
        (MARKET, "https://x.example/\u202emoc.elpmaxe", None, "link"),
    ],
)
def test_what_cannot_be_shown_is_refused_beside_its_field(
    town: Town, words: dict[str, Words], link: str, picture: Picture | None, field: str
) -> None:
    campaign = town.create()

    with pytest.raises(InvalidInput) as refused:
        add_announcement(town.db, town.by, campaign.id, words, link, picture, town.now)

    assert refused.value.field == field


def test_words_are_changed_and_the_picture_stays(town: Town) -> None:
    pictured = {"fr": Words("Marché", image_text="Des étals"), "en": Words("Market", image_text="Stalls")}
    announcement = add_announcement(town.db, town.by, town.create().id, pictured, "", PICTURE, town.now)

    changed = {"en": Words("Market day", image_text="Stalls")}
    change_announcement(town.db, town.by, announcement.id, changed, "https://marche.example", town.now)
    town.db.expire(announcement)

    assert [(each.language, each.title) for each in announcement.texts] == [("en", "Market day")]
    assert (announcement.image, announcement.image_width) == (b"jpeg", 960)
    with pytest.raises(InvalidInput, match="what the picture shows"):
        change_announcement(town.db, town.by, announcement.id, {"en": Words("Market")}, "", town.now)


def test_one_that_is_retired_is_shown_and_changed_no_more(town: Town) -> None:
    campaign = town.running()
    (announcement,) = campaign.announcements

    for _ in range(2):
        retire_announcement(town.db, town.by, announcement.id, town.now)

    assert not load_rotation(town.db, town.square, town.now).candidates
    assert town.actions().count("announcement.retired") == 1
    with pytest.raises(Conflict, match="not shown any more"):
        change_announcement(town.db, town.by, announcement.id, MARKET, "", town.now)


def test_a_campaign_shows_so_many_in_turn_and_no_more(town: Town) -> None:
    campaign = town.create()
    for _ in range(MOST):
        add_announcement(town.db, town.by, campaign.id, MARKET, "", None, town.now)
        town.db.expire(campaign)

    with pytest.raises(Conflict, match="at most"):
        add_announcement(town.db, town.by, campaign.id, MARKET, "", None, town.now)


# ---- what came of them ----


def test_a_report_counts_by_day_and_site_and_announcement(town: Town) -> None:
    campaign = town.running(starts_on=TODAY - timedelta(days=3))
    (first,) = campaign.announcements
    second = add_announcement(town.db, town.by, campaign.id, MARKET, "", None, town.now)
    hall = factories.make_site(town.db, organisation=town.commune, kind=SiteKind.TOWN_HALL, name="Mairie")
    other = factories.make_announcement(town.db)
    for announcement, site, ago, counts in (
        (first, town.square, 2, (10, 8, 2)),
        (first, hall, 2, (5, 5, 0)),
        (second, town.square, 0, (4, 2, 1)),
        (other, town.square, 0, (99, 99, 99)),
    ):
        factories.make_announcement_day(town.db, announcement, site, TODAY - timedelta(days=ago), *counts)

    report = report_of(town.db, campaign, TODAY)

    assert (report.first_day, report.last_day) == (TODAY - timedelta(days=2), TODAY)
    assert report.total == Counts(19, 15, 3)
    assert [counts.displays for _, counts in report.by_day] == [15, 0, 4]
    assert report.by_site == [("Place", Counts(14, 10, 3)), ("Mairie", Counts(5, 5, 0))]
    assert report.by_announcement == {first.id: Counts(15, 13, 2), second.id: Counts(4, 2, 1)}
    assert [(each.site, each.counts.views) for each in rows_of(town.db, campaign, report.first_day, TODAY)] == [
        ("Mairie", 5),
        ("Place", 8),
        ("Place", 2),
    ]


def test_a_report_is_of_the_days_that_are_asked_for(town: Town) -> None:
    campaign = town.running(starts_on=TODAY - timedelta(days=9))
    for ago in range(9):
        factories.make_announcement_day(
            town.db, campaign.announcements[0], town.square, TODAY - timedelta(days=ago), 1, 1, 0
        )

    report = report_of(town.db, campaign, TODAY, TODAY - timedelta(days=4), TODAY - timedelta(days=3))

    assert (report.total.views, len(report.by_day)) == (2, 2)


@pytest.mark.parametrize(("since", "until"), [(date(1, 1, 1), None), (None, date(1, 1, 1)), (date(9999, 1, 1), None)])
def test_a_foolish_period_is_still_one(town: Town, since: date | None, until: date | None) -> None:
    report = report_of(town.db, town.running(), TODAY, since, until)

    assert report.first_day <= report.last_day
    assert report.total == Counts()
    assert (report.total.view_rate, report.total.click_rate) == (None, None)
