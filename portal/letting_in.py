"""The way from a signed-in visitor to the access point: a redirect that carries the one-time login."""

from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from flask import Response, redirect

from hotspot.adapters.one_time_login import OneTimeLogin
from hotspot.errors import Unavailable
from hotspot.models import Grant
from hotspot.portal_links import online_url
from hotspot.services.allowances import terms_of, usage_of
from hotspot.vendors import VENDORS
from hotspot.vendors.vendor import LoginMaterial
from portal.arrival import CHALLENGE_LIFE, Arrival
from portal.resources import resources


def send_to_the_nas(arrival: Arrival, login: OneTimeLogin, redirect_secret_sealed: bytes | None) -> Response:
    """With the login at once; where the challenge may be stale, by way of the NAS, which sends the browser back with
    a fresh one: the login then waits as the device's pending one."""
    made = resources()
    vendor = VENDORS[arrival.vendor]
    if arrival.challenge and arrival.is_older_than(CHALLENGE_LIFE, made.clock()):
        fresh = vendor.refresh_challenge(arrival.login_url)
        if fresh is not None:
            return see_other(fresh)
    secret = made.vault.open(redirect_secret_sealed) if redirect_secret_sealed else ""
    return see_other(
        vendor.let_in(
            LoginMaterial(
                login_url=arrival.login_url,
                challenge=arrival.challenge,
                chap_id=arrival.chap_id,
                user_name=login.user_name,
                password=login.password,
                redirect_secret=secret,
                success_url=address_online(login.terms.grant_id),
            )
        )
    )


def note_lengthened(grant_id: UUID) -> None:
    """What Redis knows of the grant is to last as long as the grant does now. When Redis is away the visit goes on all
    the same: these are hints."""
    made = resources()
    now = made.clock()
    with made.database.reading() as db:
        grant = db.get_one(Grant, grant_id)
        terms, usage = terms_of(grant, made.settings, now), usage_of(db, grant, now, made.settings)
    life = grant.ends_at - now
    if life <= timedelta(0):
        return
    with suppress(Unavailable):
        made.returning.remember({grant.device_mac: life})
        made.known.remember(grant.site_id, grant.device_mac, terms, usage, now)
    arrival = made.last_arrivals.find(grant_id)
    if arrival is not None:
        made.last_arrivals.remember(grant_id, arrival, life)


def path_online(grant_id: UUID) -> str:
    """Below the portal's address."""
    return address_online(grant_id).removeprefix(resources().settings.public_portal)


def address_online(grant_id: UUID) -> str:
    made = resources()
    return online_url(made.settings, made.vault, grant_id)


def see_other(address: str) -> Response:
    """303 (RFC 9110 section 15.4.4): the browser GETs what follows, whatever it sent."""
    answer: Response = redirect(address, 303, Response)  # type: ignore[assignment]
    return answer
