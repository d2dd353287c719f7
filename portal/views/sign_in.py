"""POST /sign-in and /continue: form, limits, one transaction, then on to the access point with a one-time login."""

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlencode

from flask import Blueprint, Response, request
from prometheus_client import Counter
from structlog import get_logger

from hotspot.adapters.last_arrival import LastArrival
from hotspot.adapters.rate_limit import ADDRESS, DEVICE, Attempt, whose
from hotspot.services.arriving import find_live_grant, get_redirect_secret
from hotspot.services.attempts import attempts_of, device_subject, subjects_of, within_limits
from hotspot.services.offers import OfferShown, SiteShown
from hotspot.services.readers import check_card, connection_for
from hotspot.services.remembering import find_returning
from hotspot.services.signing_in import (
    Announced,
    Credential,
    LibraryCard,
    OneTap,
    Remembered,
    SignedIn,
    SignInRequest,
    VoucherCodeGiven,
    return_device,
    sign_in,
    sign_in_again,
)
from hotspot.values import PASS_WAYS, RefusalReason, Refuse, Way
from portal.answers import Notice, count_refusal, notice_of, status_of
from portal.arrival import Arrival
from portal.device_family import device_family
from portal.forms import SignInForm
from portal.language import gettext, language
from portal.letting_in import see_other, send_to_the_nas
from portal.resources import resources
from portal.return_cookie import give_cookie, return_key
from portal.scanned_code import forget_code
from portal.visits import needs_arrival, shown_site
from portal.welcome_page import Shown, Typed, welcome_page

blueprint = Blueprint("sign_in", __name__)
log = get_logger()

_SIGN_INS = Counter("parvis_portal_sign_ins", "Visitors who were given a one-time login, by way", ["way"])
Answer = tuple[SignedIn | Announced, bytes | None]
"""What the core says, and the NAS's sealed redirect secret."""


@blueprint.post("/sign-in")
@needs_arrival
def post_sign_in(arrival: Arrival) -> Response:
    site = shown_site(arrival.site_id)
    form = SignInForm(request.form)
    offer = next((each for each in site.offers if each.id == form.offer.data), None)
    if offer is None or offer.way in PASS_WAYS:
        return refused(arrival, site, Refuse(RefusalReason.OFFER_NOT_HERE))
    problems = form.problems(offer)
    if problems:
        notice = Notice(gettext("There is something to correct."), fields=problems)
        return welcome_page(arrival, _shown(notice, offer, form), 422)
    credential = _credential(form, offer.way)
    asked = _request(arrival, site, form, offer, credential)
    made = resources()
    answer = within_limits(
        made.limits,
        _attempts(arrival, site, credential),
        made.clock(),
        lambda: _sign_in(_with_checked_card(asked, offer)),
    )
    if isinstance(answer, Refuse):
        subjects = subjects_of(credential, device_mac=arrival.device_mac, organisation_id=site.organisation_id)
        return refused(arrival, site, answer, offer, form, subjects=subjects)
    return let_in(arrival, *answer)


@blueprint.post("/continue")
@needs_arrival
def post_continue(arrival: Arrival) -> Response:
    """A device that comes back to a grant with something left: nothing to type."""
    made = resources()

    def again() -> Answer | Refuse:
        now = made.clock()
        with made.database.transaction() as db:
            grant = find_live_grant(db, arrival.device_mac, arrival.site_id, now, made.settings)
            if grant is None:
                return Refuse(RefusalReason.GRANT_ENDED)
            signed_in = sign_in_again(db, grant, arrival.nas_id, now, made.settings)
            secret = get_redirect_secret(db, arrival.nas_id)
        return signed_in if isinstance(signed_in, Refuse) else (signed_in, secret)

    site = shown_site(arrival.site_id)
    answer = within_limits(made.limits, [Attempt(DEVICE, arrival.device_mac)], made.clock(), again)
    if isinstance(answer, Refuse):
        return refused(arrival, site, answer)
    return let_in(arrival, *answer)


@blueprint.post("/return")
@needs_arrival
def post_return(arrival: Arrival) -> Response:
    """A remembered device whose address has changed: nothing to type."""
    made, key = resources(), return_key()

    def again() -> Answer | Refuse:
        now = made.clock()
        with made.database.transaction() as db:
            device = find_returning(db, key, arrival.site_id, now) if key is not None else None
            if device is None:
                return Refuse(RefusalReason.DEVICE_NOT_REMEMBERED)
            asked = SignInRequest(
                nas_id=arrival.nas_id,
                site_id=arrival.site_id,
                device_mac=arrival.device_mac,
                offer_id=device.offer_id,
                credential=Remembered(device),
                terms_version=device.terms_version,
                language=language(),
                device_family=device_family(request.user_agent.string),
            )
            secret = get_redirect_secret(db, arrival.nas_id)
            answer = return_device(db, device, asked, now, vault=made.vault, settings=made.settings)
        return answer if isinstance(answer, Refuse) else (answer, secret)

    site = shown_site(arrival.site_id)
    answer = within_limits(made.limits, [Attempt(DEVICE, arrival.device_mac)], made.clock(), again)
    if isinstance(answer, Refuse):
        return refused(arrival, site, answer)
    return let_in(arrival, *answer)


def _with_checked_card(asked: SignInRequest, offer: OfferShown) -> SignInRequest:
    """The library's own system is asked before the transaction: nothing waits for it with a row in its hands."""
    made, card = resources(), asked.credential
    if not isinstance(card, LibraryCard) or offer.library_system_id is None:
        return asked
    with made.database.reading() as db:
        connection = connection_for(db, offer.library_system_id, made.vault)
    return replace(asked, credential=check_card(made.libraries, connection, card.card_number, card.pin))


def _sign_in(asked: SignInRequest) -> Answer | Refuse:
    made = resources()
    with made.database.transaction() as db:
        secret = get_redirect_secret(db, asked.nas_id)
        signed_in = sign_in(db, asked, made.clock(), vault=made.vault, settings=made.settings)
    return signed_in if isinstance(signed_in, Refuse) else (signed_in, secret)


def let_in(arrival: Arrival, signed_in: SignedIn | Announced, secret: bytes | None) -> Response:
    """The grant is committed: only now may its login open the network. Where an announcement is due, that is first."""
    made, grant = resources(), signed_in.grant
    now = made.clock()
    life = grant.ends_at - now
    made.returning.remember({arrival.device_mac: life})
    if isinstance(signed_in, Announced):
        answer = see_other(address_of_announcement(arrival))
    else:
        made.known.remember(arrival.site_id, arrival.device_mac, signed_in.login.terms, signed_in.login.usage, now)
        made.logins.store(signed_in.login)
        made.last_arrivals.remember(grant.id, LastArrival(arrival.vendor, arrival.login_url, now), life)
        _SIGN_INS.labels(grant.way.value).inc()
        log.info("signed_in", grant=grant.id.hex, way=grant.way.value, nas=arrival.nas_id, site=arrival.site_id)
        answer = send_to_the_nas(arrival, signed_in.login, secret)
    forget_code(answer)
    return answer if signed_in.remembered is None else give_cookie(answer, signed_in.remembered, now)


def address_of_announcement(arrival: Arrival) -> str:
    """A page of its own, so that it can be loaded again without a form being sent twice."""
    return resources().settings.public_portal + path_of_announcement(arrival)


def path_of_announcement(arrival: Arrival) -> str:
    return f"/announcement?{urlencode({'arrival': arrival.to_token(resources().vault)})}"


def refused(
    arrival: Arrival,
    site: SiteShown,
    refusal: Refuse,
    offer: OfferShown | None = None,
    form: SignInForm | None = None,
    typed: Typed = (),
    subjects: Sequence[str] = (),
) -> Response:
    """The same page: what happened, what to do, when it will work again. `subjects`: whose refusal it is, for the desk;
    if none are given, the device's."""
    count_refusal(refusal.reason)
    log.info("sign_in_refused", reason=refusal.reason.value, nas=arrival.nas_id, site=arrival.site_id)
    now = resources().clock()
    resources().refusals.remember(subjects or [device_subject(arrival.device_mac)], refusal, now)
    notice = notice_of(refusal, now, site.hours.zone)
    answer = welcome_page(arrival, replace(_shown(notice, offer, form), typed=typed), status_of(refusal.reason))
    if refusal.reason is RefusalReason.TOO_MANY_ATTEMPTS and refusal.again_at is not None:
        answer.headers["Retry-After"] = str(int((refusal.again_at - now).total_seconds()) + 1)
    return answer


def _shown(notice: Notice, offer: OfferShown | None, form: SignInForm | None) -> Shown:
    if form is None:
        return Shown(notice, tried=offer)
    return Shown(notice, tried=offer, remember=form.remember.data, card_number=(form.card_number.data or "")[:64])


def _request(
    arrival: Arrival, site: SiteShown, form: SignInForm, offer: OfferShown, credential: Credential
) -> SignInRequest:
    accepted = form.accept_terms.data == site.terms_version
    return SignInRequest(
        nas_id=arrival.nas_id,
        site_id=arrival.site_id,
        device_mac=arrival.device_mac,
        offer_id=offer.id,
        credential=credential,
        terms_version=site.terms_version if accepted else None,
        language=language(),
        device_family=device_family(request.user_agent.string),
        remember=offer.remember_for is not None and form.remember.data,
    )


def _credential(form: SignInForm, way: Way) -> Credential:
    match way:
        case Way.LIBRARY_CARD:
            return LibraryCard(form.card_number.data or "", form.pin.data or "")
        case Way.VOUCHER:
            return VoucherCodeGiven(form.voucher_code.data or "")
        case Way.ONE_TAP:
            return OneTap()
    raise AssertionError(way)  # the others have a form of their own


def _attempts(arrival: Arrival, site: SiteShown, credential: Credential) -> list[Attempt]:
    counted = attempts_of(
        credential,
        device_mac=arrival.device_mac,
        site_id=arrival.site_id,
        organisation_id=site.organisation_id,
    )
    return [*counted, Attempt(ADDRESS, whose(request.remote_addr))]
