"""The town's past weeks: real packets, taken in by the RADIUS door as if they had just arrived, at moments gone by."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from sqlalchemy import select

from hotspot.db import Database
from hotspot.models import WifiSession
from hotspot.sealing import Vault
from hotspot.services.accounting import close_silent
from hotspot.services.radius_clients import RadiusClientReader
from hotspot.services.usage import roll_up
from hotspot.settings import Settings
from parvis import demo_town
from radius.handlers import records_of, write_records
from radius.messages import Acknowledge, Door
from radius.protocol import AnswerAgain, Ask, Discard, Exchange, RadiusProtocol
from simulator.history import LIBRARY, SQUARE, TOWN_HALL, PastNas, PastPlace, past_weeks

DAYS = 35
_BATCH = 500
_SOURCE = ("127.0.0.1", 3799)
_RHYTHMS = {demo_town.LIBRARY: LIBRARY, demo_town.SQUARE: SQUARE, demo_town.TOWN_HALL: TOWN_HALL}


def live_through_past_weeks(database: Database, settings: Settings, now: datetime, vault: Vault) -> int:
    """How many Wi-Fi sessions there have been; 0 if the town already has a past."""
    with database.reading() as db:
        if db.scalar(select(WifiSession.id).limit(1)) is not None:
            return 0
        secret = vault.open(demo_town.get_access_point(db).secret_sealed)
        protocol = RadiusProtocol(RadiusClientReader(vault).read(db))
    places = [PastPlace(demo_town.CALLED_STATIONS[name], rhythm) for name, rhythm in _RHYTHMS.items()]
    past = past_weeks(PastNas(secret, demo_town.NAS_IDENTIFIER, places, ZoneInfo("Europe/Paris")), now, DAYS)
    packets = sum(_replay(batch, protocol, database) for batch in _batches(past))
    with database.transaction() as db:
        close_silent(db, now, settings.stale_after)
        roll_up(db, now - timedelta(days=DAYS + 1), now)
    return packets // 2


def _batches(past: Iterable[tuple[datetime, bytes]]) -> Iterator[list[tuple[datetime, bytes]]]:
    rest = iter(past)
    while batch := list(islice(rest, _BATCH)):
        yield batch


def _replay(batch: list[tuple[datetime, bytes]], protocol: RadiusProtocol, database: Database) -> int:
    exchanges = [_ask(protocol, datagram, moment) for moment, datagram in batch]
    write_records(database, [record for _, record in records_of(exchanges)], batch[-1][0])
    for exchange in exchanges:
        protocol.answer(exchange, Acknowledge())
    return len(exchanges)


def _ask(protocol: RadiusProtocol, datagram: bytes, moment: datetime) -> Exchange:
    match protocol.receive(datagram, _SOURCE, Door.ACCOUNTING, moment):
        case Ask(exchange):
            return exchange
        case Discard(reason):
            raise ValueError(f"the past was not accepted: {reason}")
        case AnswerAgain():
            raise ValueError("the past repeats itself")
