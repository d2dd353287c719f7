"""Unknown sources: how they are noted, how many are kept, what is guessed of them, and who sees them."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.db import Database
from hotspot.errors import Forbidden, NotFound
from hotspot.models import AuditEntry, MessageAuthenticatorMode, Organisation, SourceKind, UnknownSource
from hotspot.sealing import Vault
from hotspot.services.nases import NasDraft, add_address, create_nas
from hotspot.services.staff import Scope, find_scope
from hotspot.services.unknown_sources import (
    MOST_KEPT,
    Knock,
    Suggestion,
    count_unknown,
    get_unknown,
    ignore_unknown,
    list_unknown,
    note_unknown,
    suggest,
)
from hotspot.values import normalise_called_station
from tests import factories

NOW = factories.NOW
MINUTE = timedelta(minutes=1)


def a_knock(at: datetime = NOW, **overrides: Any) -> Knock:
    fields: dict[str, Any] = {
        "first_at": at,
        "last_at": at,
        "address": "192.0.2.9",
        "door": "authentication",
        "packets": 3,
        "code": 1,
        "nas_identifier": "library-7",
        "called_station_id": "02-AA-00-00-00-01:Town",
        "vendor": "mikrotik",
    }
    return Knock(**fields | overrides)


def note(database: Database, kind: SourceKind = SourceKind.ADDRESS, **knocks: Knock) -> None:
    """Keywords are no addresses: `note(database, **{"192.0.2.9": a_knock()})`."""
    with database.transaction() as db:
        note_unknown(db, kind, knocks)


def sources(database: Database) -> list[UnknownSource]:
    with database.reading() as db:
        return list(db.scalars(select(UnknownSource).order_by(UnknownSource.source)))


def the_source(db: Session) -> UnknownSource:
    return db.scalars(select(UnknownSource)).one()


def an_administrator(db: Session, organisation: Organisation | None = None) -> Scope:
    member = factories.make_staff(db, organisation=organisation or factories.make_organisation(db))
    found = find_scope(db, member.id, member.session_key)
    assert found is not None
    return found


# ---- noted ----


def test_what_knocks_again_is_one_source(any_database: Database) -> None:
    note(any_database, **{"192.0.2.9": a_knock()})
    later = a_knock(NOW + MINUTE, packets=4, code=None, nas_identifier="", called_station_id="", vendor="")
    note(any_database, **{"192.0.2.9": later})

    (source,) = sources(any_database)
    assert (source.first_at, source.last_at, source.packets) == (NOW, NOW + MINUTE, 7)
    assert (source.code, source.nas_identifier, source.vendor) == (1, "library-7", "mikrotik")


def test_an_address_and_a_certificate_of_the_same_name_are_two(any_database: Database) -> None:
    note(any_database, **{"192.0.2.9": a_knock()})
    note(any_database, SourceKind.CERTIFICATE, **{"192.0.2.9": a_knock()})

    assert {each.kind for each in sources(any_database)} == {SourceKind.ADDRESS, SourceKind.CERTIFICATE}


def test_what_it_claims_is_shortened_and_made_visible(any_database: Database) -> None:
    claims = {"nas_identifier": "a\r\nb\u202e\x00" + "x" * 300, "called_station_id": "<b>" + "y" * 300}
    note(any_database, **{"192.0.2.9": a_knock(**claims)})

    (source,) = sources(any_database)
    assert source.nas_identifier.startswith("a��b��xxx")
    assert (len(source.nas_identifier), len(source.called_station_id)) == (100, 100)


def test_certificates_that_look_the_same_once_they_are_shortened_are_one(any_database: Database) -> None:
    note(any_database, SourceKind.CERTIFICATE, **{"n" * 253 + end: a_knock() for end in ("", "a", "b")})

    assert [each.source for each in sources(any_database)] == ["n" * 253]


def test_of_too_many_those_that_knocked_once_go_first(any_database: Database) -> None:
    note(any_database, **{"192.0.2.9": a_knock(packets=2)})
    invented = {
        f"198.51.{number // 256}.{number % 256}": a_knock(NOW + number * MINUTE, packets=1)
        for number in range(MOST_KEPT + 50)
    }
    note(any_database, **invented)

    kept = {each.source for each in sources(any_database)}
    assert len(kept) == MOST_KEPT
    assert "192.0.2.9" in kept
    assert "198.51.0.0" not in kept


# ---- seen ----


def test_they_are_seen_from_the_top_of_the_tree_only(any_database: Database) -> None:
    note(any_database, **{"192.0.2.9": a_knock()})
    with any_database.transaction() as db:
        commune = factories.make_organisation(db)
        above = an_administrator(db, commune)
        below = an_administrator(db, factories.make_organisation(db, parent=commune))

    with any_database.transaction() as db:
        source_id = the_source(db).id
        assert (count_unknown(db, above), len(list_unknown(db, above))) == (1, 1)
        assert count_unknown(db, below) == 0
        with pytest.raises(Forbidden):
            list_unknown(db, below)
        with pytest.raises(Forbidden):
            get_unknown(db, below, source_id)
        with pytest.raises(Forbidden):
            ignore_unknown(db, below, source_id, NOW)
        with pytest.raises(NotFound):
            get_unknown(db, above, source_id + 1)


def test_one_that_is_ignored_stays_ignored_and_last(any_database: Database) -> None:
    note(any_database, **{"192.0.2.8": a_knock(), "192.0.2.9": a_knock(NOW + MINUTE)})
    with any_database.transaction() as db:
        by = an_administrator(db)
        ignore_unknown(db, by, list_unknown(db, by)[0].id, NOW)
    note(any_database, **{"192.0.2.9": a_knock(NOW + 2 * MINUTE)})

    with any_database.reading() as db:
        assert [each.source for each in list_unknown(db, by)] == ["192.0.2.8", "192.0.2.9"]
        assert count_unknown(db, by) == 1
        assert db.scalars(select(AuditEntry.action)).all() == ["unknown_source.ignored"]


# ---- guessed ----


def guess(db: Session, by: Scope) -> Suggestion:
    return suggest(db, by, the_source(db))


def test_all_that_it_claims_is_guessed(any_database: Database) -> None:
    note(any_database, **{"192.0.2.9": a_knock()})
    with any_database.transaction() as db:
        site = factories.make_site(db)
        by = an_administrator(db, site.organisation)

        assert guess(db, by) == Suggestion(
            vendor="mikrotik",
            name="library-7",
            nas_identifier="library-7",
            networks="192.0.2.9",
            login_hosts="10.5.50.1",
            certificate_name="",
            site_id=None,
        )


def test_of_a_certificate_its_name_is_all_that_is_known(any_database: Database) -> None:
    bare = a_knock(code=None, nas_identifier="", called_station_id="", vendor="")
    note(any_database, SourceKind.CERTIFICATE, **{"library-7.commune.example": bare})
    with any_database.transaction() as db:
        found = guess(db, an_administrator(db))

    name = "library-7.commune.example"
    assert (found.name, found.nas_identifier, found.networks, found.certificate_name) == (name, name, "", name)


@pytest.mark.parametrize("claimed", ["library-7", "a b", "a;reboot", "é", "x" * 65, ""])
def test_an_identifier_that_is_taken_or_cannot_be_typed_is_not_suggested(any_database: Database, claimed: str) -> None:
    note(any_database, **{"192.0.2.9": a_knock(nas_identifier=claimed)})
    with any_database.transaction() as db:
        factories.make_nas(db, vendor="mikrotik", nas_identifier="library-7")
        found = guess(db, an_administrator(db))

    assert found.nas_identifier == ""
    assert found.name == (claimed or "192.0.2.9")


def test_it_stands_where_an_access_point_of_that_name_does_or_where_its_neighbours_do(any_database: Database) -> None:
    note(any_database, **{"192.0.2.9": a_knock()})
    with any_database.transaction() as db:
        nas = factories.make_nas(db, networks=("192.0.2.7/32", "192.0.2.8/32"))
        other = factories.make_site(db, organisation=nas.organisation)
        factories.make_nas(db, site=other, networks=("192.0.2.77/32", "2001:db8::/48"))
        by = an_administrator(db, nas.organisation)
        assert guess(db, by).site_id == nas.site_id

        called = normalise_called_station("02-AA-00-00-00-01:Town")
        factories.make_access_point(db, nas=nas, site=other, called_station_id=called)
        assert guess(db, by).site_id == other.id


def test_a_site_of_somebody_else_is_never_guessed(any_database: Database) -> None:
    note(any_database, **{"192.0.2.9": a_knock()})
    with any_database.transaction() as db:
        theirs = factories.make_nas(db, networks=("192.0.2.7/32",))
        called = normalise_called_station("02-AA-00-00-00-01:Town")
        factories.make_access_point(db, nas=theirs, called_station_id=called)

        assert guess(db, an_administrator(db)).site_id is None


# ---- taken in ----


def test_a_new_gateway_takes_its_addresses_and_its_certificate_off_the_list(any_database: Database) -> None:
    note(any_database, **{each: a_knock() for each in ("192.0.2.9", "192.0.2.200", "203.0.113.1", "2001:db8::1")})
    names = ("library-7", "library-8")
    note(any_database, SourceKind.CERTIFICATE, **{each: a_knock() for each in names})
    with any_database.transaction() as db:
        site = factories.make_site(db)
        draft = NasDraft(
            name="Reading room",
            site_id=site.id,
            nas_identifier="library-7",
            networks=("192.0.2.0/24",),
            login_hosts=("10.1.0.1:3990",),
            message_authenticator=MessageAuthenticatorMode.REQUIRED,
            certificate_name="library-7",
        )
        create_nas(db, an_administrator(db, site.organisation), "coovachilli", draft, NOW, Vault(factories.SECRET_KEY))

    assert [each.source for each in sources(any_database)] == ["2001:db8::1", "203.0.113.1", "library-8"]


def test_an_address_added_to_a_gateway_is_off_the_list(any_database: Database) -> None:
    note(any_database, **{"192.0.2.9": a_knock()})
    with any_database.transaction() as db:
        nas = factories.make_nas(db, networks=("192.0.2.7/32",))
        add_address(db, an_administrator(db, nas.organisation), nas.id, "192.0.2.9/32", NOW)

    assert sources(any_database) == []
