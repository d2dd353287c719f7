"""Mistakes in the asking, things that are down, and bugs: translated here and nowhere else in the portal."""

from http import HTTPStatus

from flask import Flask, Response
from structlog import get_logger
from werkzeug.exceptions import HTTPException

from hotspot.errors import Conflict, Forbidden, HotspotError, InvalidInput, NotFound, Unavailable
from hotspot.message_ids import mark
from portal.answers import page
from portal.language import gettext

log = get_logger()

_STATUSES: dict[type[HotspotError], HTTPStatus] = {
    InvalidInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotFound: HTTPStatus.NOT_FOUND,
    Forbidden: HTTPStatus.FORBIDDEN,
    Conflict: HTTPStatus.CONFLICT,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}

_WORDS: dict[int, tuple[str, str]] = {
    404: (
        mark("There is nothing at this address."),
        mark("Connect to the public Wi-Fi and open any page: you will be brought to the right place."),
    ),
    405: (
        mark("This address cannot be used in this way."),
        mark("Go back to the page that you came from and use its buttons."),
    ),
    413: (
        mark("That was more than this form takes."),
        mark("Go back and type only your card number and PIN, or your code."),
    ),
    503: (
        mark("The Wi-Fi service is out of order for a moment."),
        mark("This is our fault, not yours. Wait a minute, then try again: nothing that you were given is lost."),
    ),
    500: (
        mark("Something went wrong on our side."),
        mark("This is our fault, not yours. Wait a minute, then try again."),
    ),
}
_OTHER = (
    mark("This request could not be understood."),
    mark("Turn your Wi-Fi off and on again to start afresh."),
)


def install(app: Flask) -> None:
    app.register_error_handler(HotspotError, _mistake)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _bug)


def _mistake(error: HotspotError) -> Response:
    status = _STATUSES.get(type(error), HTTPStatus.INTERNAL_SERVER_ERROR)
    if isinstance(error, Unavailable):
        log.error("unavailable", dependency=error.dependency)
    return _error_page(status)


def _http_error(error: HTTPException) -> Response:
    answer = _error_page(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            answer.headers[name] = value
    return answer


def _bug(error: Exception) -> Response:
    log.error("bug", exc_info=error)
    return _error_page(HTTPStatus.INTERNAL_SERVER_ERROR)


def _error_page(status: int) -> Response:
    title, what_to_do = _WORDS.get(status, _OTHER)
    answer = page("message.html", status, title=gettext(title), what_to_do=gettext(what_to_do))
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        answer.headers["Retry-After"] = "60"
    return answer
