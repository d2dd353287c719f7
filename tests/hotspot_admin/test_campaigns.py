"""Campaigns in the staff application: made, looked at, started, paused, ended; their pictures; whose they are."""

import io
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

import portal
from hotspot.db import Database
from hotspot.models import Announcement, Campaign, Organisation, Site
from hotspot.printing.announcement_picture import HEAVIEST, LARGEST_FILE
from hotspot.settings import Settings
from hotspot.values import CampaignKind, SiteKind
from tests import factories
from tests.hotspot.pictures import a_bomb, a_picture
from tests.hotspot_admin.conftest import Browser, Clock, Town
from tests.page_client import Page, PageClient

pytestmark = pytest.mark.integration

TYPED: dict[str, Any] = {"name": "Cinéma", "kind": "commercial", "advertiser": "Le Méandre", "weight": "20"}
WORDS = {"title_fr": "Ce soir", "text_fr": "Trois salles.", "image_text_fr": "Une salle"}


@pytest.fixture(autouse=True)
def a_square(database: Database, town: Town) -> None:
    """One of its sites shows announcements."""
    with database.transaction() as db:
        db.get_one(Site, town.square).kind = SiteKind.SQUARE


def make(browser: Browser, **typed: Any) -> Page:
    page = browser.get("/campaigns/new")
    return browser.submit(page.form("/campaigns/new"), **{**TYPED, **typed})


def a_file(contents: bytes, name: str = "affiche.png") -> tuple[io.BytesIO, str]:
    return io.BytesIO(contents), name


def add(browser: Browser, campaign_id: int = 1, **typed: Any) -> Page:
    path = f"/campaigns/{campaign_id}/announcements/new"
    return browser.submit(browser.get(path).form(path), **{**WORDS, "image": a_file(a_picture()), **typed})


def campaign(database: Database) -> Campaign:
    with database.reading() as db:
        found = db.scalars(select(Campaign)).one()
        _ = found.sites, [each.texts for each in found.announcements]
    return found


def test_from_nothing_to_a_campaign_that_runs_and_its_end(administrator: Browser, database: Database) -> None:
    assert "Il n’y a encore aucune campagne" in administrator.get("/campaigns").text
    form = administrator.follow(make(administrator))
    assert form.path == "/campaigns/1/announcements/new"
    assert "et en pause" in form.text
    assert administrator.follow(add(administrator)).h1 == "Ce soir"

    page = administrator.get("/campaigns/1")
    for link, button, state in (
        ("Démarrer", "Démarrer la campagne", "En cours"),
        ("Mettre en pause", "Mettre la campagne en pause", "En pause"),
        ("Démarrer", "Démarrer la campagne", "En cours"),
        ("Terminer la campagne", "Terminer la campagne", "Terminée"),
    ):
        question = administrator.get(page.link(link))
        page = administrator.follow(administrator.submit(question.form(""), button=button))
        assert page.root.one("p", class_="lead").one("span", class_="state").text == state

    assert campaign(database).ended_at is not None
    assert not [each for each in page.root.all("a") if each.text in ("Modifier", "Démarrer", "Ajouter une annonce")]


def test_what_was_typed_is_kept_and_can_be_changed(administrator: Browser, database: Database, town: Town) -> None:
    make(
        administrator,
        starts_on="2026-03-12",
        ends_on="2026-03-20",
        from_time="18:00",
        until_time="02:00",
        where="some",
        site_ids=[str(town.square), str(town.library)],
        most_per_device="3",
    )
    kept = campaign(database)
    assert (kept.kind, kept.advertiser, kept.weight) == (CampaignKind.COMMERCIAL, "Le Méandre", 20)
    assert (kept.starts_on, kept.ends_on, kept.most_per_device) == (date(2026, 3, 12), date(2026, 3, 20), 3)
    assert [each.id for each in kept.sites] == [town.library, town.square]

    form = administrator.get("/campaigns/1/edit").form("/campaigns/1/edit")
    assert form.fields["until_time"] == "02:00"
    page = administrator.follow(administrator.submit(form, name="Été", where="everywhere", from_time="", until_time=""))

    assert "enregistrée" in page.text
    kept = campaign(database)
    assert (kept.name, kept.sites, kept.from_time) == ("Été", [], None)


def test_its_page_says_which_sites_will_not_show_it(administrator: Browser, town: Town) -> None:
    make(administrator, where="some", site_ids=[str(town.square), str(town.library)])

    notice = administrator.get("/campaigns/1").root.one("p", class_="notice")

    assert "Médiathèque" in notice.text
    assert "Place du Marché" not in notice.text


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        ({"name": ""}, "vide"),
        ({"advertiser": ""}, "qui la paie"),
        ({"kind": "municipal"}, "laissez ce champ vide"),
        ({"kind": "other"}, "Choisissez"),
        ({"weight": "0"}, "entre 1 et 100"),
        ({"weight": "9" * 5000}, "entier"),
        ({"weight": "-5"}, "entre 1 et 100"),
        ({"most_per_day": "1e3"}, "entier"),
        ({"starts_on": "31/12/2026"}, "date"),
        ({"starts_on": ""}, "vide"),
        ({"ends_on": "2020-01-01"}, "précède"),
        ({"from_time": "25:00"}, "heure"),
        ({"from_time": "08:00"}, "deux heures"),
        ({"where": "some"}, "au moins un site"),
        ({"where": "some", "site_ids": "x"}, "Choisissez"),
        ({"organisation_id": "99999"}, "Choisissez"),
    ],
)
def test_what_makes_no_sense_comes_back_with_the_error_beside_it(
    administrator: Browser, database: Database, typed: dict[str, Any], error: str
) -> None:
    answer = make(administrator, **typed)

    assert answer.status == 422
    assert error in " ".join(each.text for each in answer.root.all("p", class_="error"))
    with database.reading() as db:
        assert db.scalar(select(Campaign.id)) is None


@pytest.mark.parametrize("site", ["elsewhere_site", "library"])
def test_sites_of_others_and_libraries_alone_are_refused(administrator: Browser, town: Town, site: str) -> None:
    answer = make(administrator, where="some", site_ids=[str(getattr(town, site))])

    assert answer.status == 422


# ---- what it shows ----


def test_a_picture_is_kept_light_and_shown_to_staff(administrator: Browser, database: Database) -> None:
    make(administrator)
    photograph = a_picture((3000, 2000), form="JPEG")
    add(administrator, image=a_file(photograph, "photo.jpg"))

    page = administrator.get("/announcements/1/picture")

    assert page.response.mimetype == "image/jpeg"
    assert len(page.response.get_data()) <= HEAVIEST
    assert campaign(database).announcements[0].image_width == 960


def test_a_town_may_do_without_a_picture(administrator: Browser, database: Database) -> None:
    make(administrator)
    administrator.submit(
        administrator.get("/campaigns/1/announcements/new").form("/campaigns/1/announcements/new"),
        title_fr="Travaux",
        title_en="Road works",
    )

    (shown,) = campaign(database).announcements
    assert (shown.image_type, [each.title for each in shown.texts]) == ("", ["Road works", "Travaux"])
    assert administrator.get("/announcements/1/picture").status == 404


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        ({"title_fr": ""}, "titre"),
        ({"image_text_fr": ""}, "ce que montre l’image"),
        ({"title_en": "Tonight"}, "ce que montre l’image"),
        ({"title_fr": "x" * 121}, "trop long"),
        ({"link": "javascript:alert(1)"}, "adresse http"),
        ({"link": "https://a:b@example.org"}, "adresse http"),
        ({"image": a_file(b"GIF89a")}, "pas une image lisible"),
        ({"image": a_file(b"")}, "Choisissez un fichier"),
        ({"image": a_file(a_bomb(30_000))}, "trop de pixels"),
        ({"image": a_file(b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "x.svg")}, "<script>"),
    ],
)
def test_what_cannot_be_shown_comes_back_with_the_error_beside_it(
    administrator: Browser, database: Database, typed: dict[str, Any], error: str
) -> None:
    make(administrator)

    answer = add(administrator, **typed)

    assert answer.status == 422
    assert error in " ".join(each.text for each in answer.root.all("p", class_="error"))
    assert campaign(database).announcements == []


def test_a_file_of_more_than_five_megabytes_is_told_so(administrator: Browser) -> None:
    make(administrator)

    unread, cut_off = (add_large(administrator, bytes(size)) for size in (LARGEST_FILE + 1, 7_000_000))

    assert "5 Mo" in unread.text
    assert [unread.status, cut_off.status] == [422, 413]


def add_large(browser: Browser, octets: bytes) -> Page:
    """Without the temporary file that the test client would leave open."""
    path = "/campaigns/1/announcements/new"
    fields = browser.get(path).form(path).fields | WORDS
    parts = [f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{it}\r\n' for name, it in fields.items()]
    head = '--x\r\nContent-Disposition: form-data; name="image"; filename="affiche.png"\r\n\r\n'
    body = "".join([*parts, head]).encode() + octets + b"\r\n--x--\r\n"
    return browser.post(path, body, content_type="multipart/form-data; boundary=x")


def test_words_are_changed_and_an_announcement_is_retired(administrator: Browser, database: Database) -> None:
    make(administrator)
    add(administrator)
    form = administrator.get("/announcements/1/edit").form("/announcements/1/edit")
    assert form.fields["title_fr"] == "Ce soir"

    assert administrator.submit(form, title_fr="Demain").status == 303
    answer = administrator.submit(administrator.get("/announcements/1/retire").form(""))

    assert "n’est plus affichée" in administrator.follow(answer).text
    (shown,) = campaign(database).announcements
    assert shown.retired_at is not None
    assert shown.texts[0].title == "Demain"
    late = administrator.post_bare("/announcements/1/edit", {"title_fr": "x", "image_text_fr": "x"})
    assert late.status == 409


def test_it_is_looked_at_on_the_portals_own_page(
    administrator: Browser, settings: Settings, database: Database, redis: object, clock: Clock
) -> None:
    make(administrator)
    add(administrator, title_en="Tonight", image_text_en="A cinema")
    page = administrator.get("/announcements/1")
    assert "frame-src http://localhost:8080" in page.policy
    assert "frame-src" not in administrator.get("/campaigns/1").policy
    visitor = PageClient(
        portal.create_app(settings, database=database, redis=redis, clock=clock).test_client()  # type: ignore[arg-type]
    )

    frames = [urlsplit(each["src"]) for each in page.root.all("iframe")]
    shown = [visitor.get(f"{each.path}?{each.query}") for each in frames]

    assert [(each.language, each.h1) for each in shown] == [
        ("fr", "Ce soir"),
        ("fr", "Ce soir"),
        ("en", "Tonight"),
        ("en", "Tonight"),
    ]
    assert [bool(each.root.all("button")) for each in shown] == [False, True, False, True]
    assert all("frame-ancestors http://localhost:8081;" in each.policy for each in shown)
    assert "Publicité" in shown[0].text
    assert "Le Méandre" in shown[0].text
    pressed = visitor.submit(shown[1].form("/announcement/preview"))
    assert "Ici, le visiteur continue vers Internet." in pressed.text
    clock.now += timedelta(hours=3)
    assert visitor.get(f"{frames[0].path}?{frames[0].query}").status == 404


# ---- whose they are ----


PATHS = [
    "/campaigns/{campaign}",
    "/campaigns/{campaign}/edit",
    "/campaigns/{campaign}/end",
    "/campaigns/{campaign}/report",
    "/campaigns/{campaign}/report.csv",
    "/campaigns/{campaign}/report.pdf",
    "/campaigns/{campaign}/announcements/new",
    "/announcements/{announcement}",
    "/announcements/{announcement}/picture",
    "/announcements/{announcement}/edit",
    "/announcements/{announcement}/retire",
]


@pytest.fixture
def elsewhere(database: Database, town: Town) -> dict[str, int]:
    with database.transaction() as db:
        theirs = factories.make_campaign(db, organisation=db.get_one(Organisation, town.elsewhere))
        shown = factories.make_announcement(db, campaign=theirs, image=b"x", image_type="image/jpeg")
        return {"campaign": theirs.id, "announcement": shown.id}


@pytest.mark.parametrize("path", PATHS)
def test_another_towns_is_not_there(administrator: Browser, elsewhere: dict[str, int], path: str) -> None:
    assert administrator.get(path.format(**elsewhere)).status == 404


@pytest.mark.parametrize("path", [each for each in PATHS if each.rsplit("/", 1)[1] in ("edit", "end", "new", "retire")])
def test_another_towns_cannot_be_changed(
    administrator: Browser, database: Database, elsewhere: dict[str, int], path: str
) -> None:
    answer = administrator.post_bare(path.format(**elsewhere), {**TYPED, "starts_on": "2026-03-01", **WORDS})

    assert answer.status == 404
    with database.reading() as db:
        kept = db.get_one(Campaign, elsewhere["campaign"])
        assert (kept.ended_at, len(kept.announcements)) == (None, 1)
        assert db.get_one(Announcement, elsewhere["announcement"]).retired_at is None


@pytest.mark.parametrize("path", ["/campaigns", "/campaigns/new", *PATHS])
def test_a_librarian_has_no_such_page(librarian: Browser, elsewhere: dict[str, int], path: str) -> None:
    assert librarian.get(path.format(**elsewhere)).status == 403


def test_nobody_starts_what_has_nothing_to_show(administrator: Browser, database: Database) -> None:
    make(administrator)

    answer = administrator.post_bare("/campaigns/1/start")

    assert answer.status == 409
    assert "rien à montrer" in answer.text
    assert campaign(database).paused_at is not None
