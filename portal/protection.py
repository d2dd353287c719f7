"""What protects every answer: security headers, no copy in a cache, and proxies believed only if known.

Answers are compressed here, so that a page that a NAS fetches through nothing else still weighs what it should.
"""

import gzip
from base64 import b64encode
from collections.abc import Callable, Iterable
from functools import lru_cache
from hashlib import sha256
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, g, request
from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header
from werkzeug.middleware.proxy_fix import ProxyFix

from hotspot.settings import Settings

BIGGEST_FORM = 16 * 1024
"""Octets: an arrival token and three short fields."""

_WORTH_COMPRESSING = 1000


def style_source(css: str) -> str:
    """The style sheet is a part of the page; the policy knows it by its digest."""
    return f"'sha256-{b64encode(sha256(css.encode()).digest()).decode()}'"


def allow_style(source: str) -> None:
    """One more style in this page, by its digest."""
    allowed = g.get("own_styles", ())
    if source not in allowed:
        g.own_styles = (*allowed, source)


def may_lead_anywhere(address: str) -> None:
    """The form of this page ends at an advertiser's address, which may lead on to another of its hosts: form-action
    governs those redirects too, and where they go is not ours to know. Still not from https to http."""
    g.form_target = "https:" if address.lower().startswith("https:") else "http: https:"


def is_fetched_ahead() -> bool:
    """By a browser that guesses where its person goes next, or for its headers alone: nobody sees the page."""
    purposes = (request.headers.get(name, "") for name in ("Sec-Purpose", "Purpose", "X-Moz"))
    return request.method == "HEAD" or any("prefetch" in purpose.lower() for purpose in purposes)


def may_lead_to(login_url: str) -> None:
    """Forms of this page may end at this access point: form-action governs the redirect after a POST too.

    The address has been checked against the NAS.
    """
    g.form_target = _origin(login_url)


def may_be_framed_by(address: str) -> None:
    """Pages of this application may show this one inside of them."""
    g.framed_by = _origin(address)


def _origin(address: str) -> str:
    """A policy cannot name an IPv6 address: its scheme has to do."""
    parts = urlsplit(address)
    return f"{parts.scheme}:" if ":" in (parts.hostname or "") else f"{parts.scheme}://{parts.netloc}"


def install(app: Flask, settings: Settings, css: str) -> None:
    app.config.update(MAX_CONTENT_LENGTH=BIGGEST_FORM, MAX_FORM_MEMORY_SIZE=BIGGEST_FORM, MAX_FORM_PARTS=20)
    style = style_source(css)
    encrypted = settings.portal_url.scheme == "https"

    @app.after_request
    def _protect(response: Response) -> Response:
        headers = response.headers
        own, framed_by = g.get("own_styles", ()), g.get("framed_by", "'none'")
        headers["Content-Security-Policy"] = (
            f"default-src 'none'; {' '.join(('style-src', style, *own))}; img-src 'self' data:; base-uri 'none'; "
            f"frame-ancestors {framed_by}; form-action 'self' {g.get('form_target', '')}".rstrip()
        )
        headers["Referrer-Policy"] = "no-referrer"
        headers["X-Content-Type-Options"] = "nosniff"
        headers.setdefault("Cache-Control", "no-store")
        if encrypted:
            headers["Strict-Transport-Security"] = "max-age=31536000"
        return _compressed(response)

    app.wsgi_app = BehindKnownProxies(app.wsgi_app, settings)  # type: ignore[method-assign]


def takes_gzip() -> bool:
    return _takes_gzip(request.headers.get("Accept-Encoding", ""))


@lru_cache(maxsize=256)
def _takes_gzip(accepted: str) -> bool:
    return parse_accept_header(accepted, Accept)["gzip"] > 0


def _compressed(response: Response) -> Response:
    if response.mimetype != "text/html" or response.direct_passthrough:
        return response
    response.headers["Vary"] = "Accept-Encoding"
    if "Content-Encoding" in response.headers or not takes_gzip():
        return response
    body = response.get_data()
    if len(body) >= _WORTH_COMPRESSING:
        response.set_data(gzip.compress(body, 6, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response


class BehindKnownProxies:
    """X-Forwarded-For and -Proto are believed from the proxies that the settings name, from nobody else."""

    def __init__(self, app: Callable[..., Iterable[bytes]], settings: Settings) -> None:
        self._direct = app
        self._proxied = ProxyFix(app, x_for=1, x_proto=1)
        self._known = settings.trusted_proxies

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ["parvis.through_proxy"] = any(name in environ for name in _FORWARDED)
        return (self._proxied if self._trusts(environ.get("REMOTE_ADDR", "")) else self._direct)(
            environ, start_response
        )

    def _trusts(self, address: str) -> bool:
        try:
            peer = ip_address(address)
        except ValueError:
            return False
        return any(peer in network for network in self._known)


_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP", "HTTP_FORWARDED", "HTTP_VIA")
