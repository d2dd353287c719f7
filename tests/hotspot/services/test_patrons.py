"""A library's file: read with every mistake named, brought in whole or not at all; a card blocked and found."""

import codecs
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hotspot.db import Database
from hotspot.errors import Conflict, NotFound
from hotspot.models import AuditEntry, Grant, Organisation, Patron
from hotspot.passwords import hash_password, is_password
from hotspot.services.patron_file import MOST_LINES, PatronRow, read_patron_file
from hotspot.services.patrons import (
    ImportCounts,
    block_patron,
    compare,
    get_patron,
    hash_pins,
    import_patrons,
    list_patrons,
    pack_rows,
    unblock_patron,
    unpack_rows,
)
from hotspot.services.staff import Scope, find_scope
from hotspot.values import RefusalReason
from tests import factories

HASH = hash_password("4321")


def rows_of(text: str) -> tuple[PatronRow, ...]:
    file = read_patron_file(text.encode())
    assert file.errors == ()
    return file.rows


def problems(octets: bytes | str) -> list[tuple[int, str]]:
    file = read_patron_file(octets.encode() if isinstance(octets, str) else octets)
    return [(error.line, error.problem % error.facts) for error in file.errors]


def scope_of(db: Session, organisation_id: int) -> Scope:
    staff = factories.make_staff(db, organisation=db.get_one(Organisation, organisation_id))
    scope = find_scope(db, staff.id, staff.session_key)
    assert scope is not None
    return scope


# Reading


def test_every_column_is_read() -> None:
    (row,) = rows_of("card_number,pin,name,category,expires_on,blocked\n00123,0042,Zoé,adult,2027-01-31,yes\n")

    assert row == PatronRow(2, "00123", "0042", None, "Zoé", "adult", date(2027, 1, 31), True)


def test_french_headers_are_the_same_columns() -> None:
    (row,) = rows_of("Numéro carte;Code;Nom;Catégorie;Expire le;Bloqué\nA0012B;1234;Le Goff;adulte;31/1/2027;oui\n")

    assert row == PatronRow(2, "A0012B", "1234", None, "Le Goff", "adulte", date(2027, 1, 31), True)


@pytest.mark.parametrize(
    "header", ["born_on;home_library;owes", "Né le;Bibliothèque;Doit", "date_de_naissance;bibliotheque;du"]
)
def test_what_rules_may_ask_for_is_read(header: str) -> None:
    (row,) = rows_of(f"carte;code;{header}\n1;1234;4/3/1985;CENTRE;1 234,5 €\n")

    assert (row.born_on, row.home_library, row.owes) == (date(1985, 3, 4), "CENTRE", Decimal("1234.50"))


def test_what_is_blank_is_not_said() -> None:
    (row,) = rows_of("carte;code;ne_le;bibliotheque;doit\n1;1234;;;\n")

    assert (row.born_on, row.home_library, row.owes) == (None, "", None)


def test_a_balance_in_the_readers_favour_is_nothing_owed() -> None:
    (row,) = rows_of("carte;code;doit\n1;1234;-3.20\n")

    assert row.owes == 0


@pytest.mark.parametrize("amount", ["much", "1.234.5", "12,345", "1e9", "12345678", "NaN", "€", "--1"])
def test_an_amount_that_is_none_is_named(amount: str) -> None:
    assert problems(f"carte;code;doit\n1;1234;{amount}\n") == [(2, f"“{amount}” is not an amount: 12.50 or 12,50.")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
def test_delimiter_and_line_end_are_found(delimiter: str, end: str) -> None:
    text = end.join(delimiter.join(cells) for cells in (("card_number", "pin", "name"), ("1", "1234", "Ana")))

    (row,) = rows_of(text)

    assert (row.line, row.card_number, row.pin, row.name) == (2, "1", "1234", "Ana")


@pytest.mark.parametrize(
    "octets",
    [
        "card_number;pin;name\n1;1234;Éléonore Œuvrard\n".encode(),
        codecs.BOM_UTF8 + "card_number;pin;name\n1;1234;Éléonore Œuvrard\n".encode(),
        "card_number;pin;name\n1;1234;Éléonore Œuvrard\n".encode("cp1252"),
    ],
    ids=["utf-8", "utf-8 with mark", "windows-1252"],
)
def test_the_encoding_is_found(octets: bytes) -> None:
    file = read_patron_file(octets)

    assert [row.name for row in file.rows] == ["Éléonore Œuvrard"]


def test_quotes_and_formulas_are_only_text() -> None:
    (row,) = rows_of('card_number,pin,name\n1,1234,"=HYPERLINK(""http://x"",""y""), Ltd"\n')

    assert row.name == '=HYPERLINK("http://x","y"), Ltd'


def test_empty_lines_and_unknown_columns_are_passed_over_and_told() -> None:
    file = read_patron_file(b"card_number;pin;town;\n1;1234;Dole;\n;;;\n\n2;1234;;\n")

    assert [(row.line, row.card_number) for row in file.rows] == [(2, "1"), (5, "2")]
    assert file.ignored_columns == ("town",)


def test_a_hash_of_the_librarys_own_is_taken_as_it_is() -> None:
    (row,) = rows_of(f'card_number;pin_hash\n1;"{HASH}"\n')

    assert (row.pin, row.pin_hash) == (None, HASH)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (";1234;;", "The card number is missing."),
        ("1;;;", "The PIN is missing."),
        ("1;1234;30/02/2027;", "“30/02/2027” is not a date: 2026-12-31 or 31/12/2026."),
        ("1;1234;2027-13-01;", "“2027-13-01” is not a date: 2026-12-31 or 31/12/2026."),
        ("1;1234;01/02/27;", "“01/02/27” is not a date: 2026-12-31 or 31/12/2026."),
        ("1;1234;;maybe", "“maybe” is neither yes nor no."),
        ("1;12\x0034;;", None),
        ("1;12\x0734;;", "“pin” has control characters."),
        ('"1\n2";1234;;', "“card_number” has control characters."),
        (f"{'9' * 65};1234;;", "“card_number” is longer than 64 characters."),
        (f"1;{'9' * 129};;", "“pin” is longer than 128 characters."),
        ("1;1234;", "There are 3 columns instead of 4."),
        ("1;1234;;;", "There are 5 columns instead of 4."),
        ('1;"12"34;;', "From this line on the quotation marks do not match, or a value is far too long."),
        pytest.param(
            f"1;{'9' * 200_000};;",
            "From this line on the quotation marks do not match, or a value is far too long.",
            id="endless value",
        ),
        ('1;"1234;;', "From this line on the quotation marks do not match, or a value is far too long."),
    ],
)
def test_a_wrong_line_is_named_with_its_reason(line: str, problem: str | None) -> None:
    found = problems(f"card_number;pin;expires_on;blocked\n{line}\n")

    assert found == ([(2, problem)] if problem else [(1, "This is not a text file.")])


@pytest.mark.parametrize(
    ("hashed", "problem"),
    [
        ("1234", "The “pin_hash” is not one of argon2id."),
        ("$2b$12$abcdefghijklmnopqrstuv", "The “pin_hash” is not one of argon2id."),
        (HASH.replace("argon2id", "argon2i"), "The “pin_hash” is not one of argon2id."),
        (re.sub(r"m=\d+", "m=99999999", HASH), "The “pin_hash” would take too long to check."),
        (re.sub(r"t=\d+", "t=5000", HASH), "The “pin_hash” would take too long to check."),
    ],
    ids=["clear", "bcrypt", "argon2i", "too much memory", "too many passes"],
)
def test_a_hash_that_we_would_not_check_is_refused(hashed: str, problem: str) -> None:
    assert problems(f'card_number;pin_hash\n1;"{hashed}"\n') == [(2, problem)]


def test_a_line_has_a_pin_or_a_hash_and_not_both() -> None:
    text = f'card_number;pin;pin_hash\n1;1234;\n2;;"{HASH}"\n3;1234;"{HASH}"\n4;;\n'

    assert problems(text) == [(4, "There is both a PIN and a “pin_hash”: one is enough."), (5, "The PIN is missing.")]


def test_the_same_card_twice_is_told_with_both_lines() -> None:
    assert problems("card_number;pin\n7;1234\n8;1234\n 7 ;9999\n") == [(4, "The same card is on line 2.")]


def test_every_wrong_line_is_told_and_a_pin_never() -> None:
    found = problems("card_number;pin;expires_on\n;s3cret;\n1;s3cret;soon\n2;s3cret;\n")

    assert [line for line, _ in found] == [2, 3]
    assert "s3cret" not in str(found)


@pytest.mark.parametrize(
    ("octets", "problem"),
    [
        (b"", (1, "The file is empty.")),
        (b"card_number;pin\n", (1, "There is no card below the header.")),
        (b"pin;name\n1;2\n", (1, "The first line names no column “card_number” (numero_carte).")),
        (b"card_number;name\n1;2\n", (1, "The first line names neither “pin” (code) nor “pin_hash”.")),
        (b"card_number;carte;pin\n1;2;3\n", (1, "The column “card_number” is there twice.")),
        ("card_number;pin\n".encode("utf-16"), (1, "The file is in UTF-16. Save it as CSV in UTF-8.")),
        (b"PK\x03\x04...", (1, "This is a spreadsheet, not CSV. Save the sheet as CSV in UTF-8.")),
        (b"card_number;pin\n1;\x81\xff\n", (2, "The characters are neither UTF-8 nor Windows-1252.")),
        (b"x" * (5 * 1024 * 1024 + 1), (1, "The file is larger than 5 MB.")),
    ],
    ids=["empty", "header only", "no card", "no pin", "twice", "utf-16", "xlsx", "other octets", "too large"],
)
def test_a_file_that_cannot_be_read_says_why(octets: bytes, problem: tuple[int, str]) -> None:
    assert problems(octets) == [problem]


def test_a_file_has_fifty_thousand_lines_at_most() -> None:
    text = "card_number;pin\n" + "".join(f"{card};1234\n" for card in range(MOST_LINES + 1))

    file = read_patron_file(text.encode())

    assert file.rows == ()
    assert [error.line for error in file.errors] == [MOST_LINES + 2]


def test_rows_show_no_pin_when_they_are_printed() -> None:
    (row,) = rows_of("card_number;pin\n1;s3cret\n")

    assert "s3cret" not in repr(row)


def test_rows_survive_their_wait_for_the_confirmation() -> None:
    rows = rows_of(
        "carte;code;pin_hash;nom;expire_le;ne_le;bibliotheque;doit\n"
        f'01;1234;;Zoé;31/12/2027;4/3/1985;CENTRE;12,5\n02;;"{HASH}";;;;;\n'
    )

    assert unpack_rows(pack_rows(rows)) == list(rows)


# Bringing in


def imported(db: Session, organisation_id: int, rows: Sequence[PatronRow], now: datetime) -> ImportCounts:
    return import_patrons(db, organisation_id, hash_pins(rows, workers=2), "system", now)


def test_a_new_card_can_sign_in_with_its_pin(any_database: Database, now: datetime) -> None:
    with any_database.transaction() as db:
        organisation = factories.make_organisation(db)
        counts = imported(db, organisation.id, rows_of("carte;code;nom\n00042;0007;Zoé\n"), now)
    with any_database.reading() as db:
        patron = db.scalars(select(Patron)).one()

    assert counts == ImportCounts(new=1, updated=0, unchanged=0)
    assert (patron.card_number, patron.name, patron.created_at) == ("00042", "Zoé", now)
    assert is_password("0007", patron.pin_hash)


def test_a_second_import_updates_and_leaves_the_others_alone(any_database: Database, now: datetime) -> None:
    later = now + timedelta(days=7)
    with any_database.transaction() as db:
        organisation = factories.make_organisation(db)
        imported(db, organisation.id, rows_of("carte;code;nom\n1;1111;Ana\n2;2222;Béa\n3;3333;Cléo\n"), now)
        again = rows_of("carte;code;nom\n2;2222;Béa\n3;9999;Cléa\n4;4444;Dino\n")
        foreseen = compare(db, organisation.id, again, later)
        done = imported(db, organisation.id, again, later)
    with any_database.reading() as db:
        patrons = {patron.card_number: patron for patron in db.scalars(select(Patron))}

    assert foreseen == done == ImportCounts(new=1, updated=1, unchanged=1, missing=1)
    assert {card: patron.name for card, patron in patrons.items()} == {"1": "Ana", "2": "Béa", "3": "Cléa", "4": "Dino"}
    assert is_password("9999", patrons["3"].pin_hash)
    assert (patrons["3"].created_at, patrons["3"].updated_at) == (now, later)
    assert patrons["1"].updated_at == now


def test_what_rules_may_ask_for_is_kept_and_makes_a_difference(any_database: Database, now: datetime) -> None:
    header = "carte;code;ne_le;bibliotheque;doit\n"
    with any_database.transaction() as db:
        organisation = factories.make_organisation(db)
        imported(db, organisation.id, rows_of(header + "1;1;4/3/1985;CENTRE;12,5\n2;2;;;\n"), now)
        same = imported(db, organisation.id, rows_of(header + "1;1;1985-03-04;CENTRE;12.50\n2;2;;;\n"), now)
        paid = imported(db, organisation.id, rows_of(header + "1;1;4/3/1985;CENTRE;0\n2;2;;;\n"), now)
    with any_database.reading() as db:
        one, two = db.scalars(select(Patron).order_by(Patron.card_number))

    assert (same.updated, paid.updated) == (0, 1)
    assert (one.born_on, one.home_library, one.owes) == (date(1985, 3, 4), "CENTRE", 0)
    assert (two.born_on, two.home_library, two.owes) == (None, "", None)


def test_a_card_that_is_missing_expires_today_only_if_that_is_wanted(any_database: Database, now: datetime) -> None:
    expired = now.date() - timedelta(days=1)
    with any_database.transaction() as db:
        organisation = factories.make_organisation(db)
        elsewhere = factories.make_patron(db, card_number="1")
        imported(
            db, organisation.id, rows_of(f"carte;code;expire_le\n1;1;\n2;2;\n3;3;{expired}\n4;4;2027-01-01\n"), now
        )
        file = hash_pins(rows_of("carte;code\n2;2\n"), workers=1)
        left = import_patrons(db, organisation.id, file, "system", now)
        kept = [patron.expires_on for patron in db.scalars(select(Patron).order_by(Patron.id))]
        done = import_patrons(db, organisation.id, file, "system", now, missing_expire=True)
        again = compare(db, organisation.id, file, now)
    with any_database.reading() as db:
        ours = select(Patron).where(Patron.organisation_id == organisation.id).order_by(Patron.card_number)
        expiries = [patron.expires_on for patron in db.scalars(ours)]
        entries = db.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()

        assert db.get_one(Patron, elsewhere.id).expires_on is None
    assert (left.missing, done.missing, again.missing) == (2, 2, 0)
    assert kept == [None, None, None, expired, date(2027, 1, 1)]
    assert expiries == [now.date(), None, expired, now.date()]
    assert [entry.facts.get("expired") for entry in entries] == [None, None, 2]


def test_a_reader_of_the_librarys_own_system_is_not_missing_from_a_file(database: Database, now: datetime) -> None:
    with database.transaction() as db:
        system = factories.make_library_system(db)
        reader = factories.make_patron(db, organisation=system.organisation, library_system=system)
        file = hash_pins(rows_of("carte;code\n2;2\n"), workers=1)

        done = import_patrons(db, system.organisation_id, file, "system", now, missing_expire=True)

        assert done.missing == 0
        assert db.get_one(Patron, reader.id).expires_on is None


def test_a_missing_card_that_comes_back_is_good_again(database: Database, now: datetime) -> None:
    with database.transaction() as db:
        organisation = factories.make_organisation(db)
        imported(db, organisation.id, rows_of("carte;code\n1;1\n"), now)
        import_patrons(
            db, organisation.id, hash_pins(rows_of("carte;code\n2;2\n"), 1), "system", now, missing_expire=True
        )
        imported(db, organisation.id, rows_of("carte;code\n1;1\n2;2\n"), now)

        assert db.scalars(select(Patron).where(Patron.card_number == "1")).one().expires_on is None


def test_the_same_card_in_another_town_is_another_person(database: Database, now: datetime) -> None:
    with database.transaction() as db:
        theirs = factories.make_patron(db, card_number="1", name="Ana")
        ours = factories.make_organisation(db)
        counts = imported(db, ours.id, rows_of("carte;code;nom\n1;1234;Bob\n"), now)

        assert counts.new == 1
        assert db.get_one(Patron, theirs.id).name == "Ana"


def test_a_card_that_the_file_blocks_is_over_at_once(database: Database, now: datetime) -> None:
    with database.transaction() as db:
        patron = factories.make_patron(db)
        grant = factories.make_grant(db, patron=patron)
        rows = rows_of(f"carte;code;bloque\n{patron.card_number};1234;oui\n")
        imported(db, patron.organisation_id, rows, now + timedelta(hours=1))

        assert (grant.ends_at, grant.ends_because) == (now + timedelta(hours=1), RefusalReason.CARD_BLOCKED)


def test_nothing_is_imported_when_one_row_fails(any_database: Database, now: datetime) -> None:
    with any_database.transaction() as db:
        organisation = factories.make_organisation(db)
    rows = hash_pins(rows_of("carte;code\n1;1234\n2;1234\n"), workers=1)
    twice = [*rows, replace(rows[0], name="again")]

    with pytest.raises(IntegrityError), any_database.transaction() as db:
        import_patrons(db, organisation.id, twice, "system", now)

    with any_database.reading() as db:
        assert db.scalars(select(Patron)).all() == []
        assert db.scalars(select(AuditEntry)).all() == []


def test_a_row_with_a_clear_pin_is_never_written(database: Database, now: datetime) -> None:
    with database.transaction() as db, pytest.raises(ValueError, match="not hashed"):
        import_patrons(db, factories.make_organisation(db).id, rows_of("carte;code\n1;1234\n"), "system", now)


def test_hashing_keeps_the_order_tells_how_far_it_is_and_leaves_no_pin() -> None:
    rows = rows_of("carte;code\n" + "".join(f"{card};{card}\n" for card in range(70)))
    told: list[int] = []

    hashed = hash_pins(rows, 2, told.append)

    assert [row.card_number for row in hashed] == [row.card_number for row in rows]
    assert told == [64, 70]
    assert all(row.pin is None for row in hashed)
    assert is_password("69", hashed[69].pin_hash)


def test_an_import_is_audited_without_naming_anybody(database: Database, now: datetime) -> None:
    with database.transaction() as db:
        organisation = factories.make_organisation(db)
        imported(db, organisation.id, rows_of("carte;code;nom\n0099;1234;Ana\n"), now)
        entry = db.scalars(select(AuditEntry)).one()

    assert (entry.action, entry.subject) == ("patrons.imported", "1 cards")
    assert entry.facts == {"new": 1, "updated": 0, "unchanged": 0}


# One card


def test_cards_are_found_by_the_beginning_of_their_number(database: Database) -> None:
    with database.transaction() as db:
        organisation = factories.make_organisation(db)
        for card in ("0012", "0013", "1200", "00%2"):
            factories.make_patron(db, organisation=organisation, card_number=card)
        factories.make_patron(db, card_number="0014")
        scope = scope_of(db, organisation.id)

        assert [it.card_number for it in list_patrons(db, scope, card=" 001").patrons] == ["0012", "0013"]
        assert [it.card_number for it in list_patrons(db, scope, card="00%").patrons] == ["00%2"]


def test_cards_come_by_pages_of_fifty(database: Database) -> None:
    with database.transaction() as db:
        organisation = factories.make_organisation(db)
        ids = [factories.make_patron(db, organisation=organisation).id for _ in range(51)]
        scope = scope_of(db, organisation.id)
        first = list_patrons(db, scope)
        second = list_patrons(db, scope, after=first.after)

    assert [it.id for it in [*first.patrons, *second.patrons]] == ids
    assert second.after is None


def test_another_towns_card_does_not_exist(database: Database, now: datetime) -> None:
    with database.transaction() as db:
        theirs = factories.make_patron(db)
        scope = scope_of(db, factories.make_organisation(db).id)
        for ask in (get_patron, lambda *args: block_patron(*args, now)):
            with pytest.raises(NotFound):
                ask(db, scope, theirs.id)


def test_blocking_a_card_ends_its_grants_and_is_audited(any_database: Database, now: datetime) -> None:
    later = now + timedelta(hours=1)
    with any_database.transaction() as db:
        patron = factories.make_patron(db)
        factories.make_grant(db, patron=patron)
        block_patron(db, scope_of(db, patron.organisation_id), patron.id, later)
    with any_database.reading() as db:
        grant = db.scalars(select(Grant)).one()
        entry = db.scalars(select(AuditEntry)).one()

    assert (grant.ends_at, grant.ends_because) == (later, RefusalReason.CARD_BLOCKED)
    assert (entry.action, entry.subject, entry.facts) == ("patron.blocked", f"patron {patron.id}", {"grants_ended": 1})


def test_a_card_is_blocked_and_unblocked_once(database: Database, now: datetime) -> None:
    with database.transaction() as db:
        patron = factories.make_patron(db)
        scope = scope_of(db, patron.organisation_id)
        with pytest.raises(Conflict):
            unblock_patron(db, scope, patron.id, now)
        block_patron(db, scope, patron.id, now)
        with pytest.raises(Conflict):
            block_patron(db, scope, patron.id, now)
        unblock_patron(db, scope, patron.id, now)

        assert not patron.blocked
