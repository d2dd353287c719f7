"""What protects every answer: security headers, a policy without inline code, no copies in caches, CSRF tokens."""

import secrets
from collections.abc import Callable, Iterable
from io import BytesIO
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Request, Response, g, request
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from hotspot.settings import Settings
from hotspot_admin.resources import resources

BIGGEST_FORM = 6 * 1024 * 1024
"""Octets: the largest patron file (5 MB) and the form around it."""


def nonce() -> str:
    """For a script of ours in a page; there is none that a page needs."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(16)
    made: str = g.nonce
    return made


def may_frame(address: str) -> None:
    """This page shows pages of the application at this address inside of it. A policy cannot name an IPv6 address: its
    scheme has to do."""
    parts = urlsplit(address)
    origin = f"{parts.scheme}:" if ":" in (parts.hostname or "") else f"{parts.scheme}://{parts.netloc}"
    g.frames = f"; frame-src {origin}"


def _add_headers(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'nonce-{nonce()}'; style-src 'self'; img-src 'self' data:; "
        f"form-action 'self'; base-uri 'none'; frame-ancestors 'none'{g.get('frames', '')}"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
    response.headers["Cache-Control"] = "public, max-age=3600" if request.endpoint == "static" else "no-store"
    if resources().settings.staff_url.scheme == "https":
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    return response


class BehindKnownProxies:
    """X-Forwarded-For and -Proto count only when they come from a proxy that the settings name."""

    def __init__(self, app: Callable[..., Iterable[bytes]], known: Iterable[IPv4Network | IPv6Network]) -> None:
        self._direct = app
        self._proxied = ProxyFix(app, x_for=1, x_proto=1)
        self._known = tuple(known)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        app = self._proxied if self._trusts(environ.get("REMOTE_ADDR", "")) else self._direct
        return app(environ, start_response)

    def _trusts(self, address: str) -> bool:
        try:
            peer = ip_address(address)
        except ValueError:
            return False
        return any(peer in network for network in self._known)


class InMemory(Request):
    """An uploaded file stays in memory: a library's PINs in clear are not for a temporary file."""

    def _get_file_stream(self, *_: object, **__: object) -> BytesIO:
        return BytesIO()


def install(app: Flask, settings: Settings) -> None:
    app.request_class = InMemory
    app.config.update(
        MAX_CONTENT_LENGTH=BIGGEST_FORM,
        MAX_FORM_MEMORY_SIZE=BIGGEST_FORM,
        SESSION_COOKIE_NAME="parvis_staff",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.staff_url.scheme == "https",
        WTF_CSRF_TIME_LIMIT=None,  # as long as the visit
        WTF_I18N_ENABLED=False,  # every message is ours
    )
    CSRFProtect(app)
    app.wsgi_app = BehindKnownProxies(app.wsgi_app, settings.trusted_proxies)  # type: ignore[method-assign]
    app.after_request(_add_headers)
    app.jinja_env.globals.update(nonce=nonce)
