"""Patrons in the staff application: a file looked at, confirmed, brought in; a card found and blocked."""

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import func, select

from hotspot.adapters.pending_import import ImportProgress, PendingImports
from hotspot.db import Database
from hotspot.models import AuditEntry, Organisation, Patron
from hotspot.passwords import is_password
from hotspot.sealing import Vault
from hotspot.services.remembering import remember_device
from hotspot.values import Way
from hotspot_admin import importing
from tests import factories
from tests.hotspot_admin.conftest import ADMINISTRATOR, Browser, Clock, Town
from tests.page_client import Page

TWO = "numero_carte;code;nom;expire_le\n00042;s3cret;Zoé Martin;31/12/2027\n00043;0007;=cmd();\n"


def sent(browser: Browser, text: str | bytes, **typed: Any) -> Page:
    octets = text.encode() if isinstance(text, str) else text
    form = browser.get("/patrons/import").form("")
    return browser.submit(form, file=(io.BytesIO(octets), "cartes.csv"), **typed)


def confirmed(browser: Browser, text: str) -> Page:
    preview = sent(browser, text)
    assert preview.status == 200
    return browser.follow(browser.submit(preview.form("/patrons/import/confirm"), button="Importer"))


def patrons_in(database: Database) -> list[Patron]:
    with database.reading() as db:
        return list(db.scalars(select(Patron).order_by(Patron.card_number)))


def figures(page: Page) -> list[str]:
    return [each.text for each in page.root.one("dl", class_="figures").all("dd")]


def test_a_preview_tells_what_would_change_and_writes_nothing(database: Database, administrator: Browser) -> None:
    page = sent(administrator, TWO)

    assert figures(page) == ["2", "0", "0", "0"]
    assert "00042" in page.text
    assert "Zoé Martin" in page.text
    assert patrons_in(database) == []


def test_no_pin_is_shown_again(administrator: Browser) -> None:
    page = sent(administrator, TWO)

    assert "s3cret" not in page.html
    assert "0007" not in page.html


def test_a_confirmed_file_is_there_with_its_pins(database: Database, administrator: Browser, town: Town) -> None:
    page = confirmed(administrator, TWO)

    assert figures(page) == ["2", "0", "0"]
    zoe, other = patrons_in(database)
    assert (zoe.organisation_id, zoe.card_number, zoe.name) == (town.organisation, "00042", "Zoé Martin")
    assert is_password("s3cret", zoe.pin_hash)
    assert other.name == "=cmd()"


def test_a_second_file_updates(database: Database, administrator: Browser) -> None:
    confirmed(administrator, TWO)

    page = confirmed(administrator, "carte;code;nom;expire_le\n00042;s3cret;Zoé Durand;31/12/2027\n00044;1;;\n")

    assert figures(page) == ["1", "1", "0"]
    assert [patron.name for patron in patrons_in(database)] == ["Zoé Durand", "=cmd()", ""]


def test_cards_that_are_missing_expire_if_the_box_is_ticked(database: Database, administrator: Browser) -> None:
    confirmed(administrator, TWO)
    one = "carte;code\n00044;1\n"
    preview = sent(administrator, one)
    form = preview.form("/patrons/import/confirm")
    assert figures(preview) == ["1", "0", "0", "2"]
    assert "Faire expirer aujourd’hui les cartes absentes du fichier" in preview.text

    page = administrator.follow(administrator.submit(form, button="Importer", missing_expire="y"))

    assert figures(page) == ["1", "0", "0", "2"]
    expiries = {patron.card_number: patron.expires_on for patron in patrons_in(database)}
    assert expiries["00044"] is None
    assert expiries["00042"] == expiries["00043"] is not None


def test_cards_that_are_missing_stay_unless_the_box_is_ticked(database: Database, administrator: Browser) -> None:
    confirmed(administrator, TWO)
    before = [patron.expires_on for patron in patrons_in(database)]

    page = confirmed(administrator, "carte;code\n00044;1\n")

    assert figures(page) == ["1", "0", "0"]
    assert [patron.expires_on for patron in patrons_in(database)] == [*before, None]


def test_what_rules_may_ask_for_is_on_the_page_of_the_card(administrator: Browser, database: Database) -> None:
    confirmed(administrator, "carte;code;ne_le;bibliotheque;doit\n00042;1;4/3/1985;CENTRE;12,5\n")

    page = administrator.get(f"/patrons/{patrons_in(database)[0].id}")

    assert "4 mars 1985" in page.text
    assert "CENTRE" in page.text
    assert "12,5" in page.text


def test_one_wrong_line_stops_the_whole_file(database: Database, administrator: Browser, redis: "Redis") -> None:
    page = sent(administrator, TWO + "00044;;;\n;1;;\n")

    rows = [[cell.text for cell in row.all("td")] for row in page.root.one("tbody").all("tr")]
    assert page.status == 422
    assert rows == [["4", "Le code manque."], ["5", "Le numéro de carte manque."]]
    assert "2 lignes sont fausses" in page.text
    assert patrons_in(database) == []
    assert redis.keys("patron-import:*") == []


def test_many_wrong_lines_are_counted_and_the_first_are_shown(administrator: Browser) -> None:
    page = sent(administrator, "carte;code\n" + ";\n;1\n" * 300)

    assert "300 lignes sont fausses" in page.text
    assert len(page.root.one("tbody").all("tr")) == 200


@pytest.mark.parametrize("file", [b"", b"PK\x03\x04", b"\xff\xfe\x00"], ids=["empty", "spreadsheet", "utf-16"])
def test_what_is_no_csv_is_told_so(administrator: Browser, file: bytes) -> None:
    assert sent(administrator, file).status == 422


def test_no_file_at_all_is_told_beside_the_field(administrator: Browser) -> None:
    form = administrator.get("/patrons/import").form("")

    page = administrator.submit(form)

    assert page.status == 422
    assert "Choisissez un fichier." in page.text


def sent_large(browser: Browser, octets: bytes) -> Page:
    """As `sent`, without the temporary file that the test client would leave open."""
    fields = browser.get("/patrons/import").form("").fields
    parts = [f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{it}\r\n' for name, it in fields.items()]
    head = '--x\r\nContent-Disposition: form-data; name="file"; filename="cartes.csv"\r\n\r\n'
    body = "".join([*parts, head]).encode() + octets + b"\r\n--x--\r\n"
    return browser.post("/patrons/import", body, content_type="multipart/form-data; boundary=x")


def test_a_file_of_five_megabytes_is_read_and_a_larger_one_is_not(administrator: Browser) -> None:
    line = b"1;" + b"1" * 600 + b"\n"
    largest = b"carte;code\n" + line * ((5 * 1024 * 1024 - 11) // len(line))

    read, unread, cut_off = (
        sent_large(administrator, octets) for octets in (largest, largest + line, largest + largest)
    )

    assert "lignes sont fausses" in read.text
    assert "Le fichier dépasse 5" in unread.text
    assert [read.status, unread.status, cut_off.status] == [422, 422, 413]


def test_what_waits_for_the_confirmation_is_sealed_and_ends_by_itself(administrator: Browser, redis: "Redis") -> None:
    sent(administrator, TWO)

    (key,) = redis.keys("patron-import:*")
    kept = redis.get(key)
    assert isinstance(kept, bytes)
    assert b"s3cret" not in kept
    assert b"00042" not in kept
    assert 0 < redis.ttl(key) <= 900


def test_a_file_can_be_confirmed_once(database: Database, administrator: Browser) -> None:
    form = sent(administrator, TWO).form("/patrons/import/confirm")
    administrator.submit(form, button="Importer")
    with database.transaction() as db:
        for patron in db.scalars(select(Patron)):
            db.delete(patron)

    administrator.submit(form, button="Importer")

    assert patrons_in(database) == []


def test_a_file_that_waited_too_long_is_gone(administrator: Browser, redis: "Redis", database: Database) -> None:
    form = sent(administrator, TWO).form("/patrons/import/confirm")
    redis.flushdb()

    page = administrator.follow(administrator.submit(form, button="Importer"))

    assert page.root.one("h2").text == "Rien n’a été importé"
    assert patrons_in(database) == []


def test_a_cancelled_file_is_forgotten(administrator: Browser, redis: "Redis") -> None:
    preview = sent(administrator, TWO)
    token = preview.form("/patrons/import/confirm").fields["token"]

    answer = administrator.post_bare("/patrons/import/cancel", {"token": token})

    assert answer.location == "/patrons"
    assert redis.keys("patron-import:*") == []


def test_somebody_elses_file_cannot_be_confirmed(administrator: Browser, stranger: Browser, database: Database) -> None:
    token = sent(administrator, TWO).form("/patrons/import/confirm").fields["token"]

    stranger.post_bare("/patrons/import/confirm", {"token": token})

    assert patrons_in(database) == []


def test_a_strange_token_is_refused(administrator: Browser) -> None:
    assert administrator.post_bare("/patrons/import/confirm", {"token": "../x"}).status == 422


def test_a_district_can_be_chosen_and_another_town_cannot(
    administrator: Browser, town: Town, database: Database
) -> None:
    preview = sent(administrator, TWO, organisation_id=str(town.district))
    administrator.submit(preview.form("/patrons/import/confirm"), button="Importer")

    assert {patron.organisation_id for patron in patrons_in(database)} == {town.district}
    assert sent(administrator, TWO, organisation_id=str(town.elsewhere)).status == 422


def test_an_import_under_way_reloads_itself(administrator: Browser, redis: "Redis", vault: Vault) -> None:
    pendings = PendingImports(redis, vault)
    staff_id = 2  # the town's second account is the administrator
    pendings.report(staff_id, "abc", ImportProgress("running", 64, 1000))

    page = administrator.get("/patrons/import/abc")

    refresh = page.root.one("head").one("meta", http_equiv="refresh")["content"]
    assert refresh == "2; url=/patrons/import/abc?auto=1"
    assert page.root.one("progress")["value"] == "64"
    assert "64 codes traités sur 1 000" in page.text.replace("\u202f", " ").replace("\xa0", " ")


def test_an_import_that_fails_says_so_and_leaves_nothing(
    administrator: Browser, database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("no room for s3cret")

    monkeypatch.setattr(importing, "import_patrons", fails)

    page = confirmed(administrator, TWO)

    assert page.root.one("h2").text == "Rien n’a été importé"
    assert patrons_in(database) == []
    assert "s3cret" not in "".join(capsys.readouterr())


def test_an_import_is_audited_without_a_name(administrator: Browser, database: Database) -> None:
    confirmed(administrator, TWO)

    with database.reading() as db:
        entry = db.scalars(select(AuditEntry).where(AuditEntry.action == "patrons.imported")).one()
    assert (entry.actor, entry.facts) == (ADMINISTRATOR, {"new": 2, "updated": 0, "unchanged": 0})
    assert "Zoé" not in f"{entry.subject} {entry.facts}"


@pytest.fixture
def card(database: Database, town: Town) -> Patron:
    with database.transaction() as db:
        organisation = db.get_one(Organisation, town.organisation)
        factories.make_patron(db, organisation=organisation, card_number="00999", name="Autre Personne")
        return factories.make_patron(db, organisation=organisation, card_number="00123")


def test_a_card_is_found_without_being_in_an_address(administrator: Browser, card: Patron) -> None:
    form = administrator.get("/patrons").form("/patrons")

    page = administrator.submit(form, card="0012")

    assert [row.one("th").text for row in page.root.one("tbody").all("tr")] == ["00123"]
    assert form.element["method"] == "post"
    assert "00123" not in page.link("00123")


@pytest.mark.parametrize("card", ["x" * 65, "12\x0034", ""], ids=["long", "nul", "empty"])
def test_a_search_that_makes_no_sense_is_refused(administrator: Browser, card: str) -> None:
    form = administrator.get("/patrons").form("/patrons")

    assert administrator.submit(form, card=card).status == 422


def test_a_card_is_blocked_and_unblocked(
    administrator: Browser, card: Patron, database: Database, clock: Clock
) -> None:
    path = f"/patrons/{card.id}"
    clock.now += timedelta(minutes=1)

    blocked = administrator.follow(administrator.submit(administrator.get(path).form(f"{path}/block")))
    unblocked = administrator.follow(administrator.submit(blocked.form(f"{path}/unblock")))

    assert "est bloquée" in blocked.text
    assert "peut de nouveau servir" in unblocked.text
    with database.reading() as db:
        actions = db.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert actions == ["patron.blocked", "patron.unblocked"]


def test_a_patron_says_where_they_are_known_from(
    administrator: Browser, card: Patron, database: Database, town: Town, clock: Clock
) -> None:
    with database.transaction() as db:
        organisation = db.get_one(Organisation, town.organisation)
        system = factories.make_library_system(db, organisation=organisation, name="Catalogue")
        known = {"organisation": organisation, "library_system_id": system.id, "name": ""}
        confirmed = factories.make_patron(db, card_number="00777", confirmed_at=clock.now, **known).id
        refused = factories.make_patron(db, card_number="00778", **known).id

    of_file, of_system = (administrator.get(f"/patrons/{each}").text for each in (card.id, confirmed))

    assert "le fichier de la bibliothèque" in of_file
    assert "Le prochain import" in of_file
    assert "Connue par Catalogue Confirmée le 10 mars 2026, 10:00:00" in of_system
    assert "Le prochain import" not in of_system
    assert "Pas depuis son dernier refus" in administrator.get(f"/patrons/{refused}").text
    assert "00777 Catalogue" in administrator.get("/patrons").text


def test_remembered_devices_of_a_card_are_counted_and_forgotten(
    administrator: Browser, card: Patron, database: Database, clock: Clock
) -> None:
    path = f"/patrons/{card.id}"
    assert "Aucun appareil de cette carte n’est mémorisé." in administrator.get(path).text
    with database.transaction() as db:
        organisation = db.get_one(Organisation, card.organisation_id)
        site = factories.make_site(db, organisation=organisation)
        offer = factories.make_offer(db, site=site, way=Way.LIBRARY_CARD, remember_for=timedelta(days=30))
        assert remember_device(db, factories.make_grant(db, offer=offer, patron_id=card.id), clock.now)
    page = administrator.get(path)
    assert "1 appareil se connecte avec cette carte" in page.text

    page = administrator.follow(administrator.submit(page.form(f"{path}/forget-devices")))

    assert "sont oubliés" in page.text
    assert "Aucun appareil de cette carte n’est mémorisé." in page.text


def test_another_towns_card_is_not_there(stranger: Browser, card: Patron) -> None:
    assert stranger.get(f"/patrons/{card.id}").status == 404
    assert stranger.post_bare(f"/patrons/{card.id}/block").status == 404
    assert stranger.post_bare(f"/patrons/{card.id}/forget-devices").status == 404
    assert "00123" not in stranger.get("/patrons").text


@pytest.mark.parametrize("path", ["/patrons", "/patrons/1", "/patrons/import", "/patrons/import/abc"])
def test_a_librarian_sees_no_patron(librarian: Browser, path: str) -> None:
    assert librarian.get(path).status == 403


def test_the_list_goes_on_after_fifty(administrator: Browser, database: Database, town: Town) -> None:
    with database.transaction() as db:
        organisation = db.get_one(Organisation, town.organisation)
        for number in range(51):
            factories.make_patron(db, organisation=organisation, card_number=f"{number:05}")

    first = administrator.get("/patrons")
    second = administrator.get(first.link("Suite →"))

    assert len(first.root.one("tbody").all("tr")) == 50
    assert [row.one("th").text for row in second.root.one("tbody").all("tr")] == ["00050"]


def test_nothing_is_imported_while_redis_is_away(
    administrator: Browser, database: Database, monkeypatch: pytest.MonkeyPatch, open_browser: Callable[[], Browser]
) -> None:
    from redis.exceptions import ConnectionError as RedisConnectionError

    def away(*_: object, **__: object) -> None:
        raise RedisConnectionError

    form = administrator.get("/patrons/import").form("")
    monkeypatch.setattr(Redis, "execute_command", away)

    page = administrator.submit(form, file=(io.BytesIO(TWO.encode()), "cartes.csv"))

    assert page.status == 503
    with database.reading() as db:
        assert db.scalar(select(func.count(Patron.id))) == 0
