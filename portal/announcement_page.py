"""The page of one announcement: in the visitor's language, with what it is, who pays for it and where it leads."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from math import ceil
from urllib.parse import urlsplit
from uuid import UUID

from flask import Response, request
from markupsafe import Markup
from sqlalchemy.orm import Session

from hotspot.models import AnnouncementView, Grant
from hotspot.portal_links import announcement_token, picture_token, turn_of_token
from hotspot.services.announcing import Rotation, load_rotation
from hotspot.values import CampaignKind
from hotspot.wording import LANGUAGES
from portal.answers import page
from portal.language import language
from portal.protection import allow_style, style_source
from portal.resources import resources
from portal.visits import shown_site


@dataclass(frozen=True, slots=True)
class AnnouncementShown:
    """What its page says. Detached: outlives its transaction."""

    turn_id: UUID
    site_id: int
    shown_at: datetime
    ready_at: datetime
    is_commercial: bool
    advertiser: str
    language: str
    """Of its words: the visitor's, where it speaks that."""
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
    def of(cls, turn: AnnouncementView) -> "AnnouncementShown":
        announcement = turn.announcement
        assert announcement is not None  # noqa: S101 - one that was begun shows something
        words = {each.language: each for each in announcement.texts}
        spoken = next((each for each in (language(), *LANGUAGES) if each in words), next(iter(words)))
        campaign, said = announcement.campaign, words[spoken]
        picture = picture_token(resources().vault, announcement.id)
        return cls(
            turn_id=turn.id,
            site_id=turn.site_id,
            shown_at=turn.shown_at,
            ready_at=turn.ready_at,
            is_commercial=campaign.kind is CampaignKind.COMMERCIAL,
            advertiser=campaign.advertiser,
            language=spoken,
            title=said.title,
            text=said.text,
            image=f"/announcement/image/{picture}" if announcement.image_type else "",
            image_text=said.image_text,
            image_width=announcement.image_width,
            image_height=announcement.image_height,
            leads_to=host_of(announcement.link),
        )


def announcement_page(
    shown: AnnouncementShown, *, address: str, action: str, hidden: dict[str, str], way_back: str = ""
) -> Response:
    """`address` is the page's own, in another language with `lang`; `action` takes the POST of the button, with the
    `hidden` fields and the turn's token; `way_back` is for who may leave it for later: all below the portal's address.

    Before its time is over there is no button, and the page loads itself again when it is: nothing runs out, and who
    reads more slowly can stop it (WCAG 2.2.1).
    """
    made = resources()
    speed = made.settings.time_speed  # a demonstration's; the browser lives in ours
    stands_still = "still" in request.args
    left = max(timedelta(0), shown.ready_at - made.clock()).total_seconds() / speed
    length = (shown.ready_at - shown.shown_at).total_seconds() / speed
    answer = page(
        "announcement.html",
        HTTPStatus.OK,
        site=shown_site(shown.site_id),
        announcement=shown,
        seconds=ceil(left),
        stands_still=stands_still,
        its_style=_style(left, length),
        address=address,
        action=action,
        hidden=hidden | {"turn": announcement_token(made.vault, shown.turn_id)},
        way_back=way_back,
    )
    if left and not stands_still:
        answer.headers["Refresh"] = str(ceil(left))
    return answer


def rotation_of(db: Session, grant: Grant, now: datetime) -> Rotation:
    """Read once in two seconds: with hundreds of campaigns it is the dearest part of a turn. Those who come together
    may be shown the same, and pass a campaign's cap of the day by some views; the shares come out even."""
    day = now.astimezone(grant.site.hours.zone).date()
    return resources().rotations.get((grant.site_id, day), lambda: load_rotation(db, grant.site, now))


def turn_of_request() -> UUID | None:
    return turn_of_token(resources().vault, request.form.get("turn", ""))


def host_of(link: str) -> str:
    return urlsplit(link).hostname or ""


_CSS = (
    ".picture{display:block;inline-size:calc(100% + 2*min(1.375rem,6.875vw));block-size:auto;"
    "margin:calc(-1*min(1.375rem,6.875vw));margin-block-end:0;"
    "max-inline-size:none;border-radius:1rem 1rem 0 0;background:var(--hair);color:var(--ink)}"
    ".kind{display:inline-block;margin-block-start:2rem;padding:.125rem .75rem;border:1.5px solid;border-radius:2rem;"
    "font-weight:650}.hero .kind+h1{margin-block-start:.75rem}"
    "main p{overflow-wrap:anywhere}.said{font-size:1.25rem;line-height:1.55}"
    ".bar-of-time{block-size:.5rem;border-radius:1rem;background:var(--hair);overflow:hidden}"
    ".bar-of-time span{display:block;block-size:100%;border-radius:1rem;background:var(--accent);"
    "transform-origin:0 50%}[dir=rtl] .bar-of-time span{transform-origin:100% 50%}"
    "@keyframes fill{from{transform:scaleX(0)}}"
    "@media (prefers-reduced-motion:reduce){.bar-of-time{display:none}}"
    "@media (forced-colors:active){.bar-of-time{border:1px solid}.bar-of-time span{background:Highlight}}"
)


def _style(left: float, length: float) -> Markup:
    """With a bar that fills as time passes, and goes on where it was when the page is loaded again."""
    css = f"{_CSS}.bar-of-time span{{animation:fill {length:.1f}s linear {left - length:.1f}s both}}"
    allow_style(style_source(css))
    return Markup(css)  # noqa: S704 - our own words and two numbers
