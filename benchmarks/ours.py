"""Our side: a migrated database with a site, a NAS, devices and their grants; the radius processes; one-time logins.

Everything is put there through the product's own code: nothing is arranged to be fast.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from socket import SOCK_STREAM
from typing import Any, cast
from uuid import UUID, uuid4

from redis import Redis
from sqlalchemy import insert

import migrations
from benchmarks.packets import CALLED_STATION_ID, NAS_IDENTIFIER, SECRET, Visitor
from benchmarks.servers import PostgreSql, free_port, python
from hotspot.adapters.one_time_login import OneTimeLogin, OneTimeLogins, make_one_time_login
from hotspot.db import open_database
from hotspot.models import AccessPoint, Device, Grant
from hotspot.policy.admission import GrantTerms, Usage
from hotspot.settings import Settings, load_settings
from hotspot.values import RefusalReason, Way, normalise_called_station
from tests import factories

_DAY = timedelta(days=1)


class _Bulk:
    """A Redis that sends what the adapter writes a thousand commands at a time: what is stored is the adapter's own."""

    def __init__(self, redis: "Redis") -> None:
        self.register_script = redis.register_script
        self._pipe = redis.pipeline(transaction=False)

    def pipeline(self, **_: object) -> "_Bulk":
        return self

    def __enter__(self) -> "_Bulk":
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing has ended: the next login goes into the same pipeline."""

    def __getattr__(self, command: str) -> Any:
        return getattr(self._pipe, command)

    def execute(self) -> None:
        if len(self._pipe) >= 1000:
            self.flush()

    def flush(self) -> None:
        self._pipe.execute()


class Town:
    """The database, and what the visitors of it need to be admitted."""

    def __init__(self, folder: Path, server: PostgreSql, redis_url: str, devices: int) -> None:
        self.environ = {
            "PARVIS_SECRET_KEY": factories.SECRET_KEY,
            "PARVIS_DATABASE_URL": server.create("parvis"),
            "PARVIS_REDIS_URL": redis_url,
            "PARVIS_VAR_DIR": str(folder),
        }
        self.settings: Settings = load_settings(self.environ)
        migrations.upgrade(self.settings.database_address)
        self.macs = [f"02{number:010x}" for number in range(devices)]
        self.grants = [uuid4() for _ in self.macs]
        self.now = datetime.now(UTC)
        self.nas_id = self._fill()

    def _fill(self) -> int:
        database = open_database(self.settings)
        with database.transaction() as db:
            site = factories.make_site(db)
            nas = factories.make_nas(
                db,
                site=site,
                secret=SECRET.decode(),
                vendor="coovachilli",
                nas_identifier=NAS_IDENTIFIER,
                networks=(str(ip_network("127.0.0.1/32")),),
            )
            called = normalise_called_station(CALLED_STATION_ID)
            db.add(AccessPoint(nas=nas, site=site, called_station_id=called, name="bench"))
            offer = factories.make_offer(db, site=site, way=Way.ONE_TAP)
            seen = {"first_seen_at": self.now, "last_seen_at": self.now}
            db.execute(insert(Device), [{"mac": mac, **seen} for mac in self.macs])
            db.execute(insert(Grant), [self._grant(at, offer.id, site.id, nas.id) for at in range(len(self.macs))])
            nas_id = nas.id
        database.dispose()
        return nas_id

    def _grant(self, at: int, offer_id: int, site_id: int, nas_id: int) -> dict[str, object]:
        return {
            "id": self.grants[at],
            "offer_id": offer_id,
            "site_id": site_id,
            "nas_id": nas_id,
            "device_mac": self.macs[at],
            "way": Way.ONE_TAP,
            "terms_version": 1,
            "language": "fr",
            "created_at": self.now,
            "ends_at": self.now + _DAY,
            "ends_because": RefusalReason.GRANT_ENDED,
            "download_kbps": 20_000,
            "upload_kbps": 5_000,
            "idle_timeout": timedelta(minutes=15),
        }

    def visitors(self, count: int, label: str) -> tuple[list[Visitor], list[OneTimeLogin]]:
        """New ones, each with a login of its own that is not stored yet."""
        logins = [self._login(number % len(self.macs)) for number in range(count)]
        made = [
            Visitor(
                number,
                login.user_name,
                login.password,
                login.device_mac,
                login.terms.grant_id.bytes,
                f"{label}{number:08x}",
            )
            for number, login in enumerate(logins)
        ]
        return made, logins

    def _login(self, at: int) -> OneTimeLogin:
        grant_id: UUID = self.grants[at]
        terms = GrantTerms(grant_id, self.now + _DAY, upload_kbps=5_000, download_kbps=20_000)
        return make_one_time_login(self.nas_id, self.macs[at], terms, Usage())

    def store(self, logins: Sequence[OneTimeLogin]) -> None:
        """As the portal does after a sign-in. They live for 120 s: store them just before they are used."""
        with Redis.from_url(self.settings.redis_address) as redis:
            bulk = _Bulk(redis)
            stored = OneTimeLogins(cast(Redis, bulk), self.settings.one_time_login_life)
            for each in logins:
                stored.store(each)
            bulk.flush()

    @contextmanager
    def radius(self, folder: Path, processes: int, auth_port: int, acct_port: int) -> Iterator[list[int]]:
        """Their pids. Several share the ports (SO_REUSEPORT)."""
        ports = {"PARVIS_RADIUS_AUTH_PORT": str(auth_port), "PARVIS_RADIUS_ACCT_PORT": str(acct_port)}
        with ExitStack() as stack:
            yield [
                stack.enter_context(self._process(folder / f"radius-{processes}-{number}.log", ports))
                for number in range(processes)
            ]

    @contextmanager
    def _process(self, log: Path, ports: Mapping[str, str]) -> Iterator[int]:
        status = free_port(SOCK_STREAM)
        environ = {**self.environ, **ports, "PARVIS_RADIUS_STATUS_PORT": str(status)}
        with python("radius", log=log, port=status, environ=environ) as pid:
            yield pid
