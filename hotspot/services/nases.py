"""NASes as staff see and change them (on their pages: gateways), and the access points of each.

Their secrets are made here and sealed at once."""

import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_network
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload, selectinload

from hotspot.errors import Conflict, InvalidInput, NotFound
from hotspot.models import AccessPoint, MessageAuthenticatorMode, Nas, NasAddress, Site
from hotspot.sealing import Vault
from hotspot.services import audit
from hotspot.services.sites import get_site
from hotspot.services.staff import Scope
from hotspot.services.unknown_sources import forget_known
from hotspot.settings import Settings
from hotspot.values import normalise_called_station
from hotspot.vendors import VENDORS
from hotspot.vendors.vendor import SetupFacts, SetupStep

_SECRET_ALPHABET = string.ascii_letters + string.digits
"""No quote, space, backslash or sign: what every configuration file and terminal takes as it stands."""


@dataclass(frozen=True, slots=True)
class NasDraft:
    """What staff say of a NAS, each part already parsed."""

    name: str
    site_id: int
    nas_identifier: str
    networks: tuple[str, ...]
    """CIDR in canonical form."""
    login_hosts: tuple[str, ...]
    message_authenticator: MessageAuthenticatorMode = MessageAuthenticatorMode.REQUIRED
    is_proxy: bool = False
    swaps_octets: bool = False
    coa_port: int = 3799
    certificate_name: str | None = None
    """As `normalise_certificate_name` makes it. With one, there need be no network."""


@dataclass(frozen=True, slots=True)
class AccessPointDraft:
    """What staff say of an access point of a NAS."""

    name: str
    called_station_id: str
    """As typed: as the device sends it, with or without a network name, or as its label spells the MAC."""
    site_id: int


@dataclass(frozen=True, slots=True)
class NasSetup:
    """What has to be typed on the device, secrets included."""

    secret: str
    redirect_secret: str
    """Empty where the brand has none."""
    steps: list[SetupStep]


def make_secret() -> str:
    """32 characters, 190 bits."""
    return "".join(secrets.choice(_SECRET_ALPHABET) for _ in range(32))


def list_nases(db: Session, scope: Scope) -> Sequence[Nas]:
    return db.scalars(
        select(Nas)
        .where(Nas.organisation_id.in_(scope.organisation_ids))
        .options(joinedload(Nas.site), selectinload(Nas.addresses), selectinload(Nas.access_points))
        .order_by(func.lower(Nas.name), Nas.id)
    ).all()


def get_nas(db: Session, scope: Scope, nas_id: int) -> Nas:
    """NotFound for somebody else's, as for one that does not exist."""
    nas = db.get(Nas, nas_id)
    if nas is None or nas.organisation_id not in scope.organisation_ids:
        raise NotFound("nas")
    return nas


def create_nas(db: Session, by: Scope, vendor: str, draft: NasDraft, now: datetime, vault: Vault) -> Nas:
    if vendor not in VENDORS:
        raise NotFound("brand")
    site = get_site(db, by, draft.site_id)
    _refuse_conflicts(db, by, vendor, draft, nas_id=None)
    nas = Nas(
        organisation_id=site.organisation_id,
        vendor=vendor,
        secret_sealed=vault.seal(make_secret()),
        redirect_secret_sealed=vault.seal(make_secret()) if VENDORS[vendor].signs_redirects else None,
        created_at=now,
    )
    _apply(nas, draft)
    db.add(nas)
    _write(db)
    forget_known(db, draft.networks, draft.certificate_name)
    audit.note(db, by, "nas.created", nas.name, _facts(nas, site), now, organisation_id=nas.organisation_id)
    return nas


def change_nas(db: Session, by: Scope, nas_id: int, draft: NasDraft, now: datetime) -> Nas:
    nas = get_nas(db, by, nas_id)
    site = get_site(db, by, draft.site_id)
    _refuse_conflicts(db, by, nas.vendor, draft, nas_id=nas.id)
    before = _facts(nas, nas.site)
    _apply(nas, draft)
    _revise(nas)
    nas.organisation_id = site.organisation_id
    _write(db)
    forget_known(db, draft.networks, draft.certificate_name)
    changes = {name: [before[name], value] for name, value in _facts(nas, site).items() if before[name] != value}
    audit.note(db, by, "nas.changed", nas.name, changes, now, organisation_id=nas.organisation_id)
    return nas


def add_address(db: Session, by: Scope, nas_id: int, network: str, now: datetime) -> Nas:
    """One more that its packets come from: CIDR in canonical form."""
    nas = get_nas(db, by, nas_id)
    before = sorted(each.network for each in nas.addresses)
    if network not in before:
        _refuse_overlaps(db, by, [network], nas_id)
        nas.addresses.append(NasAddress(network=network))
        _revise(nas)
        _write(db)
        changes = {"addresses": [before, sorted([*before, network])]}
        audit.note(db, by, "nas.changed", nas.name, changes, now, organisation_id=nas.organisation_id)
    forget_known(db, [network])
    return nas


def add_access_point(db: Session, by: Scope, nas_id: int, draft: AccessPointDraft, now: datetime) -> AccessPoint:
    """Portal and RADIUS go by it within seconds; a connection that is online stays where it was counted."""
    nas = get_nas(db, by, nas_id)
    site = get_site(db, by, draft.site_id)
    called_station_id = normalise_called_station(draft.called_station_id)
    if not called_station_id:
        raise InvalidInput("This cannot be empty.", field="called_station_id")
    _refuse_twin(nas, called_station_id)
    added = AccessPoint(site=site, name=draft.name, called_station_id=called_station_id)
    nas.access_points.append(added)
    _revise(nas)
    _write(db, "Somebody has just added this Called-Station-Id.", field="called_station_id")
    facts = {"access_point": added.name, "called_station_id": draft.called_station_id, "site": site.name}
    audit.note(db, by, "nas.access_point_added", nas.name, facts, now, organisation_id=nas.organisation_id)
    return added


def remove_access_point(db: Session, by: Scope, nas_id: int, access_point_id: int, now: datetime) -> AccessPoint:
    """From now on what names it is taken to be at the NAS's own site."""
    nas = get_nas(db, by, nas_id)
    removed = next((each for each in nas.access_points if each.id == access_point_id), None)
    if removed is None:
        raise NotFound("access point")
    facts = {
        "access_point": removed.name,
        "called_station_id": removed.called_station_id,
        "site": removed.site.name if removed.site.organisation_id in by.organisation_ids else "—",
    }
    nas.access_points.remove(removed)
    _revise(nas)
    db.flush()
    audit.note(db, by, "nas.access_point_removed", nas.name, facts, now, organisation_id=nas.organisation_id)
    return removed


def rotate_secret(db: Session, by: Scope, nas_id: int, now: datetime, vault: Vault) -> Nas:
    """The old secrets are worth nothing from now on: the device is cut off until the new ones are typed there."""
    nas = get_nas(db, by, nas_id)
    nas.secret_sealed = vault.seal(make_secret())
    if VENDORS[nas.vendor].signs_redirects:
        nas.redirect_secret_sealed = vault.seal(make_secret())
    _revise(nas)
    audit.note(db, by, "nas.secret_rotated", nas.name, {}, now, organisation_id=nas.organisation_id)
    return nas


def note_secret_shown(db: Session, by: Scope, nas_id: int, now: datetime) -> Nas:
    nas = get_nas(db, by, nas_id)
    audit.note(db, by, "nas.secret_shown", nas.name, {}, now, organisation_id=nas.organisation_id)
    return nas


def setup_of(nas: Nas, settings: Settings, vault: Vault, *, with_secrets: bool) -> NasSetup:
    """Without its secrets the steps show dots in their place."""
    sealed = nas.redirect_secret_sealed
    secret = vault.open(nas.secret_sealed) if with_secrets else "••••••••"
    redirect_secret = "" if sealed is None else vault.open(sealed) if with_secrets else "••••••••"
    facts = SetupFacts(
        nas_identifier=nas.nas_identifier,
        secret=secret,
        redirect_secret=redirect_secret,
        radius_host=address_to_type(settings),
        auth_port=settings.radius_auth_port,
        acct_port=settings.radius_acct_port,
        coa_port=nas.coa_port,
        portal_url=settings.public_portal,
        interim_seconds=int(settings.interim_interval.total_seconds()),
        radsec_port=settings.radsec_port if settings.has_radsec and nas.certificate_name else None,
        certificate_name=nas.certificate_name or "",
    )
    return NasSetup(secret, redirect_secret, VENDORS[nas.vendor].setup_steps(facts))


def address_to_type(settings: Settings) -> str:
    """A server that listens on every address of its machine is reached where the portal is."""
    everywhere = settings.radius_host in ("0.0.0.0", "::", "")  # noqa: S104 - compared, not bound
    return (settings.portal_url.host if everywhere else None) or settings.radius_host


def _apply(nas: Nas, draft: NasDraft) -> None:
    nas.name, nas.site_id, nas.nas_identifier = draft.name, draft.site_id, draft.nas_identifier
    nas.login_hosts = " ".join(draft.login_hosts)
    nas.message_authenticator = draft.message_authenticator
    nas.is_proxy, nas.swaps_octets, nas.coa_port = draft.is_proxy, draft.swaps_octets, draft.coa_port
    nas.certificate_name = draft.certificate_name
    kept = {each.network: each for each in nas.addresses}
    nas.addresses = [kept.get(network) or NasAddress(network=network) for network in draft.networks]


def _revise(nas: Nas) -> None:
    """RADIUS sees it within two seconds. Counted by the database: two may change a NAS at once."""
    nas.revision = Nas.revision + 1


def _write(
    db: Session, problem: str = "Somebody has just taken this address or identifier.", field: str = "networks"
) -> None:
    """Somebody else may have taken what is unique since we looked."""
    try:
        db.flush()
    except IntegrityError as error:
        raise Conflict(problem, field=field) from error


def _facts(nas: Nas, site: Site) -> dict[str, Any]:
    """For the audit log: everything that staff can set, and no secret."""
    return {
        "name": nas.name,
        "site": site.name,
        "brand": nas.vendor,
        "nas_identifier": nas.nas_identifier,
        "addresses": sorted(each.network for each in nas.addresses),
        "login_hosts": nas.login_hosts,
        "message_authenticator": nas.message_authenticator.value,
        "is_proxy": _yes_or_no(nas.is_proxy),
        "swaps_octets": _yes_or_no(nas.swaps_octets),
        "coa_port": nas.coa_port,
        "certificate_name": nas.certificate_name or "—",
    }


def _yes_or_no(value: bool) -> str:
    """The audit log is read by people, in their language: a message id."""
    return "yes" if value else "no"


def _refuse_conflicts(db: Session, by: Scope, vendor: str, draft: NasDraft, nas_id: int | None) -> None:
    twin = db.scalar(select(Nas).where(Nas.vendor == vendor, Nas.nas_identifier == draft.nas_identifier))
    if twin is not None and twin.id != nas_id:
        raise Conflict(
            "This NAS identifier is already used by the gateway %(other)s.",
            field="nas_identifier",
            other=_name_for(by, twin),
        )
    if draft.certificate_name is not None:
        twin = db.scalar(select(Nas).where(Nas.certificate_name == draft.certificate_name))
        if twin is not None and twin.id != nas_id:
            raise Conflict(
                "This certificate already belongs to the gateway %(other)s.",
                field="certificate_name",
                other=_name_for(by, twin),
            )
    _refuse_overlaps(db, by, draft.networks, nas_id)


def _refuse_overlaps(db: Session, by: Scope, networks: Sequence[str], nas_id: int | None) -> None:
    """An address belongs to one NAS. Within one's own, the longest match may single one out of another's network;
    over another organisation's network nobody may lay theirs."""
    wanted = [ip_network(network) for network in networks]
    for address in db.scalars(select(NasAddress).options(joinedload(NasAddress.nas))):
        theirs = ip_network(address.network)
        is_ours = address.nas.organisation_id in by.organisation_ids
        for ours in wanted:
            overlaps = ours.version == theirs.version and ours.overlaps(theirs)
            if address.nas_id != nas_id and overlaps and (ours == theirs or not is_ours):
                raise Conflict(
                    "The address %(network)s already belongs to the gateway %(other)s.",
                    field="networks",
                    network=str(ours),
                    other=_name_for(by, address.nas),
                )


def _refuse_twin(nas: Nas, called_station_id: str) -> None:
    """Two gateways may well hear the same access point; one gateway knows it once."""
    twin = next((each for each in nas.access_points if each.called_station_id == called_station_id), None)
    if twin is not None:
        raise Conflict(
            "This gateway already has an access point with this Called-Station-Id: %(other)s.",
            field="called_station_id",
            other=twin.name or twin.called_station_id,
        )


def _name_for(by: Scope, nas: Nas) -> str:
    return nas.name if nas.organisation_id in by.organisation_ids else "—"
