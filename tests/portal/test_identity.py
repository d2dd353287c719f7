"""An identity provider vouches for a visitor: minutes online, there and back, the pass, the logout; and who cheats."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import select

from hotspot.adapters.identity_attempts import ON_THE_WAY
from hotspot.db import Database
from hotspot.models import Grant, IdentityProvider, PassRequest, PassState, SessionWish, Site, Visitor, WishKind
from hotspot.settings import Settings
from hotspot.values import IdentityProfile, RefusalReason, Way
from hotspot.wording import explain
from portal import create_app
from tests import factories
from tests.factories import CLIENT_SECRET
from tests.fixtures.openid import Script, a_scripted_provider
from tests.page_client import Page, PageClient
from tests.portal.conftest import ENGLISH, FRENCH, Clock, Town, redirect_of

MINUTES, HOURS = timedelta(minutes=1), timedelta(hours=1)
CODE = "a code of the provider"


@pytest.fixture
def script(now: datetime) -> Iterator[Script]:
    with a_scripted_provider() as started:
        started.now = now.timestamp()
        yield started


@pytest.fixture
def provider_id(database: Database, town: Town, script: Script) -> int:
    """FranceConnect, offered for two hours."""
    with database.transaction() as db:
        site = db.get_one(Site, town.site_id)
        provider = factories.make_identity_provider(db, organisation=site.organisation, issuer=script.issuer)
        factories.make_offer(
            db, site=site, way=Way.OPENID_CONNECT, position=4, visit_time=2 * HOURS, identity_provider_id=provider.id
        )
        return provider.id


@pytest.fixture
def online(pages: PageClient, town: Town, provider_id: int) -> str:
    """The address of the page of a visit that waits for its visitor to be identified."""
    return begin(pages, town)


def begin(pages: PageClient, town: Town, mac: str = factories.DEVICE_MAC) -> str:
    welcome = pages.get(redirect_of(town, mac=mac), headers=FRENCH)
    answer = pages.submit(welcome.form("/identity"), headers=FRENCH)
    assert answer.status == 303, answer.text
    return the_grant_page(pages, mac)


def the_grant_page(pages: PageClient, mac: str = factories.DEVICE_MAC) -> str:
    from hotspot.portal_links import online_url

    made = pages.client.application.extensions["parvis"]
    with made.database.reading() as db:
        grant = db.scalars(select(Grant).where(Grant.device_mac == mac).order_by(Grant.created_at.desc())).first()
    return urlsplit(online_url(made.settings, made.vault, grant.id)).path


@dataclass(frozen=True)
class Asked:
    """What the browser takes to the provider."""

    address: str
    query: dict[str, str]

    def back(self, **changes: str | None) -> str:
        """What it brings back."""
        issuer = self.address.removesuffix("/auth")
        said = {"code": CODE, "state": self.query["state"], "iss": issuer} | changes
        given = {name: value for name, value in said.items() if value is not None}
        return urlsplit(self.query["redirect_uri"]).path + "?" + urlencode(given)


def set_out(pages: PageClient, online: str, script: Script) -> Asked:
    answer = pages.get(online + "/identify")
    assert answer.status == 303, answer.text
    parts = urlsplit(answer.location)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    script.nonce = query.get("nonce", "")
    return Asked(f"{parts.scheme}://{parts.netloc}{parts.path}", query)


def identified(pages: PageClient, online: str, script: Script) -> Page:
    return pages.get(set_out(pages, online, script).back())


def the_grant(database: Database) -> Grant:
    with database.reading() as db:
        return db.scalars(select(Grant).where(Grant.way == Way.OPENID_CONNECT)).one()


def refused(page: Page, reason: RefusalReason, language: str = "fr") -> bool:
    return page.h1 == explain(reason, language).title


# ---- the way there ----


def test_the_offer_says_franceconnect_in_its_own_words(pages: PageClient, town: Town, provider_id: int) -> None:
    page = pages.get(redirect_of(town), headers=FRENCH)

    form = page.form("/identity")
    assert [each.text for each in form.buttons] == ["S’identifier avec FranceConnect"]
    assert "Qu’est-ce que FranceConnect\u202f?" in [each.text for each in page.root.all("summary")]
    assert "En continuant, vous acceptez les conditions d’utilisation." in form.element.text


def test_another_provider_is_called_by_its_name(
    pages: PageClient, town: Town, provider_id: int, database: Database
) -> None:
    with database.transaction() as db:
        provider = db.get_one(IdentityProvider, provider_id)
        provider.profile, provider.name = IdentityProfile.GENERIC, "Compte Loue"

    page = pages.get(redirect_of(town), headers=ENGLISH)

    assert [each.text for each in page.form("/identity").buttons] == ["Sign in with Compte Loue"]
    assert "FranceConnect" not in page.text


def test_the_device_is_let_in_for_ten_minutes_to_go_there(
    online: str, pages: PageClient, database: Database, now: datetime
) -> None:
    grant = the_grant(database)
    page = pages.get(online, headers=FRENCH)

    assert grant.ends_at == now + 10 * MINUTES
    assert grant.visitor_id is None
    assert page.h1 == "Encore une étape"
    assert page.link("S’identifier avec FranceConnect") == online + "/identify"
    assert page.link("Qu’est-ce que FranceConnect\u202f?").startswith("https://franceconnect.gouv.fr")
    assert "http://localhost:8080" + online in page.text


def test_without_the_terms_nobody_is_let_in(
    pages: PageClient, town: Town, provider_id: int, database: Database
) -> None:
    form = pages.get(redirect_of(town), headers=FRENCH).form("/identity")

    answer = pages.post("/identity", form.fields, headers=FRENCH)

    assert answer.status == 422
    with database.reading() as db:
        assert db.query(Grant).count() == 0


def test_the_minutes_are_there_once_a_day(
    online: str, pages: PageClient, town: Town, clock: Clock, redis: "Redis"
) -> None:
    clock.now += 11 * MINUTES
    redis.flushdb()  # the one-time login is over, too
    welcome = pages.get(redirect_of(town), headers=FRENCH)

    answer = pages.submit(welcome.form("/identity"), headers=FRENCH)

    assert answer.status == 403
    assert explain(RefusalReason.IDENTITY_AWAITED, "fr").title in answer.text
    assert "demain" in answer.text


def test_a_page_whose_minutes_are_over_says_so(online: str, pages: PageClient, clock: Clock) -> None:
    clock.now += 11 * MINUTES

    page = pages.get(online, headers=FRENCH)

    assert page.h1 == explain(RefusalReason.IDENTITY_AWAITED, "fr").title
    assert not page.root.all(id="identify")
    assert pages.get(online + "/identify").location.endswith(online)


def test_the_browser_leaves_with_a_cookie_of_its_own(online: str, pages: PageClient, script: Script) -> None:
    answer = pages.get(online + "/identify")

    cookie = answer.headers["Set-Cookie"]
    assert re.search(r"^parvis_identity=[\w-]{43};", cookie)
    assert {"HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=600"} <= set(cookie.split("; "))
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_with_https_no_other_host_can_plant_the_cookie(
    settings: Settings, database: Database, redis: "Redis", clock: Clock, town: Town, provider_id: int
) -> None:
    secure = settings.model_copy(update={"portal_url": type(settings.portal_url)("https://wifi.commune.test")})
    pages = PageClient(create_app(secure, database=database, redis=redis, clock=clock).test_client())
    welcome = pages.get(redirect_of(town, portal_url="https://wifi.commune.test"))
    pages.submit(welcome.form("/identity"))

    cookie = pages.get(the_grant_page(pages) + "/identify").headers["Set-Cookie"]

    assert cookie.startswith("__Host-parvis_identity=")
    assert "Secure" in cookie
    assert "Domain" not in cookie


def test_the_provider_learns_nothing_of_the_device_or_the_place(online: str, pages: PageClient, script: Script) -> None:
    asked = set_out(pages, online, script)

    assert asked.query["redirect_uri"].startswith("http://localhost:8080/identity/")
    assert factories.DEVICE_MAC not in str(asked.query)
    assert online.rsplit("/", 1)[1] not in str(asked.query)
    assert asked.query["scope"] == "openid"


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_a_link_from_elsewhere_leads_to_our_own_page_first(online: str, pages: PageClient, site: str) -> None:
    """Or a stranger could have somebody vouch for the stranger's device."""
    answer = pages.get(online + "/identify", headers={"Sec-Fetch-Site": site})

    assert answer.location == "http://localhost:8080" + online
    assert "Set-Cookie" not in answer.headers


def test_a_provider_that_is_down_is_said_by_name(online: str, pages: PageClient, script: Script) -> None:
    script.status = {"/.well-known/openid-configuration": 503}

    page = pages.get(online + "/identify", headers=FRENCH)

    assert page.status == 503
    assert page.h1 == "FranceConnect ne répond pas pour le moment."
    assert page.link("Revenir à la page de votre visite").endswith(online)


def test_nobody_sets_out_for_ever(online: str, pages: PageClient) -> None:
    statuses = [pages.get(online + "/identify").status for _ in range(12)]

    assert statuses[:10] == [303] * 10
    assert statuses[-1] == 429


# ---- the way back ----


def test_who_is_identified_stays_online_for_the_whole_visit(
    online: str, pages: PageClient, script: Script, database: Database, now: datetime
) -> None:
    answer = identified(pages, online, script)

    grant = the_grant(database)
    assert answer.location == "http://localhost:8080" + online
    assert (grant.ends_at, grant.ends_because) == (now + 2 * HOURS, RefusalReason.GRANT_ENDED)
    assert pages.get(online, headers=FRENCH).h1 == "Vous êtes en ligne"
    assert "Max-Age=0" in answer.headers["Set-Cookie"]


def test_the_visitor_is_known_by_issuer_and_subject_and_by_nothing_else(
    online: str, pages: PageClient, script: Script, database: Database
) -> None:
    script.claims = {"given_name": "Marie", "email": "marie@example.test"}
    script.user_info = {"family_name": "Durand", "birthdate": "1970-01-01"}

    identified(pages, online, script)

    with database.reading() as db:
        visitor = db.query(Visitor).one()
        assert db.query(PassRequest).one().state is PassState.GRANTED
    assert (visitor.way, the_grant(database).visitor_id) == (Way.OPENID_CONNECT, visitor.id)
    assert factories.VAULT.open(visitor.contact_sealed) == f"somebody ({script.issuer})"


def test_the_same_person_on_another_day_is_the_same_visitor(
    online: str, pages: PageClient, town: Town, script: Script, clock: Clock, database: Database
) -> None:
    identified(pages, online, script)
    clock.now += timedelta(days=1)
    script.now = clock.now.timestamp()

    identified(pages, begin(pages, town, mac="020000000002"), script)

    with database.reading() as db:
        assert db.query(Visitor).count() == 1


def test_a_connection_that_is_going_on_is_asked_to_go_on(
    online: str, pages: PageClient, script: Script, database: Database
) -> None:
    grant = the_grant(database)
    with database.transaction() as db:
        factories.make_wifi_session(db, grant=db.get_one(Grant, grant.id))

    identified(pages, online, script)

    with database.reading() as db:
        assert [each.kind for each in db.query(SessionWish)] == [WishKind.CHANGE]


def test_an_answer_that_comes_twice_counts_once(online: str, pages: PageClient, script: Script) -> None:
    asked = set_out(pages, online, script)
    cookie = pages.client.get_cookie("parvis_identity")
    assert cookie is not None
    pages.get(asked.back())
    pages.client.set_cookie("parvis_identity", cookie.value)

    page = pages.get(asked.back(), headers=FRENCH)

    assert page.status == 409
    assert refused(page, RefusalReason.IDENTITY_STALE)
    assert len(script.forms) == 1


def test_an_answer_in_another_browser_is_not_taken_and_not_used_up(
    online: str, pages: PageClient, app: Flask, script: Script, database: Database
) -> None:
    asked = set_out(pages, online, script)

    page = PageClient(app.test_client()).get(asked.back(), headers=FRENCH)

    assert refused(page, RefusalReason.IDENTITY_OTHER_BROWSER)
    assert online not in page.html, "it would lead a stranger to the page of the visit"
    assert script.forms == []
    assert pages.get(asked.back()).status == 303


def test_a_visitor_whose_own_cookie_is_there_cannot_bring_another_ones_answer(
    online: str, pages: PageClient, app: Flask, town: Town, script: Script
) -> None:
    """Login CSRF: a stranger's answer would have the visitor online in the stranger's name."""
    stranger = PageClient(app.test_client())
    theirs = set_out(stranger, begin(stranger, town, mac="020000000002"), script)
    set_out(pages, online, script)

    assert refused(pages.get(theirs.back(), headers=FRENCH), RefusalReason.IDENTITY_OTHER_BROWSER)


STATES = {"none": None, "empty": "", "made up": "x" * 43, "huge": "x" * 3000, "not plain": "é", "broken": "a\nb"}


@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
def test_a_state_that_we_did_not_make_is_over(
    online: str, pages: PageClient, script: Script, state: str | None
) -> None:
    asked = set_out(pages, online, script)

    page = pages.get(asked.back(state=state), headers=FRENCH)

    assert refused(page, RefusalReason.IDENTITY_STALE)
    assert script.forms == []


def test_a_state_that_is_there_twice_is_over(online: str, pages: PageClient, script: Script) -> None:
    asked = set_out(pages, online, script)

    assert refused(pages.get(asked.back() + "&state=x", headers=FRENCH), RefusalReason.IDENTITY_STALE)


def test_an_answer_after_the_minutes_is_too_late(
    online: str, pages: PageClient, script: Script, clock: Clock, database: Database
) -> None:
    asked = set_out(pages, online, script)
    clock.now += 10 * MINUTES
    script.now = clock.now.timestamp()

    page = pages.get(asked.back(), headers=FRENCH)

    assert refused(page, RefusalReason.IDENTITY_AWAITED)
    with database.reading() as db:
        assert db.query(Visitor).count() == 0


def test_an_attempt_does_not_outlive_its_minutes(
    online: str, pages: PageClient, script: Script, redis: "Redis"
) -> None:
    set_out(pages, online, script)

    (key,) = redis.keys("identity:attempt:*")
    assert 0 < redis.pttl(key) <= ON_THE_WAY.total_seconds() * 1000


def test_who_says_no_there_is_told_what_to_do(
    online: str, pages: PageClient, script: Script, database: Database, now: datetime
) -> None:
    asked = set_out(pages, online, script)

    page = pages.get(asked.back(code=None, error="access_denied"), headers=FRENCH)

    assert page.status == 403
    assert refused(page, RefusalReason.IDENTITY_DECLINED)
    assert page.link("Revenir à la page de votre visite").endswith(online)
    assert the_grant(database).ends_at == now + 10 * MINUTES
    assert identified(pages, online, script).status == 303


@pytest.mark.parametrize(
    ("error", "status"),
    [("temporarily_unavailable", 503), ("server_error", 503), ("invalid_request", 403), ("<script>", 403), ("", 403)],
)
def test_every_error_of_a_provider_has_its_page(
    online: str, pages: PageClient, script: Script, error: str, status: int
) -> None:
    asked = set_out(pages, online, script)

    page = pages.get(asked.back(code=None, error=error, error_description="<b>x</b>"), headers=FRENCH)

    assert page.status == status
    assert "<b>" not in page.html


@pytest.mark.parametrize("issuer", ["https://elsewhere.test", None, ""], ids=["another", "none", "empty"])
def test_an_answer_that_names_another_provider_is_not_taken_there(
    online: str, pages: PageClient, script: Script, issuer: str | None
) -> None:
    """Mix-up (RFC 9207): the code would be given to whoever is asked for the token."""
    asked = set_out(pages, online, script)

    page = pages.get(asked.back(iss=issuer), headers=FRENCH)

    assert refused(page, RefusalReason.IDENTITY_NOT_PROVEN)
    assert script.forms == []


def test_an_answer_at_the_address_of_another_provider_is_not_taken_there(
    online: str, pages: PageClient, script: Script, database: Database, town: Town, provider_id: int
) -> None:
    with a_scripted_provider() as other:
        with database.transaction() as db:
            organisation = db.get_one(Site, town.site_id).organisation
            attacker = factories.make_identity_provider(db, organisation=organisation, issuer=other.issuer).id
        asked = set_out(pages, online, script)
        elsewhere = asked.back(iss=other.issuer).replace(f"/{provider_id}/", f"/{attacker}/")

        page = pages.get(elsewhere, headers=FRENCH)

        assert refused(page, RefusalReason.IDENTITY_NOT_PROVEN)
        assert other.forms == []
    assert script.forms == []


def test_a_token_that_proves_nobody_leaves_the_minutes_as_they_are(
    online: str, pages: PageClient, script: Script, database: Database, now: datetime
) -> None:
    script.claims = {"nonce": "another"}

    page = identified(pages, online, script)

    assert page.status == 403
    assert the_grant(database).ends_at == now + 10 * MINUTES
    with database.reading() as db:
        assert db.query(Visitor).count() == 0


def test_a_provider_that_is_down_on_the_way_back_is_said_by_name(
    online: str, pages: PageClient, script: Script
) -> None:
    script.status = {"/token": 503}

    page = identified(pages, online, script)

    assert page.status == 503
    assert page.headers["Retry-After"] == "60"


def test_a_provider_that_was_retired_meanwhile_is_not_asked(
    online: str, pages: PageClient, script: Script, database: Database, provider_id: int, now: datetime
) -> None:
    asked = set_out(pages, online, script)
    with database.transaction() as db:
        db.get_one(IdentityProvider, provider_id).retired_at = now

    assert refused(pages.get(asked.back(), headers=FRENCH), RefusalReason.OFFER_NOT_HERE)
    assert script.forms == []


def test_a_person_who_has_a_device_online_already_may_not_have_a_second(
    online: str, pages: PageClient, app: Flask, town: Town, script: Script, database: Database
) -> None:
    identified(pages, online, script)
    with database.transaction() as db:
        factories.make_wifi_session(db, grant=db.get_one(Grant, the_grant(database).id))
    second = PageClient(app.test_client())

    page = identified(second, begin(second, town, mac="020000000002"), script)

    assert refused(page, RefusalReason.TOO_MANY_DEVICES)


def test_nothing_of_the_way_stands_readable_in_redis(
    online: str, pages: PageClient, script: Script, redis: "Redis"
) -> None:
    asked = set_out(pages, online, script)
    pages.get(asked.back())

    kept = b"".join(key + (redis.get(key) or b"") for key in redis.keys("identity:*"))
    assert kept
    for secret in (asked.query["state"], asked.query["nonce"], "somebody", "eyJ"):
        assert secret.encode() not in kept


def test_nothing_of_the_way_is_logged(
    online: str, pages: PageClient, script: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = set_out(pages, online, script)
    pages.get(asked.back())

    written = "".join(capsys.readouterr())
    for secret in (asked.query["state"], asked.query["nonce"], CODE, "somebody", CLIENT_SECRET):
        assert secret not in written


# ---- the way out ----


def signed_out(pages: PageClient, online: str) -> Page:
    return pages.submit(pages.get(online).form(online + "/sign-out"), headers=FRENCH)


def test_who_signs_out_here_is_led_to_the_logout_there_and_back(online: str, pages: PageClient, script: Script) -> None:
    identified(pages, online, script)

    page = signed_out(pages, online)
    way_out = page.link("Se déconnecter de FranceConnect")
    query = {name: values[0] for name, values in parse_qs(urlsplit(way_out).query).items()}

    assert page.headers["Refresh"] == f"0; url={way_out}"
    assert way_out.startswith(script.issuer + "/out?")
    assert query["post_logout_redirect_uri"] == "http://localhost:8080/identity/signed-out"
    assert query["id_token_hint"].startswith("eyJ")
    back = pages.get(f"/identity/signed-out?state={query['state']}")
    assert back.location == "http://10.1.0.1:3990/logoff"


def test_the_logout_there_is_done_once(online: str, pages: PageClient, script: Script) -> None:
    identified(pages, online, script)
    signed_out(pages, online)

    assert signed_out(pages, online).location == "http://10.1.0.1:3990/logoff"


def test_before_anything_is_proven_there_is_nothing_to_sign_out_of(online: str, pages: PageClient) -> None:
    assert signed_out(pages, online).location == "http://10.1.0.1:3990/logoff"


def test_what_is_kept_for_the_logout_ends_with_the_visit(
    online: str, pages: PageClient, script: Script, redis: "Redis"
) -> None:
    identified(pages, online, script)

    (key,) = redis.keys("identity:token:*")
    assert redis.pttl(key) == pytest.approx(2 * HOURS / timedelta(milliseconds=1), abs=60_000)


@pytest.mark.parametrize("broken", ["down", "no logout"])
def test_a_provider_without_logout_keeps_nobody_online(
    online: str, pages: PageClient, script: Script, broken: str
) -> None:
    identified(pages, online, script)
    if broken == "down":
        pages.client.application.extensions["parvis"].identity_providers._known.clear()
        script.status = {"/.well-known/openid-configuration": 503}
    else:
        pages.client.application.extensions["parvis"].identity_providers._known.clear()
        script.facts = {"end_session_endpoint": None}

    assert signed_out(pages, online).location == "http://10.1.0.1:3990/logoff"


@pytest.mark.parametrize(
    "query", ["", "?state=", "?state=made-up", "?state=x&state=y", "?state=https://elsewhere.test", "?url=//elsewhere"]
)
def test_nobody_is_led_anywhere_by_a_return_that_we_do_not_await(pages: PageClient, town: Town, query: str) -> None:
    page = pages.get("/identity/signed-out" + query, headers=FRENCH)

    assert page.status == 200
    assert page.location == ""
    assert "elsewhere" not in page.html


def test_a_return_is_awaited_once(online: str, pages: PageClient, script: Script) -> None:
    identified(pages, online, script)
    way_out = signed_out(pages, online).link("Se déconnecter de FranceConnect")
    back = f"/identity/signed-out?state={parse_qs(urlsplit(way_out).query)['state'][0]}"
    pages.get(back)

    assert pages.get(back).status == 200


# ---- when Redis is away ----


def test_without_redis_nobody_sets_out(
    online: str, settings: Settings, database: Database, clock: Clock, provider_id: int
) -> None:
    nowhere = settings.model_copy(update={"redis_url": "unix:///nonexistent.sock"})
    pages = PageClient(create_app(nowhere, database=database, clock=clock).test_client())

    assert pages.get(online + "/identify").status == 503
    assert pages.get("/identity/1/callback?state=x&code=y").status == 503
    assert pages.get("/identity/signed-out?state=x").status == 200


def test_no_other_form_takes_the_offer(pages: PageClient, town: Town, provider_id: int) -> None:
    fields = pages.get(redirect_of(town), headers=FRENCH).form("/identity").fields

    for form in ("/pass", "/sign-in"):
        assert pages.post(form, {**fields, "accept_terms": "3"}, headers=FRENCH).status == 403


def test_an_answer_page_is_read_in_another_language_without_its_query(
    online: str, pages: PageClient, script: Script
) -> None:
    asked = set_out(pages, online, script)
    page = pages.get(asked.back(code=None, error="access_denied"), headers=FRENCH)

    assert page.link("English") == "http://localhost:8080/refused/identity_declined?lang=en"
