"""Unknown access points as staff see them: listed, taken in with two clicks, ignored; from the packet to the page."""

import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import select

from hotspot.db import Database
from hotspot.models import AuditEntry, Nas, Site, SourceKind, UnknownSource
from hotspot.services.unknown_sources import Knock, note_unknown
from hotspot.settings import Settings
from tests import factories
from tests.hotspot_admin.conftest import Browser, Town
from tests.page_client import Form
from tests.radius import tls_peers
from tests.radius.conftest import RadiusProcess, eventually, started
from tests.radius.packets import accounting, status, vendor
from tests.radius.test_server import Exchanged
from tests.radius.tls_peers import TlsNas, nas_context

NOW = factories.NOW
PAGE = "/unknown-access-points"


def a_source(
    database: Database, source: str = "192.0.2.9", kind: SourceKind = SourceKind.ADDRESS, **claims: str
) -> int:
    known = {"nas_identifier": "library-7", "vendor": "mikrotik"} if kind is SourceKind.ADDRESS else {}
    knock = Knock(NOW, NOW, "192.0.2.9", "authentication", packets=3, code=1, **known | claims)
    with database.transaction() as db:
        note_unknown(db, kind, {source: knock})
        return db.scalars(select(UnknownSource.id).where(UnknownSource.source == source)).one()


def nases(database: Database) -> list[Nas]:
    with database.reading() as db:
        found = list(db.scalars(select(Nas).order_by(Nas.id)))
        _ = [each.addresses for each in found]
    return found


def sources(database: Database) -> list[UnknownSource]:
    with database.reading() as db:
        return list(db.scalars(select(UnknownSource)))


def actions(database: Database) -> list[str]:
    with database.reading() as db:
        return list(db.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


def button(browser: Browser, text: str) -> Form:
    page = browser.get(PAGE)
    (form,) = (each for each in page.root.one("main").all("form") if text in each.text)
    return Form(page, form)


# ---- listed ----


def test_what_knocks_is_listed_with_what_it_claims(administrator: Browser, database: Database) -> None:
    a_source(database, called_station_id="02-AA-00-00-00-01:Town")
    a_source(database, "library-8.commune.example", SourceKind.CERTIFICATE)

    page = administrator.get(PAGE)

    assert {each.text for each in page.root.one("main").all("h2")} == {"192.0.2.9", "library-8.commune.example"}
    for said in ("library-7", "MikroTik", "02-AA-00-00-00-01:Town", "3 paquets", "Un certificat (RadSec)"):
        assert said in page.text
    assert page.root.one("main").text.count("C’est une passerelle déjà connue") == 0  # there is none yet


def test_the_first_page_and_the_list_of_gateways_lead_there(administrator: Browser, database: Database) -> None:
    assert "Bornes inconnues" not in administrator.get("/").text
    a_source(database)

    assert administrator.get("/").link("Bornes inconnues") == PAGE
    assert "1 à ajouter ou ignorer" in administrator.get("/").text
    assert administrator.get("/gateways").link("Ajouter ou ignorer") == PAGE


def test_hostile_text_stays_text(administrator: Browser, database: Database) -> None:
    script = '"><script>alert(1)</script>\u202e'
    source_id = a_source(database, nas_identifier=script, called_station_id=script)

    for path in (PAGE, f"/gateways/new?unknown={source_id}"):
        page = administrator.get(path)
        assert "<script>alert" not in page.html
        assert "\u202e" not in page.html
        assert "<script>alert(1)</script>" in page.root.one("main").text + str(
            [each.get("value") for each in page.root.all("input")]
        )


# ---- taken in ----


@pytest.mark.parametrize(
    ("source", "kind"),
    [("192.0.2.9", SourceKind.ADDRESS), ("library-8.commune.example", SourceKind.CERTIFICATE)],
)
def test_two_clicks_take_it_in(
    administrator: Browser, database: Database, town: Town, source: str, kind: SourceKind
) -> None:
    a_source(database, source, kind)
    link = administrator.get(PAGE).link("Ajouter cette passerelle")

    answer = administrator.submit(administrator.get(link).form("/gateways/new"))

    (nas,) = nases(database)
    assert answer.status == 303
    if kind is SourceKind.ADDRESS:
        known = [each.network for each in nas.addresses], nas.nas_identifier, nas.vendor, nas.login_hosts
        assert known == (["192.0.2.9/32"], "library-7", "mikrotik", "10.5.50.1")
    else:
        assert (nas.certificate_name, nas.addresses) == (source, [])
    assert sources(database) == []
    assert "Bornes inconnues" not in administrator.get("/").text


def test_it_is_an_address_of_a_gateway_that_is_already_there(
    administrator: Browser, database: Database, town: Town
) -> None:
    source_id = a_source(database)
    with database.transaction() as db:
        library = db.get_one(Site, town.library)
        factories.make_nas(db, site=library, name="Autre", networks=("192.0.2.1/32",))
        factories.make_nas(db, site=library, nas_identifier="library-7", networks=("192.0.2.7/32",))
        factories.make_nas(db, site=db.get_one(Site, town.elsewhere_site), name="Ailleurs")
    page = administrator.get(PAGE)
    form = page.form(f"{PAGE}/{source_id}/address")

    answer = administrator.submit(form)

    taken = next(each for each in nases(database) if each.nas_identifier == "library-7")
    assert "Ailleurs" not in page.text
    assert answer.location.endswith(f"/gateways/{taken.id}")
    assert sorted(each.network for each in taken.addresses) == ["192.0.2.7/32", "192.0.2.9/32"]
    assert sources(database) == []
    assert actions(database) == ["nas.changed"]


def test_no_address_is_laid_upon_another_towns_gateway(administrator: Browser, database: Database, town: Town) -> None:
    source_id = a_source(database)
    with database.transaction() as db:
        theirs = factories.make_nas(db, site=db.get_one(Site, town.elsewhere_site)).id

    for nas_id in (str(theirs), "0", "x", "9" * 30):
        answer = administrator.post_bare(f"{PAGE}/{source_id}/address", {"nas_id": nas_id}, form_at=PAGE)
        assert answer.status in (404, 422)

    assert len(sources(database)) == 1


def test_a_certificate_is_no_address(administrator: Browser, database: Database, town: Town) -> None:
    source_id = a_source(database, "library-8.commune.example", SourceKind.CERTIFICATE)
    with database.transaction() as db:
        nas_id = factories.make_nas(db, site=db.get_one(Site, town.library)).id

    answer = administrator.post_bare(f"{PAGE}/{source_id}/address", {"nas_id": str(nas_id)}, form_at=PAGE)

    assert answer.status == 422


@pytest.mark.parametrize("number", ["999", "0", "x", "-1", "9" * 30])
def test_a_form_for_one_that_is_gone(administrator: Browser, number: str) -> None:
    assert administrator.get(f"/gateways/new?unknown={number}").status in (200, 404)


# ---- ignored ----


def test_one_that_is_ignored_is_folded_away_and_can_still_be_added(administrator: Browser, database: Database) -> None:
    a_source(database)
    page = administrator.follow(administrator.submit(button(administrator, "L’ignorer")))

    assert "192.0.2.9 est désormais ignorée." in page.text
    assert "1 ignorée" in page.text
    assert "Rien d’inconnu n’a été entendu." in page.text
    assert page.link("Ajouter cette passerelle").startswith("/gateways/new")
    assert "Bornes inconnues" not in administrator.get("/").text
    assert "Borne inconnue ignorée" in administrator.get("/audit").text


# ---- for whom ----


def test_a_librarian_and_a_district_are_refused(
    librarian: Browser, open_browser: Callable[[], Browser], database: Database, town: Town
) -> None:
    source_id = a_source(database)
    with database.transaction() as db:
        below = db.get_one(Site, town.district_site).organisation
        factories.make_staff(db, organisation=below, email="district@parvis.test")
    district = open_browser()
    assert district.sign_in("district@parvis.test").status == 303

    for browser in (librarian, district):
        assert browser.get(PAGE).status == 403
        assert browser.get(f"/gateways/new?unknown={source_id}").status == 403
        assert browser.post_bare(f"{PAGE}/{source_id}/ignore").status == 403
        assert browser.post_bare(f"{PAGE}/{source_id}/address", {"nas_id": "1"}).status == 403
        assert "Bornes inconnues" not in browser.get("/").text
    assert sources(database)[0].ignored_at is None
    assert "borne inconnue" not in district.get("/gateways").text


def test_a_get_changes_nothing_and_neither_does_a_post_without_its_token(
    administrator: Browser, database: Database
) -> None:
    source_id = a_source(database)

    assert administrator.get(f"{PAGE}/{source_id}/ignore").status == 405
    assert administrator.post(f"{PAGE}/{source_id}/ignore", {}).status == 400
    assert sources(database)[0].ignored_at is None


# ---- from the packet to the page ----


def stop(process: RadiusProcess) -> None:
    """It writes down what it has learned."""
    assert process.popen is not None
    process.popen.send_signal(signal.SIGTERM)
    process.popen.wait(timeout=5)


def test_from_a_packet_to_a_gateway(
    administrator: Browser, database: Database, settings: Settings, redis: "Redis", town: Town, tmp_path: Path
) -> None:
    request = accounting(status(1, more=[(32, b"library-7"), vendor(14988, 1, b"x")]))
    with started(database, settings, tmp_path) as process, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
        device.bind(("127.0.0.2", 0))
        device.sendto(request, ("127.0.0.1", process.acct_port))
        with Exchanged(process.acct_port) as known:  # answered after what came before
            known.ask(accounting(status(1)))
        stop(process)

    page = administrator.get(PAGE)
    assert [each.text for each in page.root.one("main").all("h2")] == ["127.0.0.2"]
    form = administrator.get(page.link("Ajouter cette passerelle")).form("/gateways/new")
    assert (form.fields["nas_identifier"], form.fields["vendor"]) == ("library-7", "mikrotik")
    administrator.submit(form)

    taken = {each.nas_identifier: [address.network for address in each.addresses] for each in nases(database)}
    assert taken["library-7"] == ["127.0.0.2/32"]
    assert sources(database) == []


def test_from_a_certificate_to_a_gateway_that_is_let_in(
    administrator: Browser, database: Database, settings: Settings, redis: "Redis", town: Town, tmp_path: Path
) -> None:
    """Without a restart: the gateway's next connection is answered."""
    folder = tmp_path / "certificates"
    folder.mkdir()
    peers = tls_peers.Town(folder)
    context = nas_context(peers, peers.certificate("library-8"))
    with started(database, settings, tmp_path, radsec=peers.environment()) as process:
        with TlsNas(context, process.radsec_port) as device:
            assert device.is_cut_off()
        assert eventually(lambda: sources(database), patience=20)

        page = administrator.get(PAGE)
        assert "Un certificat (RadSec), depuis 127.0.0.1" in page.text
        administrator.submit(administrator.get(page.link("Ajouter cette passerelle")).form("/gateways/new"))

        def is_answered() -> bool:
            with TlsNas(context, process.radsec_port) as device:
                return bool(device.ask(tls_peers.status_server(1)))

        assert eventually(is_answered, patience=10)
    assert sources(database) == []
