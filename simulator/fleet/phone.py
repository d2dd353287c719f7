"""The life of one virtual phone: arrives, is captured, signs in, looks at announcements, sleeps, walks, is gone."""

import asyncio
import json
import random
import time
from collections import deque
from collections.abc import Awaitable, Sequence
from urllib.parse import urlsplit

from simulator.brand import SILENCE, Response
from simulator.fleet.browser import Browser, Form, NoAnswer, Page
from simulator.fleet.clock import FleetClock
from simulator.fleet.config import FleetConfig, FleetSite, Promise
from simulator.fleet.gateway import Gateway, Station
from simulator.fleet.plan import Deed, PhonePlan
from simulator.fleet.truth import Occasion, SignIn, TrueSession, Truth
from simulator.fleet.visits import Rights

_PROBE = "http://connectivity.example/generate_204"
_MOST_STEPS = 12
_MOST_FAILURES = 10
_READING = (1.0, 6.0)
"""Seconds that a person looks at a page before the tap."""


class Failed(Exception):
    """It did not get online; the text says what stood in the way."""


class VirtualPhone:
    def __init__(
        self,
        plan: PhonePlan,
        config: FleetConfig,
        gateways: Sequence[Gateway],
        clock: FleetClock,
        truth: Truth,
        vouchers: dict[str, deque[str]],
    ) -> None:
        self._plan, self._config, self._gateways = plan, config, gateways
        self._clock, self._truth, self._vouchers = clock, truth, vouchers
        self._rng = random.Random(plan.seed)
        self._mac_rng = random.Random(plan.seed + int(truth.began_at))
        self._mac = self._new_mac()
        self._rights: dict[str, Rights] = {}
        self._gateway, self._place = gateways[plan.gateway], plan.place
        self._browser = self._new_browser()
        self._station: Station | None = None
        self._session: TrueSession | None = None
        self._over = asyncio.Event()
        self._is_awake = True
        self._online_url = ""
        self._machine_seconds, self._pages = 0.0, 0
        self._vouchers_held: dict[str, str] = {}
        self._asked_at: float | None = None
        """When it pressed the button of a sign-in that has not come to anything yet."""

    # --- its gateway tells ---------------------------------------------------------------------------------------

    def session_begun(self, session: TrueSession) -> None:
        """Also where the gateway has not noticed that it was away."""
        rights, site = self._own_rights, self._config.sites[session.site]
        if not any(each is session for each in rights.sessions):
            rights.sessions.append(session)
            visit = rights.visit(site, self._promise(site), self._asked_at or session.started_at)
            rights.set_limit(session, site, visit)
        self._session = session
        self._over.clear()

    def session_ended(self, session: TrueSession) -> None:
        rights, site = self._rights[session.mac], self._config.sites[session.site]
        visit = rights.visits[session.site]
        if visit.promise.octets:
            session.octets_over = rights.octets_used(visit, site.name) - visit.promise.octets
        if session is self._session:
            self._session = None
            self._over.set()

    # --- its day -------------------------------------------------------------------------------------------------

    async def live(self, began_at: float) -> None:
        deeds = deque((began_at + moment, deed) for moment, deed in self._plan.deeds)
        leaves_at = began_at + self._plan.leaves_at
        await self._clock.sleep_until(began_at + self._plan.arrives_at)
        self._truth.counts["phones that came"] += 1
        await self._probe()
        failures = 0
        while self._clock.now() < leaves_at and failures < _MOST_FAILURES:
            if self._session is None and self._is_awake:
                if self._is_done():
                    break
                if await self._get_online():
                    failures = 0
                else:
                    failures += 1
                    await self._clock.sleep(self._rng.uniform(30, 90))
            await self._wait_until(min([leaves_at, *(moment for moment, _ in deeds)]), retry=bool(failures))
            while deeds and deeds[0][0] <= self._clock.now():
                await self._do(deeds.popleft()[1])
        if failures >= _MOST_FAILURES:
            self._truth.counts["phones that gave up"] += 1
        await self._go_away()

    def _is_done(self) -> bool:
        """Its visit here is used up, or the place has closed: people go home then."""
        now, site = self._clock.now(), self._site
        if site.closes_at and now > site.closes_at - 60:
            self._truth.counts["phones that left at closing"] += 1
            return True
        visit = self._own_rights.visits.get(site.name)
        if visit is None or not visit.promise.octets or now >= visit.ends_at:
            return False
        if self._own_rights.octets_used(visit, site.name) < visit.promise.octets:
            return False
        self._truth.counts["phones that had used up their volume"] += 1
        return True

    async def _wait_until(self, moment: float, *, retry: bool) -> None:
        """Or until the session is over; then a moment until something on the phone wants the network."""
        if retry and self._is_awake:  # it has paused; one that has fallen asleep meanwhile waits for what wakes it
            return
        seconds = (moment - self._clock.now()) / self._clock.speed
        try:
            await asyncio.wait_for(self._over.wait(), max(0.0, seconds))
        except TimeoutError:
            return
        self._over.clear()
        if self._is_awake:
            await self._clock.sleep(self._rng.uniform(1, 10))

    async def _do(self, deed: Deed) -> None:
        self._truth.counts[f"deed: {deed}"] += 1
        match deed:
            case Deed.SLEEP:
                self._set_awake(awake=False)
            case Deed.WAKE:
                self._set_awake(awake=True)
            case Deed.WALK:
                self._place = (self._place + 1) % len(self._gateway.config.places)
                self._attach()
            case Deed.ROAM:
                self._leave()
                here = self._gateways.index(self._gateway)
                self._gateway = self._gateways[(here + 1) % len(self._gateways)]
                self._place %= len(self._gateway.config.places)
                self._browser.source = self._gateway.config.source_address
                self._browser.hang_up()
            case Deed.CHANGE_MAC:
                self._leave()
                self._mac, self._vouchers_held = self._new_mac(), {}
            case _ if self._session is not None:
                await self._try(self._on_its_page(deed))
        if deed is Deed.SIGN_OUT:
            await self._clock.sleep(self._rng.uniform(30, 300))

    async def _try(self, doing: Awaitable[None]) -> None:
        try:
            await doing
        except (NoAnswer, Failed) as error:
            self._truth.counts[f"page not had: {error}"] += 1
        finally:
            self._browser.hang_up()

    async def _go_away(self) -> None:
        if self._plan.says_goodbye and self._session is not None:
            await self._try(self._on_its_page(Deed.SIGN_OUT))
        self._leave()

    def _set_awake(self, *, awake: bool) -> None:
        self._is_awake = awake
        if self._station is not None:
            self._gateway.set_awake(self._station, awake=awake)

    def _leave(self) -> None:
        if self._station is not None:
            self._gateway.leave(self._station)
        self._station = self._session = None

    def _attach(self) -> Station:
        place = self._gateway.config.places[self._place]
        rates = (self._plan.download_rate, self._plan.upload_rate)
        self._station = self._gateway.attach(self._mac, self._plan.number, place, self, rates)
        return self._station

    # --- getting online ------------------------------------------------------------------------------------------

    async def _probe(self) -> None:
        """What the system asks by itself; its answer is thrown away."""
        self._attach()
        for _ in range(self._plan.probes):
            await self._try(self._get_and_forget(_PROBE))
            await self._clock.sleep(self._rng.uniform(0.5, 3))

    async def _get_and_forget(self, url: str) -> None:
        await self._timed(self._browser.get(url))

    async def _get_online(self) -> bool:
        began_at, self._machine_seconds, self._pages = self._clock.now(), 0.0, 0
        try:
            await self._through_the_portal()
            outcome = "online"
        except (NoAnswer, Failed) as error:
            outcome = str(error)
        finally:
            self._browser.hang_up()
        self._truth.sign_ins.append(SignIn(self._mac, began_at, self._machine_seconds, outcome, self._pages))
        return outcome == "online"

    async def _through_the_portal(self) -> None:
        self._attach()
        if self._session is not None:  # it was never noticed to be gone
            return
        page = await self._timed(self._browser.get(_PROBE))
        occasion = self._occasion()
        has_signed_in = False
        for _ in range(_MOST_STEPS):
            if self._session is not None:
                self._arrive(page, occasion)
                return
            if _is_announcement(page):
                if occasion is None:
                    raise Failed("an announcement where none was promised")
                occasion.shown = True
                page = await self._look_at(page, occasion)
            elif has_signed_in:
                self._forget_used_voucher(page)
                raise Failed(f"{page.status} {page.title}")
            else:
                has_signed_in = True
                page = await self._sign_in(page, occasion)
        raise Failed("the portal went on and on")

    def _arrive(self, page: Page, occasion: Occasion | None) -> None:
        if page.path.startswith("/online/"):
            self._online_url = page.url
        if occasion is not None:
            self._truth.occasions.append(occasion)

    async def _sign_in(self, page: Page, occasion: Occasion | None) -> Page:
        form = self._choose(page)
        await self._read()
        if form.path != "/sign-in":
            return await self._timed(self._browser.submit(form))
        self._asked_at, known = self._clock.now(), self._own_rights.visits.get(self._site.name)
        if occasion is not None and known is not None and known.ends_at > self._asked_at + 60:
            occasion.by_form = True
        page = await self._timed(self._browser.submit(form, self._typed(form)))
        if _is_announcement(page):  # so the visit has begun
            self._own_rights.visit(self._site, self._promise(self._site), self._asked_at)
        self._asked_at = None
        return page

    def _choose(self, page: Page) -> Form:
        """The way back to a visit that is not over, else the first time's."""
        for form in page.forms:
            if form.path in ("/continue", "/return"):
                return form
        field = "voucher_code" if self._promise(self._site).way == "voucher" else None
        for form in page.forms:
            if form.path == "/sign-in" and (field in form.fields if field else not form.fields):
                return form
        raise Failed(f"{page.status} {page.title}: no way in")

    def _forget_used_voucher(self, page: Page) -> None:
        """Of a run before this one: it takes another."""
        if page.status == 409 and self._site.name not in self._own_rights.visits:
            self._vouchers_held.pop(self._site.name, None)

    def _typed(self, form: Form) -> dict[str, str]:
        return {"voucher_code": self._vouchers_held[self._site.name]} if "voucher_code" in form.fields else {}

    async def _look_at(self, page: Page, occasion: Occasion | None = None) -> Page:
        """Until its button is there, then the tap."""
        for _ in range(5):
            form = next((each for each in page.forms if "turn" in each.values), None) if _is_ready(page) else None
            if form is not None:
                await self._read()
                rights, before = self._own_rights, self._own_rights.seen_at
                rights.seen_at = self._clock.now()  # the session that follows begins before we have the answer
                page = await self._timed(self._browser.submit(form))
                if _is_announcement(page):
                    rights.seen_at = before
                    self._truth.counts["announcements that began again"] += 1
                    continue
                self._truth.counts["announcements completed"] += 1
                if occasion is not None:
                    occasion.completed = True
                return page
            self._browser.hang_up()
            await asyncio.sleep(page.refresh_after or 1.0)  # of ours: browsers live there
            page = await self._timed(self._browser.get(page.url))
            if not _is_announcement(page):
                return page
        raise Failed("an announcement without an end")

    def _occasion(self) -> Occasion | None:
        every = self._promise(self._site).announcement_every
        if not every:
            return None
        now, rights = self._clock.now(), self._own_rights
        connected, present = rights.connected(now), rights.connected(now, present=True)
        return Occasion(self._mac, now, every, connected, present, unheard=rights.is_unheard(now))

    # --- the page of the visit -----------------------------------------------------------------------------------

    async def _on_its_page(self, deed: Deed) -> None:
        if not self._online_url:
            return
        page = await self._timed(self._browser.get(self._online_url))
        if page.status != 200:
            raise Failed(f"{page.status} {page.title}")
        match deed:
            case Deed.SIGN_OUT:
                await self._sign_out(page)
            case Deed.RENEW:
                await self._renew(page)
            case Deed.LOOK:
                await self._ask_the_api()

    async def _sign_out(self, page: Page) -> None:
        form = next((each for each in page.forms if each.path.endswith("/sign-out")), None)
        if form is None:
            raise Failed(f"no sign-out: {page.title}")
        await self._read()
        await self._timed(self._browser.submit(form))
        if self._session is not None:
            self._truth.counts["sign-outs that did nothing"] += 1

    async def _renew(self, page: Page) -> None:
        """Where the page offers it; the session goes on, and is to be lengthened."""
        form = next((each for each in page.forms if each.path.endswith("/announcement")), None)
        link = next((each for each in page.links if urlsplit(each).path.endswith("/announcement")), None)
        if form is None and link is None:
            self._truth.counts["renewal not offered"] += 1
            return
        session, occasion = self._session, self._occasion()
        await self._read()
        page = await self._timed(self._browser.submit(form) if form else self._browser.get(link or ""))
        if not _is_announcement(page) or occasion is None or session is None:
            raise Failed(f"no announcement ahead: {page.status} {page.title}")
        occasion.shown = occasion.ahead = True
        await self._look_at(page, occasion)
        self._truth.occasions.append(occasion)
        if self._session is session:
            site = self._config.sites[session.site]
            self._own_rights.set_limit(session, site, self._own_rights.visits[site.name], self._own_rights.seen_at)

    async def _ask_the_api(self) -> None:
        token = urlsplit(self._online_url).path.rpartition("/")[2]
        url = f"{self._config.portal_url}/api/captive/{token}"
        page = await self._timed(self._browser.get(url, "application/captive+json"))
        try:
            told = json.loads(page.body)
            captive, seconds = told["captive"], told.get("seconds-remaining")
        except (ValueError, TypeError, KeyError):
            raise Failed("the RFC 8908 answer cannot be read") from None
        session = self._session
        self._truth.counts["RFC 8908 answers"] += 1
        if session is not None and captive:
            self._truth.counts["RFC 8908 answers that say captive, online"] += 1
        elif session is not None and seconds is not None and session.limit_at is not None:
            self._truth.facts.append(("RFC 8908 seconds-remaining", seconds - (session.limit_at - self._clock.now())))

    # --- small things --------------------------------------------------------------------------------------------

    @property
    def _site(self) -> FleetSite:
        place = self._gateway.config.places[self._place]
        return self._config.sites[self._gateway.given.site_of[place.called_station_id]]

    @property
    def _own_rights(self) -> Rights:
        return self._rights.setdefault(self._mac, Rights())

    def _promise(self, site: FleetSite) -> Promise:
        """The first one that this phone can use: a voucher is for one phone."""
        for promise in site.promises:
            if promise.way != "voucher":
                return promise
            if site.name not in self._vouchers_held and self._vouchers.get(site.name):
                self._vouchers_held[site.name] = self._vouchers[site.name].popleft()
            if site.name in self._vouchers_held:
                return promise
        return site.promises[-1]

    def _new_mac(self) -> str:
        """Locally administered, as a phone makes one for each network; another in each run."""
        return f"{self._mac_rng.getrandbits(8) & 0xFC | 2:02x}{self._mac_rng.getrandbits(40):010x}"

    def _new_browser(self) -> Browser:
        return Browser(self._config.portal_url, self._gateway.config.source_address, self._elsewhere)

    async def _elsewhere(self, url: str) -> Response:
        return SILENCE if self._station is None else await self._gateway.answer(self._station, url)

    async def _timed(self, asking: Awaitable[Page]) -> Page:
        began = time.perf_counter()
        try:
            return await asking
        finally:
            self._machine_seconds += time.perf_counter() - began
            self._pages += 1

    async def _read(self) -> None:
        self._browser.hang_up()
        await self._clock.sleep(self._rng.uniform(*_READING))


def _is_announcement(page: Page) -> bool:
    """On the way in, or ahead of its time."""
    return page.path.endswith("/announcement")


def _is_ready(page: Page) -> bool:
    """Not before its time: a page that is still to be loaded again need not be read."""
    return page.refresh_after is None
