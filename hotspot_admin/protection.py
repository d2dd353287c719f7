"""What protects every answer: security headers, a policy without inline code, no copies in caches, CSRF tokens."""

import secrets

from flask import Flask, Response, g, request
from flask_wtf import CSRFProtect

from hotspot.settings import Settings
from hotspot_admin.resources import resources

BIGGEST_FORM = 4 * 1024 * 1024
"""Octets: a patron file of 50,000 lines."""


def nonce() -> str:
    """For a script of ours in a page; there is none that a page needs."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(16)
    made: str = g.nonce
    return made


def _add_headers(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'nonce-{nonce()}'; style-src 'self'; img-src 'self' data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
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


def install(app: Flask, settings: Settings) -> None:
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
    app.after_request(_add_headers)
    app.jinja_env.globals.update(nonce=nonce)
