"""What the views have in common that send visitors to an identity provider: the provider, the browser's cookie.

The cookie says that whoever comes back is who set out. It stands on a visitor's browser for ten minutes at most, holds
a random number, and is there for nobody who signs in in another way.
"""

from urllib.parse import urlsplit

from flask import Response, request

from hotspot.adapters.identity_attempts import ON_THE_WAY
from hotspot.adapters.openid.provider import OpenIdProvider
from hotspot.errors import Unavailable
from hotspot.models import Grant, IdentityProvider
from hotspot.portal_links import identity_signed_out_url
from hotspot.services.identity_providers import settings_of
from portal.answers import page
from portal.letting_in import address_online
from portal.resources import resources
from portal.visits import shown_site


def speak_with(provider: IdentityProvider) -> OpenIdProvider:
    made = resources()
    return made.identity_providers.get(provider.id, settings_of(provider, made.settings, made.vault))


def sign_out_there(grant: Grant, onward: str) -> Response | None:
    """A page that leads to the provider's logout, from where the browser comes back and is led `onward`; None where
    there is nothing to sign out of, or no way to. A page, and no redirect: what a form may end at is limited, and where
    providers pass a logout on to is theirs to know."""
    made = resources()
    kept = made.identity_attempts.take_for_logout(grant.id)
    if kept is None:
        return None
    provider_id, id_token = kept
    with made.database.reading() as db:
        provider = db.get(IdentityProvider, provider_id)
    state = made.identity_attempts.await_return(onward)
    if provider is None or state is None:
        return None
    try:
        way_out = speak_with(provider).way_out(id_token, state, identity_signed_out_url(made.settings))
    except Unavailable:
        return None
    if way_out is None:
        return None
    site, visit = shown_site(grant.site_id), address_online(grant.id)
    answer = page("signing_out.html", site=site, provider=provider, way_out=way_out, visit=visit)
    answer.headers["Refresh"] = f"0; url={way_out}"
    return answer


def give_cookie(response: Response, browser: str) -> Response:
    """Lax: it comes along when the provider sends the browser back, and with nothing that another site's page loads."""
    response.set_cookie(
        _name(), browser, max_age=ON_THE_WAY, path=_path(), secure=_is_encrypted(), httponly=True, samesite="Lax"
    )
    return response


def take_cookie(response: Response) -> Response:
    response.delete_cookie(_name(), path=_path(), secure=_is_encrypted(), httponly=True, samesite="Lax")
    return response


def browser_of_request() -> str:
    return request.cookies.get(_name(), "")


def _name() -> str:
    """With its prefix no other host of the domain, and nobody on the line, can plant one (RFC 6265bis, 4.1.3)."""
    return "__Host-parvis_identity" if _is_encrypted() else "parvis_identity"


def _path() -> str:
    return "/" if _is_encrypted() else urlsplit(resources().settings.public_portal).path or "/"


def _is_encrypted() -> bool:
    return resources().settings.portal_url.scheme == "https"
