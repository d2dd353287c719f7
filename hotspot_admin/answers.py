"""Errors become pages here, once: what happened, and what to do about it."""

import structlog
from flask import Flask, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from hotspot.errors import Conflict, Forbidden, InvalidInput, NotFound, Unavailable
from hotspot.message_ids import mark
from hotspot_admin.language import gettext

log = structlog.get_logger()

_TITLES = {
    400: mark("This request cannot be read"),
    403: mark("You may not do this"),
    404: mark("There is no such page"),
    405: mark("This page cannot be used this way"),
    409: mark("That is in conflict with what is there"),
    413: mark("That is too large"),
    422: mark("Something in the form is not right"),
    429: mark("Too many attempts"),
    500: mark("Something went wrong on our side"),
    503: mark("Out of service for the moment"),
}
_ADVICE = {
    400: mark("Go back, reload the page and try again."),
    403: mark("Your account does not have this permission. Ask your administrator."),
    404: mark("It may have been removed, or it belongs to another organisation."),
    405: mark("Go back, and use the buttons of the page."),
    409: mark("Go back, reload the page and look at what has changed."),
    413: mark("Send a smaller file, or less text."),
    422: mark("Go back and check what you typed."),
    429: mark("Wait a few minutes, then try again."),
    500: mark("It has been noted. Try again; if it happens again, tell your administrator."),
    503: mark("Nothing was changed. Try again in a minute."),
}


def error_page(status: int, advice: str | None = None) -> tuple[str, int, dict[str, str]]:
    page = render_template(
        "error.html",
        title=_TITLES.get(status, _TITLES[500]),
        advice=advice or gettext(_ADVICE.get(status, _ADVICE[500])),
    )
    return page, status, {"Retry-After": "60"} if status in (429, 503) else {}


def _not_found(_error: NotFound) -> ResponseReturnValue:
    return error_page(404)


def _forbidden(_error: Forbidden) -> ResponseReturnValue:
    return error_page(403)


def _conflict(error: Conflict) -> ResponseReturnValue:
    return error_page(409, gettext(error.problem, **error.facts))


def _invalid(error: InvalidInput) -> ResponseReturnValue:
    return error_page(422, gettext(error.problem, **error.facts))


def _unavailable(error: Unavailable) -> ResponseReturnValue:
    log.warning("dependency down", dependency=error.dependency)
    return _plain_503()


def _plain_503() -> ResponseReturnValue:
    """Without the layout, whose language and links come from the database that may be what is down."""
    return render_template("down.html", title=_TITLES[503], advice=_ADVICE[503]), 503, {"Retry-After": "60"}


def _csrf(_error: CSRFError) -> ResponseReturnValue:
    return error_page(400, gettext("The form was open for too long, or in another window. Reload the page, try again."))


def _http(error: HTTPException) -> ResponseReturnValue:
    if error.code is None or error.code < 400:
        return error
    return error_page(error.code if error.code in _TITLES else 500 if error.code >= 500 else 400)


def _bug(error: Exception) -> ResponseReturnValue:
    log.exception("unexpected error", endpoint=request.endpoint, kind=type(error).__name__)
    return render_template("down.html", title=_TITLES[500], advice=_ADVICE[500]), 500


def install(app: Flask) -> None:
    app.register_error_handler(NotFound, _not_found)
    app.register_error_handler(Forbidden, _forbidden)
    app.register_error_handler(Conflict, _conflict)
    app.register_error_handler(InvalidInput, _invalid)
    app.register_error_handler(Unavailable, _unavailable)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _bug)
