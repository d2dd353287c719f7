"""Unknown access points: noted when they knock, shown to staff, taken in, or ignored.

They belong to no organisation: only administrators of an organisation that has none above it see them. What one of
them says of itself is hearsay; it is shortened here, and pages escape it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address, ip_network
from typing import Any

from sqlalchemy import case, delete, func, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from hotspot.errors import Forbidden, NotFound
from hotspot.models import AccessPoint, Nas, NasAddress, Organisation, SourceKind, UnknownSource
from hotspot.services import audit
from hotspot.services.staff import Scope
from hotspot.values import normalise_called_station
from hotspot.vendors import VENDORS

MOST_KEPT = 200
"""Invented addresses must fill neither the table nor the page."""
_LONGEST_CLAIM = 100
_LONGEST_SOURCE = 253
_NEIGHBOURS = {4: 24, 6: 48}
"""Prefix lengths: what is as near as that probably stands at the same site."""


@dataclass(slots=True)
class Knock:
    """What one unknown source did since it was last written down."""

    first_at: datetime
    last_at: datetime
    address: str
    door: str
    packets: int = 0
    code: int | None = None
    nas_identifier: str = ""
    called_station_id: str = ""
    vendor: str = ""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """How the form for a new gateway is filled in for an unknown source."""

    vendor: str
    name: str
    nas_identifier: str
    networks: str
    login_hosts: str
    certificate_name: str
    site_id: int | None


def note_unknown(db: Session, kind: SourceKind, knocks: Mapping[str, Knock]) -> None:
    """By source: an address, or the name in a certificate. Beyond MOST_KEPT those that knocked once go first, then
    those that have been quiet for longest."""
    if not knocks:
        return
    rows = {  # by what is shown: two names that look the same are one
        (shown := _shown(source, _LONGEST_SOURCE)): {
            "kind": kind,
            "source": shown,
            "address": knock.address,
            "first_at": knock.first_at,
            "last_at": knock.last_at,
            "packets": knock.packets,
            "code": knock.code,
            "door": knock.door,
            "nas_identifier": _shown(knock.nas_identifier),
            "called_station_id": _shown(knock.called_station_id),
            "vendor": knock.vendor,
        }
        for source, knock in sorted(knocks.items())
    }
    insert: Any = sqlite_insert if db.get_bind().dialect.name == "sqlite" else postgresql_insert
    statement = insert(UnknownSource).values(list(rows.values()))
    new, kept = statement.excluded, UnknownSource.__table__.c
    claims = {
        name: case((new[name] != "", new[name]), else_=kept[name])
        for name in ("nas_identifier", "called_station_id", "vendor")
    }
    db.execute(
        statement.on_conflict_do_update(
            index_elements=["kind", "source"],
            set_=claims
            | {
                "address": new.address,
                "last_at": new.last_at,
                "packets": kept.packets + new.packets,
                "code": func.coalesce(new.code, kept.code),
                "door": new.door,
            },
        )
    )
    keep = (
        select(UnknownSource.id)
        .order_by((UnknownSource.packets > 1).desc(), UnknownSource.last_at.desc(), UnknownSource.id)
        .limit(MOST_KEPT)
    )
    db.execute(delete(UnknownSource).where(UnknownSource.id.not_in(keep)).execution_options(synchronize_session=False))


def may_see_unknown(db: Session, by: Scope) -> bool:
    """An organisation below another asks the one above: whose an unknown source is, nobody can know yet."""
    return db.get_one(Organisation, by.organisation_id).parent_id is None


def list_unknown(db: Session, by: Scope) -> Sequence[UnknownSource]:
    """The latest first, those that are ignored last."""
    _check(db, by)
    return db.scalars(
        select(UnknownSource).order_by(
            UnknownSource.ignored_at.is_not(None), UnknownSource.last_at.desc(), UnknownSource.id
        )
    ).all()


def count_unknown(db: Session, by: Scope) -> int:
    """Without those that are ignored; none for who may not see them."""
    if not may_see_unknown(db, by):
        return 0
    return db.scalar(select(func.count()).select_from(UnknownSource).where(UnknownSource.ignored_at.is_(None))) or 0


def get_unknown(db: Session, by: Scope, source_id: int) -> UnknownSource:
    _check(db, by)
    found = db.get(UnknownSource, source_id)
    if found is None:
        raise NotFound("unknown source")
    return found


def ignore_unknown(db: Session, by: Scope, source_id: int, now: datetime) -> UnknownSource:
    """It stays noted, and is shown among the ignored ones."""
    source = get_unknown(db, by, source_id)
    source.ignored_at = now
    audit.note(db, by, "unknown_source.ignored", source.source, {}, now)
    return source


def suggest(db: Session, by: Scope, source: UnknownSource) -> Suggestion:
    """What can be guessed. The identifier only if no gateway of that brand has it, and if it can be typed anywhere;
    that of a certificate, which has said nothing yet, is its name."""
    vendor = source.vendor or next(iter(VENDORS))
    by_address = source.kind is SourceKind.ADDRESS
    claimed = source.nas_identifier if by_address else source.source
    taken = select(Nas.id).where(Nas.vendor == vendor, Nas.nas_identifier == claimed)
    fits = bool(claimed) and len(claimed) <= 64 and claimed.replace("-", "").replace(".", "").replace("_", "").isalnum()
    is_free = fits and claimed.isascii() and db.scalar(taken) is None
    return Suggestion(
        vendor=vendor,
        name=claimed or source.source[:200],
        nas_identifier=claimed if is_free else "",
        networks=source.source if by_address else "",
        login_hosts=VENDORS[vendor].usual_login_host,
        certificate_name="" if by_address else source.source,
        site_id=_likely_site(db, by, source),
    )


def forget_known(db: Session, networks: Sequence[str], certificate_name: str | None = None) -> None:
    """These addresses and this certificate are a NAS's from now on."""
    is_certificate = UnknownSource.kind == SourceKind.CERTIFICATE
    db.execute(delete(UnknownSource).where(is_certificate, UnknownSource.source == certificate_name))
    known = [ip_network(each) for each in networks]
    sources = db.scalars(select(UnknownSource).where(UnknownSource.kind == SourceKind.ADDRESS)).all()
    for source in sources:
        address = ip_address(source.source)
        if any(address in network for network in known if network.version == address.version):
            db.delete(source)


def _likely_site(db: Session, by: Scope, source: UnknownSource) -> int | None:
    """Where an access point of this name stands; where most neighbours are; else none that is likelier than others."""
    called = normalise_called_station(source.called_station_id)
    point = select(AccessPoint.site_id).where(
        AccessPoint.called_station_id == called, AccessPoint.site_id.in_(by.site_ids)
    )
    if called and (site_id := db.scalar(point.limit(1))) is not None:
        return site_id
    if source.kind is not SourceKind.ADDRESS:
        return None
    address = ip_address(source.source)
    near = ip_network((address, _NEIGHBOURS[address.version]), strict=False)
    addresses = db.execute(select(NasAddress.network, Nas.site_id).join(Nas).where(Nas.site_id.in_(by.site_ids)))
    sites = Counter(
        site_id
        for network, site_id in addresses
        if (theirs := ip_network(network)).version == near.version and theirs.overlaps(near)
    )
    return sites.most_common(1)[0][0] if sites else None


def _check(db: Session, by: Scope) -> None:
    if not may_see_unknown(db, by):
        raise Forbidden("unknown sources are seen from the top of the tree of organisations")


def _shown(text: str, longest: int = _LONGEST_CLAIM) -> str:
    """On one line, nothing invisible, not too long."""
    return "".join(character if character.isprintable() else "�" for character in text[:longest])
