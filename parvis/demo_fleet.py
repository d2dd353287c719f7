"""What `parvis simulate phones` needs of the demonstration: sites, and gateways at addresses of the loopback network.

Only where it is asked for (`parvis demo --fleet`): gateways that nobody plays are silent ones on the staff pages.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.models import (
    AccessPoint,
    Announcement,
    AnnouncementText,
    Campaign,
    MessageAuthenticatorMode,
    Nas,
    NasAddress,
    Offer,
    OpeningInterval,
    Organisation,
    Site,
    Voucher,
)
from hotspot.policy.opening_hours import closing_time
from hotspot.policy.voucher_codes import print_code
from hotspot.sealing import Vault
from hotspot.services import vouchers
from hotspot.services.nases import make_secret
from hotspot.settings import Settings
from hotspot.values import CampaignKind, SiteKind, Way, normalise_called_station, print_mac
from parvis.demo_town import SSID

GATEWAYS = 8
VOUCHERS = 200
OPEN_FOR = timedelta(minutes=80)
"""How long after the start one of the sites closes."""

MARKET, GARDEN, LIBRARY, HALL = "Place du Marché", "Jardin des Remparts", "Médiathèque du Faubourg", "Halle couverte"
_LOGIN_PORT = 3990
_OCTETS = 80_000_000
_SHARES = {MARKET: 3.0, GARDEN: 2.0, LIBRARY: 1.5, HALL: 1.0}


def load_fleet(
    db: Session, commune: Organisation, now: datetime, *, vault: Vault, settings: Settings, coa_port: int
) -> dict[str, Any]:
    """The fleet file. What is not there yet is made; the hall closes `OPEN_FOR` after each start."""
    sites = {site.name: site for site in db.scalars(select(Site).where(Site.name.in_(_SHARES)))}
    if not sites:
        sites = _make(db, commune, now, vault)
    hours = sites[HALL].opening_intervals
    local = now.astimezone(sites[HALL].hours.zone)
    for each in hours:
        each.opens_at, each.closes_at = (
            moment.time().replace(second=0, microsecond=0) for moment in (local - OPEN_FOR, local + OPEN_FOR)
        )
    db.flush()
    gateways = db.scalars(select(Nas).where(Nas.nas_identifier.like("fleet-%")).order_by(Nas.id)).all()
    for nas in gateways:
        nas.coa_port = coa_port
    return {
        "portal_url": settings.public_portal,
        "radius": {
            "host": settings.radius_host,
            "auth_port": settings.radius_auth_port,
            "acct_port": settings.radius_acct_port,
        },
        "time_speed": settings.time_speed,
        "time_epoch": settings.time_epoch.timestamp() if settings.time_epoch else 0.0,
        "interim_interval": int(settings.interim_interval.total_seconds()),
        "sites": {name: _promised(db, site, now, vault) for name, site in sites.items()},
        "gateways": [_gateway(nas, vault) for nas in gateways],
    }


def _promised(db: Session, site: Site, now: datetime, vault: Vault) -> dict[str, Any]:
    closes_at = closing_time(site.hours, now)
    assert closes_at is not None  # noqa: S101 - it was given its hours a moment ago
    return {
        "share": _SHARES[site.name],
        "closes_at": closes_at.timestamp() if not site.hours.never_closes else 0,
        "promises": [
            {
                "way": offer.way.value,
                "visit_seconds": int(offer.visit_time.total_seconds()) if offer.visit_time else 0,
                "announcement_every": int(offer.announcement_every.total_seconds()) if offer.announcement_every else 0,
                "octets": offer.octets_allowed or 0,
            }
            for offer in _offers_at(db, site)
        ],
        "vouchers": _fresh_vouchers(db, site, now, vault) if site.name == LIBRARY else [],
    }


def _offers_at(db: Session, site: Site) -> list[Offer]:
    return list(db.scalars(select(Offer).where(Offer.sites.any(Site.id == site.id)).order_by(Offer.position)))


def _gateway(nas: Nas, vault: Vault) -> dict[str, Any]:
    return {
        "brand": nas.vendor,
        "nas_identifier": nas.nas_identifier,
        "secret": vault.open(nas.secret_sealed),
        "uamsecret": vault.open(nas.redirect_secret_sealed or b""),
        "source_address": nas.addresses[0].network.removesuffix("/32"),
        "coa_port": nas.coa_port,
        "places": [
            {
                "name": each.name,
                "called_station_id": print_mac(each.called_station_id, "-").upper(),
                "ssid": SSID,
                "site": each.site.name,
            }
            for each in sorted(nas.access_points, key=lambda point: point.called_station_id)
        ],
    }


def _make(db: Session, commune: Organisation, now: datetime, vault: Vault) -> dict[str, Site]:
    common = {"organisation": commune, "time_zone": "Europe/Paris", "ssid": SSID, "created_at": now}
    kinds = {MARKET: SiteKind.SQUARE, GARDEN: SiteKind.SQUARE, LIBRARY: SiteKind.LIBRARY, HALL: SiteKind.SQUARE}
    sites = {name: Site(name=name, kind=kind, **common) for name, kind in kinds.items()}
    midnight = datetime.min.time()
    sites[HALL].opening_intervals = [
        OpeningInterval(weekday=day, opens_at=midnight, closes_at=midnight) for day in range(7)
    ]
    db.add_all(sites.values())
    db.add_all(_offers(commune, sites, now))
    db.add_all(_campaigns(commune, now))
    db.add_all(_nas(number, commune, sites, now, vault) for number in range(1, GATEWAYS + 1))
    db.flush()
    return sites


def _offers(commune: Organisation, sites: dict[str, Site], now: datetime) -> list[Offer]:
    common = {"organisation": commune, "created_at": now, "download_kbps": 5_000, "upload_kbps": 1_000}
    cycle = {"announcement_every": timedelta(minutes=30), "announcement_length": timedelta(seconds=10)}
    two_hours, tap = timedelta(hours=2), Way.ONE_TAP
    return [
        Offer(name="Accès libre", way=tap, visit_time=two_hours, sites=[sites[MARKET], sites[HALL]], **cycle, **common),
        Offer(
            name="Accès libre, 80 Mo",
            way=tap,
            visit_time=two_hours,
            octets_allowed=_OCTETS,
            sites=[sites[GARDEN]],
            **cycle,
            **common,
        ),
        Offer(name="Pass", way=Way.VOUCHER, visit_time=timedelta(hours=3), sites=[sites[LIBRARY]], **common),
        Offer(name="Une heure", way=tap, visit_time=timedelta(hours=1), position=1, sites=[sites[LIBRARY]], **common),
    ]


def _campaigns(commune: Organisation, now: datetime) -> list[Campaign]:
    def campaign(name: str, kind: CampaignKind, *titles: tuple[str, str]) -> Campaign:
        announcements = [
            Announcement(
                created_at=now,
                texts=[AnnouncementText(language="fr", title=title, text=text)],
            )
            for title, text in titles
        ]
        return Campaign(
            organisation=commune,
            name=name,
            kind=kind,
            advertiser="Au Bon Pain" if kind is CampaignKind.COMMERCIAL else "",
            starts_on=now.date() - timedelta(days=1),
            created_at=now,
            announcements=announcements,
        )

    return [
        campaign(
            "Flotte : nouvelles de la ville",
            CampaignKind.MUNICIPAL,
            ("La piscine rouvre samedi", "De 9 h à 19 h, entrée libre pour les moins de 12 ans."),
            ("Les encombrants sont ramassés mardi", "Sortez-les lundi soir, pas avant."),
        ),
        campaign(
            "Flotte : boulangerie",
            CampaignKind.COMMERCIAL,
            ("Un café offert pour deux croissants", "Tous les matins, place de la République."),
        ),
    ]


def _nas(number: int, commune: Organisation, sites: dict[str, Site], now: datetime, vault: Vault) -> Nas:
    address = f"127.0.1.{number}"
    here = [MARKET, GARDEN, LIBRARY if number % 2 else HALL]
    return Nas(
        organisation=commune,
        site=sites[MARKET],
        name=f"Virtual gateway {number}",
        vendor="coovachilli",
        nas_identifier=f"fleet-{number}",
        secret_sealed=vault.seal(make_secret()),
        redirect_secret_sealed=vault.seal(make_secret()),
        message_authenticator=MessageAuthenticatorMode.REQUIRED,
        login_hosts=f"{address}:{_LOGIN_PORT}",
        created_at=now,
        addresses=[NasAddress(network=f"{address}/32")],
        access_points=[
            AccessPoint(
                site=sites[name],
                name=f"{name} {number}",
                called_station_id=normalise_called_station(f"02-00-00-01-{number:02x}-{place:02x}"),
            )
            for place, name in enumerate(here)
        ],
    )


def _fresh_vouchers(db: Session, site: Site, now: datetime, vault: Vault) -> list[str]:
    [offer] = db.scalars(select(Offer).where(Offer.sites.any(Site.id == site.id), Offer.way == Way.VOUCHER))
    expires_at = now + timedelta(days=30)
    batch = vouchers.make_batch(
        db,
        site=site,
        offer=offer,
        count=VOUCHERS,
        label="Flotte",
        expires_at=expires_at,
        staff="system",
        now=now,
        vault=vault,
    )
    sealed = db.scalars(select(Voucher.code_sealed).where(Voucher.batch_id == batch.id))
    return [print_code(vault.open(each)) for each in sealed]
