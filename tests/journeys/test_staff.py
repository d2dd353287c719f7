"""What the staff see of a visit."""

from playwright.sync_api import expect

from tests.journeys.visitor import Desk, Visitor


def test_a_visit_is_seen_to_grow(visitor: Visitor, desk: Desk) -> None:
    visitor.arrive()
    visitor.sign_in_by_one_tap()
    visitor.expect_online()
    visitor.expect_pretend_internet()
    visitor.page.get_by_role("button", name="Télécharger 10 Mo").click()
    desk.expect_download_to_grow(visitor.mac)


def test_nobody_enters_with_a_wrong_password(desk: Desk) -> None:
    page = desk.page
    page.context.clear_cookies()
    page.goto(desk.town.staff)
    page.locator("[name=email]").fill(desk.town.demo["staff"]["email"])
    page.locator("[name=password]").fill("not this one")
    page.get_by_role("button", name="Se connecter").click()
    expect(page.locator("[name=password]")).to_be_visible()
    page.goto(f"{desk.town.staff}/gateways")
    expect(page.locator("[name=password]")).to_be_visible()


def test_a_reader_of_an_imported_file_gets_online(desk: Desk, visitor: Visitor) -> None:
    desk.open("/patrons/import")
    desk.page.locator("[name=organisation_id]").select_option(label="Loue-la-Ville")
    cards = "numero_carte;code;nom\n77700001;4711;Anaïs Faivre\n".encode("cp1252")
    desk.page.locator("[name=file]").set_input_files({"name": "cartes.csv", "mimeType": "text/csv", "buffer": cards})
    desk.page.locator("form.card button.primary").click()
    expect(desk.page.get_by_text("Anaïs Faivre")).to_be_visible()
    desk.page.locator("form.card button.primary").click()
    expect(desk.page.get_by_role("heading", name="Les cartes sont importées")).to_be_visible(timeout=15_000)
    visitor.arrive()
    visitor.sign_in_by_card("77700001", "4711")
    visitor.expect_online()


def test_a_file_with_a_wrong_line_imports_nothing(desk: Desk) -> None:
    desk.open("/patrons/import")
    cards = b"numero_carte;code\n77700002;4711\n77700003;\n"
    desk.page.locator("[name=file]").set_input_files({"name": "cartes.csv", "mimeType": "text/csv", "buffer": cards})
    desk.page.locator("form.card button.primary").click()
    expect(desk.page.get_by_role("cell", name="3", exact=True)).to_be_visible()
    desk.open("/patrons")
    desk.page.locator("[name=card]").fill("7770000")
    desk.page.locator("form:has([name=card]) button").click()
    expect(desk.page.get_by_text("77700002")).to_have_count(0)
