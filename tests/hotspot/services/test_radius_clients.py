"""Every NAS in one snapshot: found by the longest network that holds its address."""

import pytest

from hotspot.db import Database
from hotspot.models import MessageAuthenticatorMode
from hotspot.sealing import Vault
from hotspot.services.nas_learning import Heard, note_heard, note_message_authenticator
from hotspot.services.radius_clients import RadiusClient, RadiusClientReader, RadiusClients
from hotspot.vendors import VENDORS
from tests import factories

NOW = factories.NOW


def client(nas_id: int) -> RadiusClient:
    return RadiusClient(
        nas_id=nas_id,
        vendor=VENDORS["coovachilli"],
        secret=b"secret",
        message_authenticator=MessageAuthenticatorMode.REQUIRED,
        message_authenticator_seen=False,
        is_proxy=False,
        swaps_octets=False,
        site_id=1,
        sites={},
    )


NETWORKS = {
    "0.0.0.0/0": 1,
    "192.0.2.0/24": 2,
    "192.0.2.128/25": 3,
    "192.0.2.200/32": 4,
    "2001:db8::/32": 5,
    "2001:db8:1::/48": 6,
    "2001:db8:1::7/128": 7,
    "fe80::1/128": 8,
}


@pytest.mark.parametrize(
    ("source", "nas_id"),
    [
        ("198.51.100.1", 1),
        ("192.0.2.1", 2),
        ("192.0.2.129", 3),
        ("192.0.2.200", 4),
        ("::ffff:192.0.2.200", 4),
        ("2001:db8:2::1", 5),
        ("2001:db8:1::1", 6),
        ("2001:db8:1::7", 7),
        ("fe80::1%eth0", 8),
        ("2001:db9::1", None),
    ],
)
def test_the_longest_network_wins(source: str, nas_id: int | None) -> None:
    clients = RadiusClients([(network, client(number)) for network, number in NETWORKS.items()])

    for _ in range(2):  # the second time from memory
        found = clients.find(source)
        assert (found.nas_id if found else None) == nas_id


def test_many_strangers_do_not_fill_the_memory() -> None:
    clients = RadiusClients()
    for number in range(25_000):
        clients.find(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")

    assert len(clients._remembered) <= 20_000


def read(database: Database, vault: Vault) -> RadiusClients:
    with database.reading() as db:
        return RadiusClientReader(vault).read(db)


def test_a_snapshot_holds_all_that_a_packet_needs(any_database: Database, vault: Vault) -> None:
    with any_database.transaction() as db:
        nas = factories.make_nas(
            db,
            networks=("192.0.2.1/32", "2001:db8::/48"),
            secret="s3cret",
            vendor="mikrotik",
            is_proxy=True,
            swaps_octets=True,
            message_authenticator=MessageAuthenticatorMode.AUTO,
        )
        square = factories.make_site(db, organisation=nas.organisation)
        factories.make_access_point(db, nas=nas, site=square, called_station_id="02aa00000001")
        site_id, square_id = nas.site_id, square.id

    found = read(any_database, vault).find("192.0.2.1")

    assert found is not None
    assert found is not read(any_database, vault).find("2001:db8::1")
    assert (found.secret, found.vendor.key) == (b"s3cret", "mikrotik")
    assert (found.is_proxy, found.swaps_octets, found.message_authenticator_seen) == (True, True, False)
    assert found.message_authenticator is MessageAuthenticatorMode.AUTO
    assert found.site_of("02-AA-00-00-00-01:Town Wi-Fi") == square_id
    assert found.site_of("02-AA-00-00-00-02") == site_id
    assert "s3cret" not in repr(found)


def test_a_nas_whose_secret_cannot_be_opened_keeps_no_other_from_working(any_database: Database, vault: Vault) -> None:
    with any_database.transaction() as db:
        factories.make_nas(db, networks=("192.0.2.1/32",), secret_sealed=b"not sealed by us")
        factories.make_nas(db, networks=("192.0.2.2/32",), vendor="a brand of tomorrow")
        factories.make_nas(db, networks=("192.0.2.3/32",))

    clients = read(any_database, vault)

    assert [clients.find(f"192.0.2.{number}") is not None for number in (1, 2, 3)] == [False, False, True]


def test_the_snapshot_is_read_again_only_when_something_has_changed(any_database: Database, vault: Vault) -> None:
    reader = RadiusClientReader(vault)

    def read() -> RadiusClients:
        with any_database.reading() as db:
            return reader.read(db)

    with any_database.transaction() as db:
        nas_id = factories.make_nas(db, networks=("192.0.2.1/32",)).id
    first = read()
    with any_database.transaction() as db:
        note_heard(db, {nas_id: Heard(first_at=NOW, last_at=NOW, requests=1)}, NOW)
    assert read() is first

    with any_database.transaction() as db:
        note_message_authenticator(db, [nas_id])
    second = read()
    assert second is not first
    with any_database.transaction() as db:
        other = factories.make_nas(db, networks=("192.0.2.2/32",))
        db.flush()
        db.delete(other)
        factories.make_nas(db, networks=("192.0.2.3/32",))
    assert read().find("192.0.2.3") is not None


def test_a_nas_is_found_by_its_certificate_with_the_secret_of_radsec(any_database: Database, vault: Vault) -> None:
    with any_database.transaction() as db:
        with_both = factories.make_nas(db, networks=("192.0.2.1/32",), certificate_name="nas-1.example").id
        factories.make_nas(db, networks=("192.0.2.2/32",))

    clients = read(any_database, vault)
    by_address, by_certificate = clients.find("192.0.2.1"), clients.find_by_certificate("nas-1.example")

    assert by_address is not None
    assert by_certificate is not None
    assert by_address.nas_id == by_certificate.nas_id == with_both
    assert (by_address.secret, by_certificate.secret) == (factories.RADIUS_SECRET.encode(), b"radsec")
    assert by_certificate.message_authenticator is MessageAuthenticatorMode.OPTIONAL
    assert clients.find_by_certificate("nas-2.example") is None
