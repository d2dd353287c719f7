"""The town of the demonstration: organisations, sites, offers, people, vouchers, campaigns and one access point.

Loaded once into an empty database. Written as rows where no service makes such a thing yet, through the services where
one does.
"""

import json
import secrets
from datetime import date, datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.models import (
    AccessPoint,
    LibrarySystem,
    MessageAuthenticatorMode,
    Nas,
    NasAddress,
    Offer,
    OpeningInterval,
    Organisation,
    Patron,
    ReaderRule,
    Role,
    Site,
    Survey,
    SurveyCount,
    Terms,
    Voucher,
    VoucherBatch,
)
from hotspot.passwords import hash_password, is_password
from hotspot.policy.surveys import DEFAULTS, month_of, print_questions
from hotspot.policy.voucher_codes import print_code
from hotspot.printing.logo import read_logo
from hotspot.sealing import Vault
from hotspot.services import vouchers
from hotspot.services.nases import make_secret
from hotspot.services.staff import create_staff, reset_password, sign_in_staff
from hotspot.values import LibrarySystemKind, SiteKind, Way, normalise_called_station
from parvis.demo_campaigns import add_campaigns
from parvis.demo_files import ADMINISTRATOR, BLOCKED_CARD, CARD, EXPIRED_CARD, HOST_DOMAIN, LIBRARIAN, Logins

METROPOLIS, COMMUNE = "Val de Loue", "Loue-la-Ville"
NAS_IDENTIFIER = "pocket"
VOUCHERS = 20

LIBRARY, SQUARE, TOWN_HALL = "Médiathèque des Capucins", "Place de la République", "Hôtel de ville"
BRANCH = "Bibliothèque des Tanneurs"
"""Its readers are known to a system of its own; those of the other library to a file."""
SSID = "Wifi Val de Loue"
CALLED_STATIONS = {
    LIBRARY: "02-00-00-00-01-01",
    SQUARE: "02-00-00-00-01-02",
    TOWN_HALL: "02-00-00-00-01-03",
    BRANCH: "02-00-00-00-01-04",
}
_SIP2_USER = "parvis"

_TERMS = {
    "fr": """Le Wi-Fi public de Val de Loue est gratuit.

1. Vous respectez la loi : pas de contenu illicite, pas de téléchargement d’œuvres protégées sans autorisation.

2. Le débit est partagé : il est limité, et l’accès peut être suspendu en cas d’abus.

3. La commune conserve un an les données de connexion que la loi lui impose de garder (qui, quand, d’où) ; elle ne\
 garde ni les pages que vous visitez ni ce que vous y faites.

4. Le réseau n’est pas chiffré entre votre appareil et la borne : préférez les sites en https.

5. Pour consulter ou faire corriger vos données : donnees@val-de-loue.example.""",
    "en": """Val de Loue’s public Wi-Fi is free of charge.

1. You obey the law: no illegal content, no downloading of protected works without permission.

2. The line is shared: speed is limited, and access can be suspended if it is abused.

3. The commune keeps for one year the connection data that the law obliges it to keep (who, when, from where); it keeps\
 neither the pages that you visit nor what you do there.

4. Between your device and the access point the network is not encrypted: prefer https sites.

5. To see your data or have them corrected: donnees@val-de-loue.example.""",
}


_ANSWERS = (
    ((41, 17, 22, 19, 12, 3), (38, 51, 16, 6)),
    ((58, 21, 19, 24, 15, 6), (55, 62, 14, 4)),
    ((66, 18, 27, 22, 13, 2), (68, 59, 9, 3)),
    ((14, 5, 6, 3, 2, 0), (15, 12, 2, 0)),
)
"""How often each choice of the library's survey was made: in three months, and so far in this one."""

_COLOUR = "#0b4a50"
_ARMS = f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 112">
<path fill="{_COLOUR}" d="M0 0h100v58c0 30-24 46-50 54C24 104 0 88 0 58z"/>
<path fill="none" stroke="#fffdf9" stroke-width="7" d="M24 74V46a26 26 0 0 1 52 0v28M40 74V48a10 10 0 0 1 20 0v26"/>
<path fill="none" stroke="#f2c14e" stroke-width="6" d="M10 84q20-12 40 0t40 0"/>
</svg>"""
"""Two arches over a river: of no real town."""


class NotTheTown(Exception):
    """The database holds something else."""


def make_logins() -> Logins:
    pin = "".join(secrets.choice("0123456789") for _ in range(6))
    return Logins(ADMINISTRATOR, secrets.token_urlsafe(12), CARD, pin)


def is_loaded(db: Session) -> bool:
    """False for an empty database; NotTheTown for somebody else's."""
    if db.scalar(select(Organisation.id).limit(1)) is None:
        return False
    get_access_point(db)
    return True


def get_access_point(db: Session) -> Nas:
    nas = db.scalar(
        select(Nas).join(Organisation).where(Nas.nas_identifier == NAS_IDENTIFIER, Organisation.name == COMMUNE)
    )
    if nas is None:
        raise NotTheTown("it holds other data")
    return nas


def load_town(db: Session, logins: Logins, now: datetime, vault: Vault) -> None:
    metropolis = Organisation(
        name=METROPOLIS,
        contact="donnees@val-de-loue.example",
        colour=_COLOUR,
        logo=read_logo(_ARMS.encode()),
        created_at=now,
    )
    commune = Organisation(name=COMMUNE, contact="mairie@val-de-loue.example", created_at=now, parent=metropolis)
    db.add_all([metropolis, commune])
    sites = _sites(commune, now)
    db.add_all(sites.values())
    db.flush()
    for organisation in (metropolis, commune):
        db.add_all(
            Terms(organisation_id=organisation.id, version=1, language=language, text=text, created_at=now)
            for language, text in _TERMS.items()
        )
    offers = _offers(commune, sites, now)
    db.add_all(offers)
    _add_readers(db, commune, sites[BRANCH], now, vault)
    db.add_all(_patrons(commune, logins, now))
    db.add(_access_point(commune, sites, now, vault))
    db.flush()
    _make_vouchers(db, sites[LIBRARY], offers[1], now, vault)
    _ask_visitors(db, sites[LIBRARY], now)
    add_campaigns(db, commune, sites[SQUARE], now)
    password = logins.staff_password
    for email, role, of, own in (
        (ADMINISTRATOR, Role.ADMINISTRATOR, metropolis, []),
        (LIBRARIAN, Role.LIBRARIAN, commune, [sites[LIBRARY].id]),
    ):
        create_staff(db, organisation_id=of.id, email=email, password=password, role=role, now=now, site_ids=own)


def _sites(commune: Organisation, now: datetime) -> dict[str, Site]:
    common = {"organisation": commune, "time_zone": "Europe/Paris", "ssid": SSID, "created_at": now}
    week = range(7)
    return {
        # the library of a real town closes; this one is open day and night, so that the demonstration always works
        LIBRARY: Site(name=LIBRARY, kind=SiteKind.LIBRARY, **common, opening_intervals=_open(week, ("00:00", "00:00"))),
        BRANCH: Site(name=BRANCH, kind=SiteKind.LIBRARY, **common),
        SQUARE: Site(name=SQUARE, kind=SiteKind.SQUARE, **common),
        # real hours, so that "closed" can be seen too
        TOWN_HALL: Site(
            name=TOWN_HALL,
            kind=SiteKind.TOWN_HALL,
            **common,
            opening_intervals=_open(range(5), ("08:30", "12:00"), ("13:30", "17:30")),
        ),
    }


def _open(weekdays: range, *intervals: tuple[str, str]) -> list[OpeningInterval]:
    return [
        OpeningInterval(weekday=day, opens_at=time.fromisoformat(opens), closes_at=time.fromisoformat(closes))
        for day in weekdays
        for opens, closes in intervals
    ]


def _offers(commune: Organisation, sites: dict[str, Site], now: datetime) -> list[Offer]:
    common = {"organisation": commune, "created_at": now}
    pass_speeds = common | {"download_kbps": 10_000, "upload_kbps": 3_000}
    return [
        Offer(
            name="Carte de lecteur",
            way=Way.LIBRARY_CARD,
            download_kbps=20_000,
            upload_kbps=5_000,
            devices_at_once=2,
            remember_for=timedelta(days=30),
            position=1,
            sites=[sites[LIBRARY]],
            **common,
        ),
        Offer(
            name="Pass journée",
            way=Way.VOUCHER,
            download_kbps=10_000,
            upload_kbps=3_000,
            position=2,
            sites=[sites[LIBRARY], sites[TOWN_HALL]],
            **common,
        ),
        Offer(
            name="Accès libre",
            way=Way.ONE_TAP,
            visit_time=timedelta(hours=1),
            download_kbps=5_000,
            upload_kbps=1_000,
            position=3,
            sites=[sites[LIBRARY]],
            **common,
        ),
        Offer(
            name="Accès libre en ville",
            way=Way.ONE_TAP,
            visit_time=timedelta(hours=2),
            download_kbps=2_000,
            upload_kbps=500,
            announcement_every=timedelta(minutes=30),
            announcement_length=timedelta(seconds=8),
            position=3,
            sites=[sites[SQUARE]],
            **common,
        ),
        Offer(name="Pass par e-mail", way=Way.EMAIL_CODE, position=4, sites=[sites[SQUARE]], **pass_speeds),
        Offer(name="Pass par SMS", way=Way.SMS_CODE, position=5, sites=[sites[SQUARE]], **pass_speeds),
        Offer(
            name="Invité d’un agent",
            way=Way.SPONSOR,
            sponsor_domains=HOST_DOMAIN,
            position=6,
            sites=[sites[SQUARE], sites[TOWN_HALL]],
            **pass_speeds,
        ),
    ]


def _add_readers(db: Session, commune: Organisation, site: Site, now: datetime, vault: Vault) -> None:
    """The library with a system of its own, and what its rules make of readers."""
    account = {"host": "127.0.0.1", "user": _SIP2_USER, "password": secrets.token_urlsafe(12), "institution": "VDL"}
    system = LibrarySystem(
        organisation=commune,
        name="SIGB des Tanneurs",
        kind=LibrarySystemKind.SIP2,
        settings_sealed=vault.seal(json.dumps(account)),
        created_at=now,
    )
    common = {"organisation": commune, "way": Way.LIBRARY_CARD, "library_system": system, "sites": [site]}
    common |= {"download_kbps": 20_000, "upload_kbps": 5_000, "remember_for": timedelta(days=30), "created_at": now}
    young = Offer(name="Jeunes lecteurs", visit_time=timedelta(hours=1), by_rule_only=True, position=2, **common)
    db.add_all([Offer(name="Carte des Tanneurs", devices_at_once=2, position=1, **common), young])
    db.flush()
    everybody = {"organisation_id": commune.id, "categories": [], "home_libraries": [], "blocks": []}
    owes = {
        "fr": "Il reste une somme à payer sur votre carte : passez à l’accueil, c’est l’affaire d’un instant.",
        "en": "There is an amount to pay on your card: come to the desk, it takes a moment.",
    }
    db.add_all(
        [
            ReaderRule(name="Moins de 15 ans", position=1, age_below=15, offer_id=young.id, sentences={}, **everybody),
            ReaderRule(name="Somme à payer", position=2, sentences=owes, **everybody | {"blocks": ["owes"]}),
        ]
    )


def move_library(db: Session, port: int, vault: Vault) -> tuple[str, str]:
    """Its system listens on the port of this start; name and password of our account there."""
    system = db.scalar(select(LibrarySystem))
    if system is None:
        raise NotTheTown("it was made by an earlier version: `make clean-demo`, then start again")
    settings = json.loads(vault.open(system.settings_sealed))
    if settings.get("port") != port:
        system.settings_sealed, system.revision = vault.seal(json.dumps(settings | {"port": port})), system.revision + 1
    return settings["user"], settings["password"]


def _patrons(commune: Organisation, logins: Logins, now: datetime) -> list[Patron]:
    pin_hash = hash_password(logins.pin)  # all three have the same PIN: only what the card is worth differs
    common = {"organisation_id": commune.id, "pin_hash": pin_hash, "created_at": now, "updated_at": now}
    next_year = date(now.year + 1, 12, 31)
    return [
        Patron(card_number=CARD, name="Camille Martin", category="Adulte", expires_on=next_year, **common),
        Patron(
            card_number=EXPIRED_CARD, name="Dominique Petit", category="Adulte", expires_on=date(2023, 12, 31), **common
        ),
        Patron(
            card_number=BLOCKED_CARD,
            name="Claude Moreau",
            category="Jeune",
            expires_on=next_year,
            blocked=True,
            **common,
        ),
    ]


def _access_point(commune: Organisation, sites: dict[str, Site], now: datetime, vault: Vault) -> Nas:
    return Nas(
        organisation=commune,
        site=sites[LIBRARY],
        name="Pocket access point",
        vendor="coovachilli",
        nas_identifier=NAS_IDENTIFIER,
        secret_sealed=vault.seal(make_secret()),
        redirect_secret_sealed=vault.seal(make_secret()),
        # on the loopback interface nobody can stand in between, and a plain radclient must get its answers
        message_authenticator=MessageAuthenticatorMode.OPTIONAL,
        created_at=now,
        addresses=[NasAddress(network="127.0.0.1/32"), NasAddress(network="::1/128")],
        access_points=[
            AccessPoint(site=sites[name], name=name, called_station_id=normalise_called_station(called))
            for name, called in CALLED_STATIONS.items()
        ],
    )


def _make_vouchers(db: Session, site: Site, offer: Offer, now: datetime, vault: Vault) -> VoucherBatch:
    return vouchers.make_batch(
        db,
        site=site,
        offer=offer,
        count=VOUCHERS,
        label="Accueil",
        expires_at=now + timedelta(days=365),
        staff="system",
        now=now,
        vault=vault,
    )


def _ask_visitors(db: Session, site: Site, now: datetime) -> None:
    """The survey that is offered, open for three months, and this month's first answers."""
    months = [month_of(now.astimezone(site.hours.zone).date())]
    while len(months) < len(_ANSWERS):
        months.insert(0, month_of(months[0] - timedelta(days=1)))
    opened_at = datetime.combine(months[0], time(9), site.hours.zone)
    questions = print_questions(DEFAULTS)
    db.add(Survey(site_id=site.id, is_open=True, questions=questions, version=1, changed_at=opened_at))
    db.add_all(
        SurveyCount(site_id=site.id, version=1, month=month, question=question, choice=choice, answers=answers)
        for month, of_month in zip(months, _ANSWERS, strict=True)
        for question, of_question in enumerate(of_month)
        for choice, answers in enumerate(of_question)
    )


def move_access_point(db: Session, port: int, coa_port: int) -> Nas:
    """It listens on the ports of this start."""
    nas = get_access_point(db)
    nas.coa_port, nas.login_hosts = coa_port, f"localhost:{port} 127.0.0.1:{port}"
    return nas


def let_in_again(db: Session, logins: Logins, now: datetime) -> None:
    """Whatever was tried last time, a new start begins with logins that work."""
    for email in (ADMINISTRATOR, LIBRARIAN):
        if sign_in_staff(db, email, logins.staff_password, now) is None:
            reset_password(db, email, logins.staff_password, now)
    patrons = db.scalars(select(Patron).where(Patron.card_number.in_([CARD, EXPIRED_CARD, BLOCKED_CARD]))).all()
    if not all(is_password(logins.pin, patron.pin_hash) for patron in patrons):
        pin_hash = hash_password(logins.pin)
        for patron in patrons:
            patron.pin_hash = pin_hash


def unused_voucher(db: Session, now: datetime, vault: Vault) -> str:
    """The first one that nobody has used; when all are used, of a new batch."""
    unused = (
        select(Voucher.code_sealed)
        .join(VoucherBatch)
        .where(Voucher.redeemed_at.is_(None), Voucher.voided_at.is_(None), VoucherBatch.expires_at > now)
        .order_by(Voucher.id)
        .limit(1)
    )
    sealed = db.scalar(unused)
    if sealed is None:
        site = db.scalars(select(Site).where(Site.name == LIBRARY)).one()
        offer = db.scalars(
            select(Offer).where(Offer.way == Way.VOUCHER, Offer.organisation_id == site.organisation_id)
        ).one()
        _make_vouchers(db, site, offer, now, vault)
        sealed = db.scalars(unused).one()
    return print_code(vault.open(sealed))
