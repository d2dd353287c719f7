"""The page of one announcement: in the visitor's language, with what it is and who pays for it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from urllib.parse import urlsplit
from uuid import UUID

from flask import Response, request

from hotspot.models import AnnouncementView
from hotspot.portal_links import announcement_token
from hotspot.values import CampaignKind
from portal.answers import Notice, page
from portal.language import language
from portal.resources import resources
from portal.visits import shown_site


@dataclass(frozen=True, slots=True)
class AnnouncementShown:
    """What its page says. Detached: outlives its transaction."""

    turn_id: UUID
    site_id: int
    ready_at: datetime
    is_commercial: bool
    advertiser: str
    title: str
    text: str
    image: str
    """Path below the portal's address; empty: words alone."""
    image_text: str
    image_width: int
    image_height: int
    leads_to: str
    """The host of its link; empty: nowhere."""

    @classmethod
    def of(cls, turn: AnnouncementView, language: str) -> "AnnouncementShown":
        announcement = turn.announcement
        assert announcement is not None  # noqa: S101 - one that was begun shows something
        words = {each.language: each for each in announcement.texts}
        said = words.get(language) or next(iter(words.values()))
        campaign = announcement.campaign
        return cls(
            turn_id=turn.id,
            site_id=turn.site_id,
            ready_at=turn.ready_at,
            is_commercial=campaign.kind is CampaignKind.COMMERCIAL,
            advertiser=campaign.advertiser,
            title=said.title,
            text=said.text,
            image=f"/announcement/image/{announcement.id}" if announcement.image_type else "",
            image_text=said.image_text,
            image_width=announcement.image_width,
            image_height=announcement.image_height,
            leads_to=urlsplit(announcement.link).hostname or "",
        )


def announcement_page(
    shown: AnnouncementShown, action: str, hidden: dict[str, str], notice: Notice | None = None, status: int = 200
) -> Response:
    """`action` takes the POST of the button, with the `hidden` fields and the turn's token. Before its time is over
    there is no button, and the page loads itself again when it is."""
    made = resources()
    left = max(timedelta(0), shown.ready_at - made.clock())
    answer = page(
        "announcement.html",
        status,
        notice=notice,
        site=shown_site(shown.site_id),
        announcement=shown,
        seconds=ceil(left.total_seconds()),
        action=action,
        hidden=hidden | {"turn": announcement_token(made.vault, shown.turn_id)},
    )
    if left:
        answer.headers["Refresh"] = str(ceil(left.total_seconds()))
    return answer


def shown_in(turn: AnnouncementView) -> AnnouncementShown:
    return AnnouncementShown.of(turn, language())


def turn_of_request() -> str:
    return request.form.get("turn", "")
