"""The RADIUS process: everything it is made of, started and stopped together."""

import gc
import signal
import socket
import threading
from collections.abc import Callable, Iterable
from datetime import timedelta

import structlog
from redis import Redis

from hotspot.adapters.known_devices import KnownDevices
from hotspot.adapters.last_refusal import LastRefusals
from hotspot.adapters.library_systems.libraries import Libraries
from hotspot.adapters.one_time_login import OneTimeLogins
from hotspot.adapters.rate_limit import RateLimits
from hotspot.adapters.redis import open_redis
from hotspot.adapters.refusal_memory import RefusalMemory
from hotspot.adapters.returning_devices import ReturningDevices
from hotspot.clock import clock_of
from hotspot.db import Database, open_database
from hotspot.health import StatusServer, check_health
from hotspot.sealing import Vault
from hotspot.services.radius_clients import RadiusClientReader, RadiusClients
from hotspot.settings import Settings
from radius.attributes import ReplyWriter
from radius.certificates import Certificates
from radius.change_sender import ChangeSender
from radius.handlers import AccountingHandler, LoginHandler, write_journalled_answers, write_journalled_records
from radius.journal import Journal
from radius.keeper import Keeper
from radius.lanes import BatchLane, PeopleLane
from radius.messages import DiscardReason, Door
from radius.metrics import DISCARDS
from radius.people import LIBRARY_PATIENCE as PATIENCE_FOR_LIBRARIES
from radius.people import PATIENCE as PATIENCE_OF_PEOPLE
from radius.people import People
from radius.protocol import RadiusProtocol
from radius.radsec import RadSecDoor
from radius.scribe import Scribe
from radius.server import Bell, Clock, Lanes, Server
from radius.sockets import open_sockets

log = structlog.get_logger()

PATIENCE = timedelta(seconds=3)
"""No statement of the hot path takes longer: then the journal does what the database would."""


def main(settings: Settings, clock: Clock | None = None) -> None:
    """Until SIGTERM or SIGINT."""
    clock = clock or clock_of(settings)
    vault = Vault(settings.secret_key.get_secret_value())
    database, redis = open_database(settings, patience=PATIENCE), open_redis(settings)
    protocol = RadiusProtocol(RadiusClients())
    keeper = Keeper(database, RadiusClientReader(vault), protocol, clock)
    answers, records = _scribes(settings, database)
    bell = Bell()
    lanes = _lanes(settings, vault, database, redis, (answers, records), bell.ring, clock)
    doors = {
        Door.AUTHENTICATION: open_sockets(settings.radius_host, settings.radius_auth_port),
        Door.ACCOUNTING: open_sockets(settings.radius_host, settings.radius_acct_port),
    }
    changes = ChangeSender(database, settings, vault, clock)
    radsec = _open_radsec(settings, protocol, keeper, changes.answered)
    if radsec is not None:
        changes.connections = radsec
    server = Server(protocol, lanes, keeper, doors, clock, bell, radsec)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    status = StatusServer(settings.listen_host, settings.radius_status_port, lambda: check_health(database, redis))
    helpers: Iterable[Keeper | Scribe | ChangeSender] = (keeper, answers, records, changes)
    status.start()
    for each in helpers:
        each.start()
    # what is here now stays; what a batch makes is gone after it: looking through all of it often would be waste
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
    log.info(
        "radius_started", host=settings.radius_host, auth=settings.radius_auth_port, acct=settings.radius_acct_port
    )
    try:
        server.run()
    finally:
        _stop_all(helpers)
        status.stop()
        database.dispose()
        log.info("radius_stopped")


def _stop_all(helpers: Iterable[Keeper | Scribe | ChangeSender]) -> None:
    """At once: where the database hangs each of them waits for it for a while."""
    stopping = [threading.Thread(target=each.stop) for each in helpers]
    for each in stopping:
        each.start()
    for each in stopping:
        each.join()


def _scribes(settings: Settings, database: Database) -> tuple[Scribe, Scribe]:
    """Of answers to Access-Requests, and of accounting."""
    folder = settings.var_dir / "journal"
    refused = Journal(folder / "refused")
    return (
        Scribe("answers", Journal(folder / "answers"), lambda batches: write_journalled_answers(database, batches)),
        Scribe(
            "accounting",
            Journal(folder / "accounting"),
            lambda batches: write_journalled_records(database, batches, refused),
        ),
    )


def _lanes(
    settings: Settings,
    vault: Vault,
    database: Database,
    redis: Redis,
    scribes: tuple[Scribe, Scribe],
    ring: Callable[[], None],
    clock: Clock,
) -> Lanes:
    answers, records = scribes
    writer = ReplyWriter(settings, vault)
    logins = LoginHandler(OneTimeLogins(redis, settings.one_time_login_life), LastRefusals(redis), writer, answers)
    people = People(
        database,
        KnownDevices(redis),
        ReturningDevices(redis),
        RateLimits(redis, vault.digest),
        RefusalMemory(redis, vault.digest),
        writer,
        vault,
        settings,
        lambda answered: answers.keep([answered], durable=False),
        clock,
        Libraries(min(settings.library_patience, PATIENCE_FOR_LIBRARIES), PeopleLane.WORKERS),
    )
    return Lanes(
        logins=BatchLane("logins", logins, ring),
        accounting=BatchLane("accounting", AccountingHandler(database, records), ring),
        people=PeopleLane(people.answer_person, ring, PATIENCE_OF_PEOPLE * settings.time_speed),
    )


def _open_radsec(
    settings: Settings, protocol: RadiusProtocol, keeper: Keeper, on_answer: Callable[[int, bytes], None]
) -> RadSecDoor | None:
    """None where the town has no certificates for it."""
    if not settings.has_radsec:
        return None
    certificates = Certificates(settings)
    listeners = open_sockets(settings.radius_host, settings.radsec_port, socket.SOCK_STREAM)
    log.info("radsec_started", port=settings.radsec_port, certificate_ends_at=certificates.ends_at.isoformat())

    def note_unknown(name: str, address: str) -> None:
        DISCARDS.labels(DiscardReason.UNKNOWN_CERTIFICATE).inc()
        keeper.presented(name, address)

    return RadSecDoor(listeners, certificates, lambda: protocol.clients, note_unknown, on_answer)
