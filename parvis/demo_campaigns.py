"""The demonstration town's announcements: a cinema that pays, two of the town's own, and a month of counts.

The pictures are drawn here, of no real place; the names are invented.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import cos, pi, sin

from sqlalchemy.orm import Session

from hotspot.models import Announcement, AnnouncementDay, AnnouncementText, Campaign, Organisation, Site
from hotspot.printing.announcement_picture import read_announcement_picture
from hotspot.values import CampaignKind

DAYS = 30
_BUSY = (0.75, 0.8, 0.95, 0.85, 1.1, 1.6, 1.2)
"""Monday to Sunday, on a square whose market is on Saturday."""


def _svg(inside: str) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 960 540">{inside}</svg>'


def _circles(points: Sequence[tuple[int, int]], radius: int, colour: str) -> str:
    return "".join(f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{colour}"/>' for x, y in points)


def _seats(y: int, first: int, colour: str) -> str:
    return "".join(
        f'<rect x="{x}" y="{y}" width="80" height="130" rx="26" fill="{colour}"/>' for x in range(first, 980, 96)
    )


_CINEMA = _svg(
    '<rect width="960" height="540" fill="#16090e"/>'
    '<path fill="#f2e3b3" opacity=".16" d="M480 540 150 60h660z"/>'
    '<rect x="150" y="56" width="660" height="320" rx="8" fill="#f7edd0"/>'
    '<path fill="#7fb2b6" d="M150 260q110-70 220 0t220 0 220 0v108a8 8 0 0 1-8 8H158a8 8 0 0 1-8-8z"/>'
    '<path fill="#0b4a50" d="M150 310q110-60 220 0t220 0 220 0v58a8 8 0 0 1-8 8H158a8 8 0 0 1-8-8z"/>'
    '<circle cx="650" cy="150" r="46" fill="#f2c14e"/>'
    '<path fill="#93290c" d="M360 262h150l-22 38H388zM432 120l70 118h-70zM424 150v88h-58z"/>'
    '<path fill="#7d1128" d="M0 0h120q-10 260-120 420zM960 0H840q10 260 120 420z"/>'
    '<path fill="#a11a36" d="M0 0h70q-6 220-70 360zM960 0h-70q6 220 70 360z"/>'
    + _seats(430, -20, "#3c1420")
    + _seats(485, 20, "#561d2d")
)


def _awning(x: int, colour: str) -> str:
    stripes = "".join(
        f'<path fill="{colour if at % 2 == 0 else "#fffdf9"}" d="M{x + at * 40} 170h40v70a20 20 0 0 1-40 0z"/>'
        for at in range(6)
    )
    return stripes + f'<path fill="#6b4a2b" d="M{x + 6} 240h10v210H{x + 6}zM{x + 224} 240h10v210h-10z"/>'


def _crate(x: int, colour: str) -> str:
    heap = [(x + 20 + 36 * at, 378 - 12 * (at % 2)) for at in range(6)]
    return (
        _circles(heap, 24, colour)
        + f'<rect x="{x}" y="380" width="220" height="70" fill="#a8743f"/>'
        + f'<path fill="#8a5b2d" d="M{x} 400h220v8H{x}zM{x} 426h220v8H{x}z"/>'
    )


_MARKET = _svg(
    '<rect width="960" height="540" fill="#cfe6e4"/>'
    '<circle cx="820" cy="96" r="52" fill="#f2c14e"/>'
    '<path fill="#9fc6c2" d="M0 210h90v-60l40-46 40 46v60h150v-34h120v34h180v-70l50-60 50 60v70h240v250H0z"/>'
    '<rect y="450" width="960" height="90" fill="#d9c7a3"/>'
    '<path fill="#c9b48a" d="M0 490h960v6H0z"/>'
    + _awning(60, "#c8402e")
    + _awning(360, "#0b5c60")
    + _awning(660, "#d98b1e")
    + _crate(70, "#d8392b")
    + _crate(370, "#7fa83a")
    + _crate(670, "#e8963a")
)


def _star(x: int, y: int, size: int) -> str:
    """Five points, the first upwards."""
    points = (
        f"{x + reach * sin(at * pi / 5):.1f} {y - reach * cos(at * pi / 5):.1f}"
        for at, reach in enumerate([size, size * 0.42] * 5)
    )
    return f'<path fill="#f2c14e" d="M{"L".join(points)}z"/>'


_STARS = [(120, 90), (240, 190), (330, 70), (560, 60), (880, 220), (90, 260), (760, 300), (640, 180)]
_STORIES = _svg(
    '<rect width="960" height="540" fill="#1d2b53"/>'
    '<path fill="#f2e3b3" d="M800 60a82 82 0 1 0 66 128 66 66 0 0 1-66-128z"/>'
    + _circles(_STARS, 7, "#f2e3b3")
    + '<path fill="#2f4480" d="M0 470q240-90 480 0t480 0v70H0z"/>'
    '<path fill="#93290c" d="M180 470q150-66 300-6 150-60 300 6v22q-150-58-300 4-150-62-300-4z"/>'
    '<path fill="#fffdf9" d="M200 300q140-70 280-6v172q-140-58-280 4zM760 300q-140-70-280-6v172q140-58 280 4z"/>'
    '<path fill="none" stroke="#b9b3a4" stroke-width="6" d="M240 330q100-40 200-4M240 366q100-40 200-4M240 402q100-40'
    ' 200-4M720 330q-100-40-200-4M720 366q-100-40-200-4"/>'
    + "".join(_star(x, y, size) for x, y, size in ((480, 236, 40), (410, 170, 26), (560, 150, 32), (470, 90, 20)))
)


@dataclass(frozen=True, slots=True)
class _Planned:
    name: str
    weight: int
    picture: str
    link: str
    words: Mapping[str, tuple[str, str, str]]
    """Title, text and what the picture shows, by language."""
    advertiser: str = ""
    follows: float = 0.03
    """Clicks for each view."""


_CAMPAIGNS = (
    _Planned(
        name="Cinéma Le Méandre, saison",
        advertiser="Cinéma Le Méandre",
        weight=20,
        picture=_CINEMA,
        link="https://cinema-le-meandre.example/programme",
        follows=0.061,
        words={
            "fr": (
                "Ce soir, on va au cinéma",
                "Le Méandre, à deux pas de la place : trois salles, des films en version originale, et 5 € la séance "
                "de 18 h toute la semaine.",
                "Une salle de cinéma vue des fauteuils ; à l’écran, un voilier sur la mer.",
            ),
            "en": (
                "Tonight, go to the pictures",
                "Le Méandre, a stone’s throw from the square: three screens, films in their own language, and €5 for "
                "the 6 pm show all week.",
                "A cinema seen from its seats; on the screen, a sailing boat at sea.",
            ),
        },
    ),
    _Planned(
        name="Jour de marché",
        weight=10,
        picture=_MARKET,
        link="https://loue-la-ville.example/marche",
        follows=0.022,
        words={
            "fr": (
                "Samedi, c’est jour de marché",
                "De 8 h à 13 h sur la place de la République : quarante producteurs de la vallée. Stationnement "
                "gratuit quai des Tanneurs.",
                "Trois étals de marché aux auvents rayés, avec des cagettes de tomates, de pommes et d’oranges.",
            ),
            "en": (
                "Saturday is market day",
                "From 8 am to 1 pm on Place de la République: forty growers from the valley. Free parking on Quai des "
                "Tanneurs.",
                "Three market stalls with striped awnings, and crates of tomatoes, apples and oranges.",
            ),
        },
    ),
    _Planned(
        name="L’heure du conte",
        weight=10,
        picture=_STORIES,
        link="https://mediatheque-des-capucins.example/heure-du-conte",
        follows=0.014,
        words={
            "fr": (
                "L’heure du conte, le mercredi à 16 h",
                "À la médiathèque des Capucins, pour les 4 à 8 ans et ceux qui les accompagnent. C’est gratuit, et "
                "sans inscription.",
                "Un grand livre ouvert sous la lune, d’où s’échappent des étoiles.",
            ),
            "en": (
                "Story hour, Wednesdays at 4 pm",
                "At the Médiathèque des Capucins, for children from 4 to 8 and whoever comes with them. Free, no need "
                "to book.",
                "A large open book under the moon; stars rise from it.",
            ),
        },
    ),
)


def add_campaigns(db: Session, commune: Organisation, square: Site, now: datetime) -> None:
    """Running for a month."""
    chance = random.Random(30)  # noqa: S311 - the same month for everybody
    today = now.astimezone(square.hours.zone).date()
    for planned in _CAMPAIGNS:
        announcement = _announcement(planned, now)
        db.add(
            Campaign(
                organisation=commune,
                name=planned.name,
                kind=CampaignKind.COMMERCIAL if planned.advertiser else CampaignKind.MUNICIPAL,
                advertiser=planned.advertiser,
                starts_on=today - timedelta(days=DAYS),
                ends_on=today + timedelta(days=150) if planned.advertiser else None,
                weight=planned.weight,
                most_per_device=6 if planned.advertiser else None,
                created_at=now - timedelta(days=DAYS + 2),
                sites=[square] if planned.advertiser else [],
                announcements=[announcement],
            )
        )
        db.flush()
        for ago in range(1, DAYS + 1):
            day = today - timedelta(days=ago)
            displays = round(9 * planned.weight * _BUSY[day.weekday()] * chance.uniform(0.82, 1.18))
            views = round(displays * chance.uniform(0.86, 0.95))
            clicks = sum(chance.random() < planned.follows for _ in range(views))
            db.add(
                AnnouncementDay(
                    announcement_id=announcement.id,
                    site_id=square.id,
                    day=day,
                    displays=displays,
                    views=views,
                    clicks=clicks,
                )
            )


def _announcement(planned: _Planned, now: datetime) -> Announcement:
    picture = read_announcement_picture(planned.picture.encode())
    return Announcement(
        image=picture.octets,
        image_type=picture.type,
        image_width=picture.width,
        image_height=picture.height,
        link=planned.link,
        created_at=now - timedelta(days=DAYS + 1),
        texts=[
            AnnouncementText(language=language, title=title, text=text, image_text=image_text)
            for language, (title, text, image_text) in planned.words.items()
        ],
    )
