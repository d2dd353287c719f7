"""To an identity provider and back: some minutes online, the way there, the answer, the way out.

Nothing that comes back is believed because it came: its state must be one that we made, for this browser, a moment ago
and not used yet; it must come from the provider that was asked; and what it proves is checked with that provider.
"""

import re
from http import HTTPStatus

from flask import Blueprint, Response, abort, request
from prometheus_client import Counter
from structlog import get_logger

from hotspot.adapters.identity_attempts import IdentityAttempt, is_same, new_browser
from hotspot.adapters.openid.provider import DEPENDENCY, NotProven, Proof, Secrets, new_secrets
from hotspot.adapters.openid.tokens import Flaw
from hotspot.adapters.rate_limit import IDENTITY, PASS_ADDRESS, PASS_DEVICE, PASS_SITE, Attempt, whose
from hotspot.errors import Unavailable
from hotspot.models import IdentityProvider
from hotspot.portal_links import grant_of_token, refused_url
from hotspot.services.arriving import get_redirect_secret
from hotspot.services.attempts import within_message_limits
from hotspot.services.identifying import Identifying, find_identifying, find_provider, open_to_identify, settle
from hotspot.services.signing_in import Announced, SignedIn
from hotspot.values import RefusalReason, Refuse, Way
from portal.answers import Way as WayOn
from portal.answers import count_refusal, page, refusal_page
from portal.arrival import Arrival
from portal.identity import browser_of_request, give_cookie, speak_with, take_cookie
from portal.language import gettext, language, speak
from portal.letting_in import address_online, note_lengthened, see_other
from portal.pass_forms import PassForm
from portal.resources import resources
from portal.views.sign_in import let_in, refused
from portal.visits import needs_arrival, shown_site

blueprint = Blueprint("identity", __name__)
log = get_logger()

_IDENTIFIED = Counter("parvis_portal_identified", "Answers of identity providers, by what came of them", ["outcome"])
_ERROR = re.compile(r"[a-z_]{1,40}")
_LONGEST = 2048


@blueprint.post("/identity")
@needs_arrival
def post_identity(arrival: Arrival) -> Response:
    """The terms are accepted: the device is let in for some minutes. The page of its visit leads on from there."""
    site, form, made = shown_site(arrival.site_id), PassForm(request.form), resources()
    offers = [each for each in site.offers if each.way is Way.OPENID_CONNECT]
    offer = next((each for each in offers if each.id == form.offer.data), None)
    if offer is None:
        return refused(arrival, site, Refuse(RefusalReason.OFFER_NOT_HERE))
    ask = form.ask(arrival, site)

    def opened() -> tuple[SignedIn | Announced, bytes | None] | Refuse:
        with made.database.transaction() as db:
            signed_in = open_to_identify(db, ask, made.clock(), made.vault, made.settings)
            return signed_in if isinstance(signed_in, Refuse) else (signed_in, get_redirect_secret(db, ask.nas_id))

    asked = [
        Attempt(PASS_DEVICE, arrival.device_mac),
        Attempt(PASS_ADDRESS, whose(request.remote_addr)),
        Attempt(PASS_SITE, str(arrival.site_id)),
    ]
    answer = within_message_limits(made.limits, asked, [], made.clock(), opened)
    return refused(arrival, site, answer, offer) if isinstance(answer, Refuse) else let_in(arrival, *answer)


@blueprint.get("/online/<token>/identify")
def get_identify(token: str) -> Response:
    """Only from our own page, which says for which device: nobody is to vouch for a stranger's by following a link."""
    made = resources()
    grant_id = grant_of_token(made.vault, token)
    if grant_id is None:
        abort(HTTPStatus.NOT_FOUND)
    with made.database.reading() as db:
        waiting = find_identifying(db, grant_id, made.clock())
    if waiting is None or request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return see_other(address_online(grant_id))
    speak(waiting.language)
    if made.limits.take([Attempt(IDENTITY, grant_id.hex)]) is not None:
        return _refused(Refuse(RefusalReason.TOO_MANY_ATTEMPTS), waiting)
    return _sent_there(waiting)


@blueprint.get("/identity/<int(max=2147483647):provider_id>/callback")
def get_callback(provider_id: int) -> Response:
    made = resources()
    state = _said("state")
    attempt = made.identity_attempts.find(state) if state else None
    if attempt is None:
        return _refused(Refuse(RefusalReason.IDENTITY_STALE))
    speak(attempt.language)
    if not is_same(attempt.browser, browser_of_request()):
        return _refused(Refuse(RefusalReason.IDENTITY_OTHER_BROWSER))
    if attempt.provider_id != provider_id:
        log.warning("identity_mixed_up", asked=attempt.provider_id, answered=provider_id)
        return _refused(Refuse(RefusalReason.IDENTITY_NOT_PROVEN), attempt)
    if not made.identity_attempts.use_up(state):
        return _refused(Refuse(RefusalReason.IDENTITY_STALE))
    with made.database.reading() as db:
        provider = find_provider(db, provider_id)
    if provider is None:
        return take_cookie(_refused(Refuse(RefusalReason.OFFER_NOT_HERE), attempt))
    return take_cookie(_answered(attempt, state, provider))


@blueprint.get("/identity/signed-out")
def get_signed_out() -> Response:
    """After the logout there: on to the access point, if it was us who began it."""
    state = _said("state")
    onward = resources().identity_attempts.take_onward(state) if state else None
    if onward is not None:
        return see_other(onward)
    return page(
        "message.html",
        title=gettext("You are signed out."),
        what_to_do=gettext("If you are still online here, the page of your visit has a button to sign out."),
    )


def _sent_there(waiting: Identifying) -> Response:
    made, asked, browser = resources(), new_secrets(), new_browser()
    try:
        way_there = speak_with(waiting.provider).way_there(asked)
    except Unavailable as error:
        return _out_of_order(error, waiting.provider, waiting)
    attempt = IdentityAttempt(
        request_id=waiting.request_id,
        grant_id=waiting.grant_id,
        provider_id=waiting.provider.id,
        nonce=asked.nonce,
        code_verifier=asked.code_verifier,
        browser=browser,
        language=language(),
    )
    made.identity_attempts.begin(asked.state, attempt)
    return give_cookie(see_other(way_there), browser)


def _answered(attempt: IdentityAttempt, state: str, provider: IdentityProvider) -> Response:
    """The provider is asked with no transaction open: it may take seconds."""
    made, spoken_with = resources(), speak_with(provider)
    try:
        if not spoken_with.is_from(request.args.get("iss")):
            return _not_proven(attempt, NotProven(Flaw.ISSUER))
        if not _said("code"):
            return _declined(attempt, provider)
        asked = Secrets(state, attempt.nonce, attempt.code_verifier)
        found = spoken_with.prove(_said("code"), asked, made.clock())
    except Unavailable as error:
        return _out_of_order(error, provider, attempt)
    if isinstance(found, NotProven):
        return _not_proven(attempt, found)
    return _proven(attempt, found)


def _proven(attempt: IdentityAttempt, proof: Proof) -> Response:
    made, now = resources(), resources().clock()
    with made.database.transaction() as db:
        grant = settle(db, attempt.request_id, proof, now, made.vault, made.settings)
    if isinstance(grant, Refuse):
        return _refused(grant, attempt)
    made.identity_attempts.keep_for_logout(grant.id, attempt.provider_id, proof.id_token, grant.ends_at - now)
    note_lengthened(grant.id)
    _IDENTIFIED.labels("proven").inc()
    log.info("identified", grant=grant.id.hex, provider=attempt.provider_id)
    return see_other(address_online(grant.id))


def _declined(attempt: IdentityAttempt, provider: IdentityProvider) -> Response:
    """An answer without a code: the person said no, or the provider could not (RFC 6749 section 4.1.2.1)."""
    said = _said("error")
    log.info("identity_declined", provider=provider.id, error=said if _ERROR.fullmatch(said) else "")
    match said:
        case "access_denied":
            return _refused(Refuse(RefusalReason.IDENTITY_DECLINED), attempt)
        case "temporarily_unavailable" | "server_error":
            return _out_of_order(Unavailable(DEPENDENCY), provider, attempt)
    return _refused(Refuse(RefusalReason.IDENTITY_NOT_PROVEN), attempt)


def _not_proven(attempt: IdentityAttempt, found: NotProven) -> Response:
    """A client that is refused is a mistake of ours, which staff have to know of."""
    tell = log.error if found.flaw is Flaw.CLIENT_REFUSED else log.warning
    tell("identity_not_proven", provider=attempt.provider_id, flaw=found.flaw.value, error=found.said)
    return _refused(Refuse(RefusalReason.IDENTITY_NOT_PROVEN), attempt)


def _refused(refusal: Refuse, visit: IdentityAttempt | Identifying | None = None) -> Response:
    """`visit`: the one to go back to, once it is certain that this browser is on it."""
    count_refusal(refusal.reason)
    _IDENTIFIED.labels(refusal.reason.value).inc()
    at = refused_url(resources().settings, refusal.reason)  # in another language, without what came in the query
    return refusal_page(refusal, way=_back_to(visit), language_at=at)


def _out_of_order(error: Unavailable, provider: IdentityProvider, visit: IdentityAttempt | Identifying) -> Response:
    if error.dependency != DEPENDENCY:
        raise error
    _IDENTIFIED.labels("unavailable").inc()
    log.error("unavailable", dependency=error.dependency, provider=provider.id)
    answer = page(
        "message.html",
        HTTPStatus.SERVICE_UNAVAILABLE,
        title=gettext("%(name)s does not answer at the moment.", name=provider.name),
        what_to_do=gettext("Try again in a minute, or choose another way to connect. Nothing was passed on."),
        way=_back_to(visit),
        language_at=address_online(visit.grant_id),
    )
    answer.headers["Retry-After"] = "60"
    return answer


def _back_to(visit: IdentityAttempt | Identifying | None) -> WayOn | None:
    if visit is None:
        return None
    return WayOn(address_online(visit.grant_id), gettext("Back to the page of your visit"))


def _said(name: str) -> str:
    """A parameter that stands there once and can be what it is called; empty for any other."""
    values = request.args.getlist(name)
    if len(values) != 1 or len(values[0]) > _LONGEST or not values[0].isascii() or not values[0].isprintable():
        return ""
    return values[0]
