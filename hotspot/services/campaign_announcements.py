"""What a campaign shows: a picture, its words in each language, and where it leads.

A picture is never changed: what was counted is what was seen. Another picture is another announcement.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy.orm import Session

from hotspot.errors import Conflict, InvalidInput, NotFound
from hotspot.models import Announcement, AnnouncementText, Campaign
from hotspot.printing.announcement_picture import Picture
from hotspot.services import audit
from hotspot.services.campaigns import get_campaign
from hotspot.services.staff import Scope
from hotspot.vendors.vendor import is_web_address
from hotspot.wording import LANGUAGES

LONGEST_TITLE, LONGEST_TEXT, LONGEST_IMAGE_TEXT, LONGEST_LINK = 120, 600, 250, 500
MOST = 20
"""Announcements of one campaign that are shown in turn."""


@dataclass(frozen=True, slots=True)
class Words:
    title: str = ""
    text: str = ""
    image_text: str = ""
    """What the picture shows, for who does not see it."""

    def __bool__(self) -> bool:
        """Something is said in this language."""
        return bool(self.title or self.text or self.image_text)


def add_announcement(
    db: Session,
    by: Scope,
    campaign_id: int,
    words: Mapping[str, Words],
    link: str,
    picture: Picture | None,
    now: datetime,
) -> Announcement:
    """Shown from now on, if its campaign is."""
    campaign = _get_live(db, by, campaign_id)
    if sum(each.retired_at is None for each in campaign.announcements) >= MOST:
        raise Conflict("A campaign shows at most %(most)s announcements: retire one first.", most=MOST)
    said = _checked(words, link, has_picture=picture is not None)
    announcement = Announcement(campaign=campaign, created_at=now)
    if picture is not None:
        announcement.image, announcement.image_type = picture.octets, picture.type
        announcement.image_width, announcement.image_height = picture.width, picture.height
    _say(announcement, said, link)
    db.add(announcement)
    db.flush()
    _note(db, by, "announcement.added", announcement, now)
    return announcement


def change_announcement(
    db: Session, by: Scope, announcement_id: int, words: Mapping[str, Words], link: str, now: datetime
) -> Announcement:
    """Its words and where it leads."""
    announcement = get_announcement(db, by, announcement_id)
    _get_live(db, by, announcement.campaign_id)
    if announcement.retired_at is not None:
        raise Conflict("This announcement is not shown any more: add a new one.")
    before = _facts(announcement)
    _say(announcement, _checked(words, link, has_picture=bool(announcement.image_type)), link)
    db.flush()
    after = _facts(announcement)
    pairs = {name: [before.get(name, ""), after.get(name, "")] for name in before | after}
    changes = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    if changes:
        _note(db, by, "announcement.changed", announcement, now, changes)
    return announcement


def retire_announcement(db: Session, by: Scope, announcement_id: int, now: datetime) -> Announcement:
    """Nobody is shown it any more; its figures stay."""
    announcement = get_announcement(db, by, announcement_id)
    if announcement.retired_at is None:
        announcement.retired_at = now
        _note(db, by, "announcement.retired", announcement, now)
    return announcement


def get_announcement(db: Session, scope: Scope, announcement_id: int) -> Announcement:
    announcement = db.get(Announcement, announcement_id)
    if announcement is None or announcement.campaign.organisation_id not in scope.organisation_ids:
        raise NotFound("announcement")
    return announcement


def title_of(announcement: Announcement, language: str) -> str:
    """In this language, else in the first there is."""
    titles = {each.language: each.title for each in announcement.texts}
    return titles.get(language) or next((titles[each] for each in LANGUAGES if each in titles), "")


def _get_live(db: Session, by: Scope, campaign_id: int) -> Campaign:
    campaign = get_campaign(db, by, campaign_id)
    if campaign.ended_at is not None:
        raise Conflict("This campaign has ended: make a new one.")
    return campaign


def _checked(words: Mapping[str, Words], link: str, *, has_picture: bool) -> Mapping[str, Words]:
    """What is said, in the languages in which something is."""
    if link.strip() and (len(link) > LONGEST_LINK or not is_web_address(link.strip()) or not link.isprintable()):
        raise InvalidInput(
            "A link is a whole http or https address, without a name or password in it: https://www.example.org/page.",
            field="link",
        )
    lines = {language: _one_line(each) for language, each in words.items()}
    said = {language: each for language, each in lines.items() if each}
    if not said:
        raise InvalidInput("An announcement has a title, in at least one language.", field=f"title_{LANGUAGES[0]}")
    for language, each in said.items():
        _check(language, each, has_picture=has_picture)
    return said


def _say(announcement: Announcement, said: Mapping[str, Words], link: str) -> None:
    announcement.link = link.strip()
    kept = {each.language: each for each in announcement.texts}
    announcement.texts = [
        _written(kept.get(language) or AnnouncementText(language=language), each) for language, each in said.items()
    ]


def _written(row: AnnouncementText, words: Words) -> AnnouncementText:
    row.title, row.text, row.image_text = words.title, words.text, words.image_text
    return row


def _one_line(words: Words) -> Words:
    return Words(*(" ".join(each.split()) for each in (words.title, words.text, words.image_text)))


def _check(language: str, words: Words, *, has_picture: bool) -> None:
    if language not in LANGUAGES:
        raise InvalidInput("This language is not spoken here.", field=language)
    for field, text, longest in (
        ("title", words.title, LONGEST_TITLE),
        ("text", words.text, LONGEST_TEXT),
        ("image_text", words.image_text, LONGEST_IMAGE_TEXT),
    ):
        if len(text) > longest or not text.isprintable():
            raise InvalidInput("At most %(most)s characters.", field=f"{field}_{language}", most=longest)
    if not words.title:
        raise InvalidInput("What is said in a language has a title in it.", field=f"title_{language}")
    if has_picture and not words.image_text:
        raise InvalidInput("Say what the picture shows, for who cannot see it.", field=f"image_text_{language}")


def _facts(announcement: Announcement) -> dict[str, str]:
    """For the audit log: what was counted before a change was counted of other words."""
    words = {
        f"{name}_{each.language}": getattr(each, name)
        for each in announcement.texts
        for name in ("title", "text", "image_text")
    }
    return {"link": announcement.link} | words


def _note(
    db: Session,
    by: Scope,
    action: str,
    announcement: Announcement,
    now: datetime,
    changes: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> None:
    campaign = announcement.campaign
    facts: dict[str, Any] = {"announcement": title_of(announcement, LANGUAGES[0])} | dict(changes)
    audit.note(db, by, action, campaign.name, facts, now, organisation_id=campaign.organisation_id)
