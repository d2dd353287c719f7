"""Whatever the network does to accounting, the stored sessions are the true ones.

A fleet of NASes (simulated_fleet.py) reports; the network loses, repeats, delays, reorders and gathers its packets at
will; two RADIUS processes take them in. After it all, when each packet has been delivered at least once, every Wi-Fi
session and every counter is compared with the truth. `--hypothesis-profile=long` looks for an hour.

Where information is lost, this is what counts as true:

- A session ended when its Stop says so, whatever else was believed before: that it was silent, that the NAS restarted.
- A session that the NAS lost ended with the Accounting-On or -Off that followed, or with its last news where silence
  was noticed before that. Where nothing followed it ended with its last news: between its last report and the last
  arrival of any of its packets.
- An Off and the On that follows it are one restart: the moment of either will do. Nothing that was sent before a
  restart is still on the way when the NAS restarts once more: it forgets what it has not delivered. And the worker,
  which looks each minute, has looked in between: only the last restart of a NAS is kept.
- A moment is exact where the NAS's Event-Timestamp is right. Where it has no clock to trust, arrival less
  Acct-Delay-Time is what is left: late by the time on the way, never early. Around a restart the packets of such a
  NAS keep their order: nothing but the order tells what came before.
- A NAS without Gigawords moves less than 2 GiB between two reports, one of which may overtake one other. What wraps
  unseen beyond that nobody can know.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from sqlalchemy import delete, select, update

from hotspot.db import Database
from hotspot.models import Nas as NasRow
from hotspot.models import WifiSession, WifiSessionCounter
from hotspot.sealing import Vault
from hotspot.services import accounting
from hotspot.services.accounting import KnownSessions
from hotspot.services.radius_clients import RadiusClientReader
from hotspot.values import TerminateCause
from radius.messages import Acknowledge, DiscardReason, Door
from radius.protocol import Ask, Discard, RadiusProtocol
from tests import factories
from tests.radius.clients import record_of
from tests.radius.simulated_fleet import HABITS, OFF, ON, Nas, Report, Visit

DEVICES = 3
STALE_AFTER = timedelta(minutes=15)
LONGEST_ON_THE_WAY = timedelta(seconds=20)
SAME_OCTETS_FOR = timedelta(minutes=2)
"""A NAS that repeats the same octets has given up before their Event-Timestamp is doubted (five minutes)."""
AMOUNTS = st.integers(1, 2**31 - 2) | st.integers(2**30, 2**31 - 2)
"""Octets between two reports: less than 2 GiB, and often enough nearly that."""
ENDINGS = (TerminateCause.USER_REQUEST, TerminateCause.IDLE_TIMEOUT)


class Town:
    """The database, and a fleet of which nothing has been heard yet."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self.database = database
        self._nases: list[tuple[int, list[UUID]]] = []
        with database.transaction() as db:
            for at, habits in enumerate(HABITS):
                nas = factories.make_nas(
                    db, networks=(f"192.0.2.{at + 1}/32",), vendor=habits.brand, swaps_octets=habits.swaps_octets
                )
                grants = [
                    factories.make_grant(
                        db,
                        nas=nas,
                        site=nas.site,
                        device_mac=f"0200000000{device:02x}",
                        created_at=factories.NOW - timedelta(hours=1),
                        ends_at=factories.NOW + timedelta(days=30),
                    ).id
                    for device in range(DEVICES)
                ]
                self._nases.append((nas.id, grants))
        with database.reading() as db:
            self.clients = RadiusClientReader(vault).read(db)

    def fleet(self) -> list[Nas]:
        with self.database.transaction() as db:
            db.execute(delete(WifiSession))
            db.execute(delete(WifiSessionCounter))
            db.execute(update(NasRow).values(rebooted_at=None))
        return [Nas(habits, nas_id, grants) for habits, (nas_id, grants) in zip(HABITS, self._nases, strict=True)]


class Network(RuleBasedStateMachine):
    town: Town

    def __init__(self) -> None:
        super().__init__()
        self.now = factories.NOW
        self.fleet = self.town.fleet()
        self.workers = [(RadiusProtocol(self.town.clients), KnownSessions()) for _ in range(2)]
        self.flying: list[Report] = []
        self._unheard: list[Report] = []
        self._sent = 0

    @initialize(seed=st.integers(0, 2**32))
    def the_order_of_the_last_packets(self, seed: int) -> None:
        self.order = Random(seed)

    # ---- what happens at the NASes ----

    def _tick(self) -> datetime:
        """No two things happen in the same second: a NAS knows no finer time, and what it says twice it says later."""
        self.now += timedelta(seconds=1)
        return self.now

    @rule(nas=st.integers(0, len(HABITS) - 1), device=st.integers(0, DEVICES - 1))
    def a_session_begins(self, nas: int, device: int) -> None:
        self._send(self.fleet[nas].start(device, self._tick()))

    @rule(
        nas=st.integers(0, len(HABITS) - 1),
        every=st.integers(1, 1000),
        moved=st.lists(st.tuples(AMOUNTS, AMOUNTS), min_size=1, max_size=4),
    )
    def its_sessions_go_on(self, nas: int, every: int, moved: list[tuple[int, int]]) -> None:
        """An Interim-Update of each every so many seconds."""
        if not self.fleet[nas].online():
            self.a_session_begins(nas, 0)
        for upload, download in moved:
            self.time_passes(every)
            for visit in self.fleet[nas].online():
                _moves(visit, upload, download)
                self._send(self.fleet[nas].interim(visit, self._tick()))

    @precondition(lambda self: any(nas.online() for nas in self.fleet))
    @rule(data=st.data(), upload=AMOUNTS, download=AMOUNTS, cause=st.sampled_from(ENDINGS))
    def a_session_stops(self, data: st.DataObject, upload: int, download: int, cause: TerminateCause) -> None:
        nas = data.draw(st.sampled_from([each for each in self.fleet if each.online()]), label="nas")
        visit = data.draw(st.sampled_from(nas.online()), label="visit")
        _moves(visit, upload, download)
        self._send(nas.stop(visit, cause, self._tick()))

    @rule(nas=st.integers(0, len(HABITS) - 1), cleanly=st.booleans())
    def a_nas_restarts(self, nas: int, cleanly: bool) -> None:
        restarts = self.fleet[nas]
        self._forget_before_the_last_restart(restarts)
        if cleanly:
            stops = [restarts.stop(each, TerminateCause.NAS_REBOOT, self._tick()) for each in restarts.online()]
            self._send(*stops)
            self._keep_the_order(restarts)
            self._send(restarts.say_all_is_over(OFF, self._tick()))
        restarts.vanish()
        self._keep_the_order(restarts)
        self._send(restarts.say_all_is_over(ON, self._tick()))
        self._keep_the_order(restarts)

    @rule(nas=st.integers(0, len(HABITS) - 1))
    def the_power_fails(self, nas: int) -> None:
        """And nothing tells when it is back."""
        self.fleet[nas].vanish()

    # ---- what happens on the way ----

    @precondition(lambda self: self.flying)
    @rule(data=st.data(), worker=st.integers(0, 1))
    def packets_arrive(self, data: st.DataObject, worker: int) -> None:
        """Some of those on the way, in any order, in one batch; some are sent again all the same."""
        picked = data.draw(st.lists(st.sampled_from(range(len(self.flying))), min_size=1, max_size=6), label="which")
        latencies = data.draw(st.lists(st.integers(0, 20), min_size=len(picked), max_size=len(picked)), label="latency")
        repeats = data.draw(st.booleans(), label="sent again")
        batch = [(self.flying[at], timedelta(seconds=each)) for at, each in zip(picked, latencies, strict=True)]
        self._deliver(batch, worker)
        if not repeats:
            self.flying = [each for each in self.flying if not each.was_heard]

    @rule(seconds=st.integers(1, 1200))
    def time_passes(self, seconds: int) -> None:
        ends = self.now + timedelta(seconds=seconds)
        self._last_try(lambda each: not each.nas.habits.sends_delay and ends - each.happened_at > SAME_OCTETS_FOR)
        self.now = ends

    @rule()
    def the_worker_looks_for_silence(self) -> None:
        with self.town.database.transaction() as db:
            accounting.close_silent(db, self.now, STALE_AFTER)

    # ---- after it all ----

    def teardown(self) -> None:
        if not hasattr(self, "order"):
            return
        self._last_try(lambda _: True)
        self.now += STALE_AFTER + timedelta(minutes=1)
        for nas in self.fleet:
            self._send(*(nas.interim(visit, self._tick()) for visit in nas.online()))
        self._last_try(lambda _: True)
        self.the_worker_looks_for_silence()

        with self.town.database.reading() as db:
            joined = select(WifiSession, WifiSessionCounter).join(
                WifiSessionCounter, WifiSession.id == WifiSessionCounter.id
            )
            stored = {(row.nas_id, row.user_name): (row, counter) for row, counter in db.execute(joined)}
            sessions = len(db.scalars(select(WifiSession)).all())
            counters = len(db.scalars(select(WifiSessionCounter)).all())
        true = {(nas.nas_id, visit.user_name): (nas, visit) for nas in self.fleet for visit in nas.visits}
        assert set(stored) == set(true)
        assert sessions == counters == len(true)
        for key, (nas, visit) in true.items():
            _compare(nas, visit, *stored[key])

    # ---- how it is done ----

    def _forget_before_the_last_restart(self, nas: Nas) -> None:
        last = nas.restarted_at
        if last is not None:
            self._last_try(lambda each: each.nas is nas and each.happened_at <= last)
            self.the_worker_looks_for_silence()

    def _keep_the_order(self, nas: Nas) -> None:
        if not nas.habits.knows_the_time:
            self._last_try(lambda each: each.nas is nas)

    def _last_try(self, which: Callable[[Report], bool]) -> None:
        """Deliver these, each at least once, in some order and grouping."""
        chosen = [each for each in self.flying if which(each)]
        self.flying = [each for each in self.flying if not which(each)]
        self.order.shuffle(chosen)
        chosen += self.order.sample(chosen, len(chosen) // 3)
        while any(not each.was_heard for each in chosen):
            size = self.order.randint(1, 5)
            latencies = [timedelta(seconds=self.order.randint(0, 20)) for _ in chosen[:size]]
            self._deliver(list(zip(chosen[:size], latencies, strict=True)), self.order.randint(0, 1))
            chosen = chosen[size:] + [each for each in chosen[:size] if not each.was_heard]

    def _send(self, *reports: Report) -> None:
        for each in reports:
            self._sent += 1
            each.number = self._sent
        self.flying += reports
        self._unheard += reports

    def _deliver(self, batch: Iterable[tuple[Report, timedelta]], worker: int) -> None:
        """As the server does: all of a batch at once, and answered after it."""
        (protocol, known), asked = self.workers[worker], []
        for report, latency in batch:
            if self._overtakes_too_many(report):
                continue
            report.was_heard = True
            if report.visit is not None:
                report.visit.heard_at = self.now
            source = (f"192.0.2.{self.fleet.index(report.nas) + 1}", 1024 + report.number)
            octets = report.octets(self.now, latency)
            step = protocol.receive(octets, source, Door.ACCOUNTING, self.now)
            assert not isinstance(step, Discard) or step.reason is DiscardReason.ALREADY_IN_WORK
            if isinstance(step, Ask):
                asked.append(step.exchange)
        records = [record for each in asked if (record := record_of(each)) is not None]
        with self.town.database.at_once() as db:
            accounting.record(db, records, self.now, known)
        for each in asked:
            protocol.answer(each, Acknowledge())
        self._unheard = [each for each in self._unheard if not each.was_heard]

    def _overtakes_too_many(self, report: Report) -> bool:
        """Without Gigawords, more than one of the same session."""
        if report.nas.habits.has_gigawords or report.visit is None:
            return False
        overtaken = [
            each
            for each in self._unheard
            if each.visit is report.visit and not each.was_heard and each.happened_at < report.happened_at
        ]
        return len(overtaken) > 1


def _moves(visit: Visit, upload: int, download: int) -> None:
    """Never a multiple of 4 GiB in all: without Gigawords that is nought, which also says that nothing is counted."""
    visit.upload += upload
    visit.download += download
    visit.upload += visit.upload % 2**32 == 0
    visit.download += visit.download % 2**32 == 0


def _compare(nas: Nas, visit: Visit, row: WifiSession, counter: WifiSessionCounter) -> None:
    late = timedelta(0) if nas.habits.knows_the_time else LONGEST_ON_THE_WAY
    assert visit.started_at <= row.started_at <= visit.started_at + late
    assert row.grant_id == nas.grants[visit.device]
    assert (counter.upload_octets, counter.download_octets) == (visit.upload, visit.download)
    assert counter.session_seconds == int((visit.reported_at - visit.started_at).total_seconds())
    if visit.is_online:
        assert (row.ended_at, row.terminate_cause) == (None, None)
        return
    assert row.ended_at is not None
    if visit.ended_at is None:
        assert row.terminate_cause is TerminateCause.SILENCE
        assert visit.reported_at <= row.ended_at <= visit.heard_at
    elif row.terminate_cause is TerminateCause.SILENCE:
        assert not visit.was_stopped
        assert visit.started_at <= row.ended_at <= max(visit.ended_at, visit.heard_at)
    else:
        assert row.terminate_cause is visit.cause
        assert visit.ended_at <= row.ended_at <= (visit.ended_until or visit.ended_at) + late


def explore(database: Database, vault: Vault) -> None:
    machine = type("Network", (Network,), {"town": Town(database, vault)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            stateful_step_count=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
        ),
    )


def test_whatever_the_network_does_what_is_stored_is_true(database: Database, vault: Vault) -> None:
    explore(database, vault)


@pytest.mark.parametrize("any_database", ["postgresql"], indirect=True)
def test_and_on_postgresql_as_well(any_database: Database, vault: Vault) -> None:
    explore(any_database, vault)
