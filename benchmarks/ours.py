"""Our side: a migrated database with the fleet's NASes, devices and grants; the radius processes; one-time logins.

Everything is put there through the product's own code: nothing is arranged to be fast.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import SOCK_STREAM
from typing import Any, cast

from redis import Redis
from sqlalchemy import insert

import migrations
from benchmarks.fleet import Fleet
from benchmarks.fleet import Nas as FleetNas
from benchmarks.load import LANES, Ports
from benchmarks.servers import PostgreSql, free_port, python
from hotspot.adapters.one_time_login import OneTimeLogin, OneTimeLogins, make_one_time_login
from hotspot.db import open_database
from hotspot.models import AccessPoint, Device, Grant, Nas, NasAddress
from hotspot.policy.admission import GrantTerms
from hotspot.policy.allowances import Usage
from hotspot.settings import Settings, load_settings
from hotspot.values import RefusalReason, Way, normalise_called_station
from tests import factories

DATABASES = ("parvis_1", "parvis_2")
"""With one process and with two."""
SESSIONS = """
SELECT acct_session_id, session_seconds, download_octets, ended_at IS NOT NULL
FROM wifi_sessions JOIN wifi_session_counters USING (id) WHERE acct_session_id LIKE %s
"""
LOGINS = "SELECT count(*) FROM admissions WHERE refusal IS NULL"
_SITES = 200
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
    """The database, and what the visitors of it need to be admitted. Each of our two systems has a copy of its own."""

    def __init__(self, folder: Path, server: PostgreSql, redis_url: str, fleet: Fleet) -> None:
        self.fleet, self.now = fleet, datetime.now(UTC)
        self._environ = {
            "PARVIS_SECRET_KEY": factories.SECRET_KEY,
            "PARVIS_REDIS_URL": redis_url,
            "PARVIS_VAR_DIR": str(folder),
        }
        self.settings: Settings = load_settings(self._environ | {"PARVIS_DATABASE_URL": server.create(DATABASES[0])})
        migrations.upgrade(self.settings.database_address)
        self.nas_ids = self._fill()
        self._addresses = [server.address(DATABASES[0])]
        for each in DATABASES[1:]:
            self._addresses.append(server.create(each, template=DATABASES[0]))

    def _fill(self) -> list[int]:
        """In bulk through the models. The NASes' ids, the speaking ones first."""
        database = open_database(self.settings)
        with database.transaction() as db:
            organisation = factories.make_organisation(db)
            sites = [factories.make_site(db, organisation=organisation) for _ in range(_SITES)]
            offers = [factories.make_offer(db, site=site, way=Way.ONE_TAP) for site in sites]
            site_ids = [site.id for site in sites]
            nases = insert(Nas).returning(Nas.id, sort_by_parameter_order=True)
            nas_ids = list(db.scalars(nases, [self._nas(nas, site_ids) for nas in enumerate(self.fleet.nases)]))
            named = list(zip(nas_ids, self.fleet.nases, strict=True))
            db.execute(insert(NasAddress), [{"nas_id": key, "network": str(nas.network)} for key, nas in named])
            db.execute(
                insert(AccessPoint),
                [
                    {
                        "nas_id": nas_id,
                        "site_id": site_ids[(nas_id + at) % _SITES],
                        "called_station_id": normalise_called_station(called),
                    }
                    for nas_id, nas in named
                    for at, called in enumerate(nas.speaker.called_station_ids)
                ],
            )
            seen = {"first_seen_at": self.now, "last_seen_at": self.now}
            db.execute(insert(Device), [{"mac": mac, **seen} for mac in self.fleet.macs])
            db.execute(
                insert(Grant),
                [
                    self._grant(at, offers[at % _SITES].id, site_ids[at % _SITES], nas_ids[at % LANES])
                    for at in range(len(self.fleet.macs))
                ],
            )
        with database.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM ANALYZE")
        database.dispose()
        return nas_ids

    def _nas(self, numbered: tuple[int, FleetNas], site_ids: Sequence[int]) -> dict[str, object]:
        number, nas = numbered
        return {
            "organisation_id": 1,
            "site_id": site_ids[number % _SITES],
            "name": nas.speaker.nas_identifier,
            "vendor": "coovachilli",
            "nas_identifier": nas.speaker.nas_identifier,
            "secret_sealed": factories.VAULT.seal(nas.speaker.secret.decode()),
            "created_at": self.now,
        }

    def _grant(self, at: int, offer_id: int, site_id: int, nas_id: int) -> dict[str, object]:
        return {
            "id": self.fleet.grants[at],
            "offer_id": offer_id,
            "site_id": site_id,
            "nas_id": nas_id,
            "device_mac": self.fleet.macs[at],
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

    def login(self, number: int) -> OneTimeLogin:
        """One more for this visitor. It is not stored yet."""
        device = self.fleet.device(number)
        terms = GrantTerms(self.fleet.grants[device], self.now + _DAY, upload_kbps=5_000, download_kbps=20_000)
        return make_one_time_login(self.nas_ids[number % LANES], self.fleet.macs[device], terms, Usage())

    def store(self, logins: Sequence[OneTimeLogin]) -> None:
        """As the portal does after a sign-in. They live for 120 s: store them just before they are used."""
        with Redis.from_url(self.settings.redis_address) as redis:
            bulk = _Bulk(redis)
            stored = OneTimeLogins(cast(Redis, bulk), self.settings.one_time_login_life)
            for each in logins:
                stored.store(each)
            bulk.flush()

    @contextmanager
    def radius(self, folder: Path, processes: int, ports: Ports) -> Iterator[list[int]]:
        """Their pids. Several share the ports (SO_REUSEPORT)."""
        environ = {
            "PARVIS_RADIUS_AUTH_PORT": str(ports.auth),
            "PARVIS_RADIUS_ACCT_PORT": str(ports.acct),
            "PARVIS_DATABASE_URL": self._addresses[processes - 1],
            "PARVIS_VAR_DIR": str(folder),
        }
        with ExitStack() as stack:
            yield [
                stack.enter_context(self._process(folder / f"radius-{number}.log", environ))
                for number in range(processes)
            ]

    @contextmanager
    def _process(self, log: Path, own: Mapping[str, str]) -> Iterator[int]:
        status = free_port(SOCK_STREAM)
        environ = {**self._environ, **own, "PARVIS_RADIUS_STATUS_PORT": str(status)}
        with python("radius", log=log, port=status, environ=environ) as pid:
            yield pid
