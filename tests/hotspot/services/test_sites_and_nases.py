"""What staff see and change, on both databases: sites, access points, who is online, the audit log."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta

import pytest
from sqlalchemy.orm import Session

from hotspot.db import Database
from hotspot.errors import Conflict, InvalidInput, NotFound
from hotspot.models import Nas, Site
from hotspot.policy.opening_hours import Interval
from hotspot.sealing import Vault
from hotspot.services import nases
from hotspot.services.audit import audited_actions, read_audit
from hotspot.services.nases import AccessPointDraft, NasDraft
from hotspot.services.sites import SiteDraft, UnlikeDay, change_site, create_site, get_site, is_time_zone, local_zone
from hotspot.services.staff import Scope, find_scope
from hotspot.services.wifi_sessions import MOST_SHOWN, who_is_online
from hotspot.settings import Settings
from hotspot.values import SiteKind
from tests.factories import make_nas, make_organisation, make_site, make_staff, make_wifi_session


def administrator_of(db: Session, site: Site) -> Scope:
    member = make_staff(db, organisation=site.organisation)
    scope = find_scope(db, member.id, member.session_key)
    assert scope is not None
    return scope


def draft(site: Site, **overrides: object) -> SiteDraft:
    fields = {"organisation_id": site.organisation_id, "name": "Library", "kind": SiteKind.LIBRARY}
    return SiteDraft(**fields | overrides)  # type: ignore[arg-type]


def nas_draft(site: Site, **overrides: object) -> NasDraft:
    fields = {
        "name": "Reading room",
        "site_id": site.id,
        "nas_identifier": "library-1",
        "networks": ("192.0.2.7/32",),
        "login_hosts": ("10.1.0.1:3990",),
    }
    return NasDraft(**fields | overrides)  # type: ignore[arg-type]


@pytest.mark.integration
def test_a_site_is_made_and_changed_with_its_hours(any_database: Database, now: datetime) -> None:
    day, night = Interval(time(9), time(12)), Interval(time(20), time(2))
    with any_database.transaction() as db:
        by = administrator_of(db, home := make_site(db))
        site = create_site(db, by, draft(home, week={0: [day], 5: [day, night]}), now)
        by = administrator_of(db, home)
        change_site(db, by, site.id, draft(home, week={5: [night]}, exceptions=[UnlikeDay(date(2026, 12, 25))]), now)
        site_id = site.id

    with any_database.reading() as db:
        hours = db.get_one(Site, site_id).hours
        assert (hours.week, hours.exceptions) == ({5: [night]}, {date(2026, 12, 25): []})
        assert audited_actions(db, by) == ["site.changed", "site.created"]
        assert read_audit(db, by, action="site.changed").entries[0].facts == {"opening_hours": "changed"}


def test_an_unknown_time_zone_is_refused_by_the_service_too(database: Database, now: datetime) -> None:
    with database.transaction() as db:
        site = make_site(db)
        with pytest.raises(InvalidInput):
            create_site(db, administrator_of(db, site), draft(site, time_zone="Europe/Atlantis"), now)


@pytest.mark.parametrize(
    ("name", "known"),
    [("Europe/Paris", True), ("UTC", True), ("", False), ("Europe", False), ("/etc/passwd", False), ("é", False)],
)
def test_a_time_zone_has_a_name_of_the_iana_database(name: str, known: bool) -> None:
    assert is_time_zone(name) == known


def test_the_zone_of_the_figures_is_that_of_most_sites(database: Database) -> None:
    with database.transaction() as db:
        town = make_organisation(db)
        for zone in ("Europe/Paris", "America/Martinique", "America/Martinique"):
            site = make_site(db, organisation=town, time_zone=zone)

        assert local_zone(db, administrator_of(db, site)).key == "America/Martinique"


def test_another_organisations_site_is_not_found(database: Database) -> None:
    with database.transaction() as db:
        by = administrator_of(db, make_site(db))
        with pytest.raises(NotFound):
            get_site(db, by, make_site(db).id)


@pytest.mark.integration
def test_an_access_point_is_made_with_secrets_that_only_the_vault_reads(
    any_database: Database, now: datetime, vault: Vault, settings: Settings
) -> None:
    with any_database.transaction() as db:
        site = make_site(db)
        nas = nases.create_nas(db, administrator_of(db, site), "coovachilli", nas_draft(site), now, vault)
        shown = nases.setup_of(nas, settings, vault, with_secrets=True)
        hidden = nases.setup_of(nas, settings, vault, with_secrets=False)

    assert (shown.secret, shown.redirect_secret) == (
        vault.open(nas.secret_sealed),
        vault.open(nas.redirect_secret_sealed or b""),
    )
    assert shown.secret not in repr(hidden)
    assert shown.secret not in repr(nas.secret_sealed)


@pytest.mark.integration
def test_two_who_take_the_same_address_at_once_get_one_conflict(
    any_database: Database, now: datetime, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    with any_database.transaction() as db:
        site = make_site(db)
        by = administrator_of(db, site)
        make_nas(db, site=site, networks=("192.0.2.7/32",))
    monkeypatch.setattr(nases, "_refuse_conflicts", lambda *_, **__: None)  # as if the other came a moment later

    def take() -> None:
        with any_database.transaction() as db:
            nases.create_nas(db, by, "coovachilli", nas_draft(site), now, vault)

    with pytest.raises(Conflict):
        take()


@pytest.mark.integration
def test_two_who_add_the_same_access_point_at_once_get_one_conflict(
    any_database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nases, "_refuse_twin", lambda *_: None)  # as if the other came a moment later
    with any_database.transaction() as db:
        nas = make_nas(db)
        by = administrator_of(db, nas.site)
        draft = AccessPointDraft("Kiosk", "02-AA-00-00-00-09", nas.site_id)
        nas_id = nas.id

    def add() -> None:
        with any_database.transaction() as db:
            nases.add_access_point(db, by, nas_id, draft, now)

    add()
    with pytest.raises(Conflict):
        add()


@pytest.mark.integration
def test_an_access_point_that_is_removed_may_be_added_again(any_database: Database, now: datetime) -> None:
    with any_database.transaction() as db:
        nas = make_nas(db)
        by = administrator_of(db, nas.site)
        draft = AccessPointDraft("Kiosk", "02-AA-00-00-00-09:Town", nas.site_id)
        for _ in range(2):
            added = nases.add_access_point(db, by, nas.id, draft, now)
            nases.remove_access_point(db, by, nas.id, added.id, now)

        assert nas.access_points == []
        assert audited_actions(db, by) == ["nas.access_point_added", "nas.access_point_removed"]


def test_every_change_of_a_nas_by_staff_is_a_new_revision(any_database: Database, vault: Vault, now: datetime) -> None:
    """RADIUS goes by it."""
    with any_database.transaction() as db:
        site = make_site(db)
        by = administrator_of(db, site)
        nas_id = nases.create_nas(db, by, "coovachilli", nas_draft(site), now, vault).id
    access_point = AccessPointDraft("a", "02-00-00-00-00-FE", site.id)
    changes: list[Callable[[Session], object]] = [
        lambda db: nases.change_nas(db, by, nas_id, nas_draft(site, networks=("192.0.2.77/32",)), now),
        lambda db: nases.add_access_point(db, by, nas_id, access_point, now),
        lambda db: nases.remove_access_point(db, by, nas_id, nases.get_nas(db, by, nas_id).access_points[0].id, now),
        lambda db: nases.rotate_secret(db, by, nas_id, now, vault),
    ]
    for number, change in enumerate(changes):
        with any_database.transaction() as db:
            change(db)
        with any_database.reading() as db:
            assert db.get_one(Nas, nas_id).revision == number + 2


def test_nothing_names_no_access_point(database: Database, now: datetime) -> None:
    """Some devices send no Called-Station-Id: they must not be taken for one."""
    with database.transaction() as db:
        nas = make_nas(db)
        with pytest.raises(InvalidInput):
            nases.add_access_point(
                db, administrator_of(db, nas.site), nas.id, AccessPointDraft("Kiosk", " ", nas.site_id), now
            )


def test_a_server_that_listens_everywhere_is_reached_where_the_portal_is(
    database: Database, now: datetime, vault: Vault, settings: Settings
) -> None:
    everywhere = Settings(
        **{**settings.model_dump(), "radius_host": "0.0.0.0", "portal_url": "https://wifi.parvis.test"}
    )
    with database.transaction() as db:
        setup = nases.setup_of(make_nas(db), everywhere, vault, with_secrets=False)

    assert 'HS_RADIUS="wifi.parvis.test"' in setup.steps[0].text


@pytest.mark.integration
def test_totals_count_everybody_online_and_the_list_is_kept_short(any_database: Database, now: datetime) -> None:
    with any_database.transaction() as db:
        nas = make_nas(db)
        by = administrator_of(db, nas.site)
        for number in range(MOST_SHOWN + 2):
            started_at = now - timedelta(seconds=number)
            make_wifi_session(db, nas=nas, started_at=started_at, upload_octets=1, download_octets=2)
        make_wifi_session(db, nas=nas, ended_at=now, download_octets=100)
        make_wifi_session(db, download_octets=100)

        online = who_is_online(db, by, now)

    assert (online.total, online.upload_octets, online.download_octets) == (302, 302, 604)
    assert len(online.sessions) == MOST_SHOWN
    assert online.sessions[0].started_at == now
    assert online.sessions[-1].time_online == timedelta(seconds=MOST_SHOWN - 1)
