"""A staff member's visit: the cookie, who it belongs to, and when it is over (12 hours, or 2 hours without a click)."""

from datetime import UTC, datetime, timedelta

from flask import Flask, g, request, session
from flask_login import LoginManager, UserMixin, login_user, logout_user

from hotspot.services.staff import Scope, SignedInStaff, find_scope
from hotspot_admin.resources import now, resources

LONGEST_VISIT = timedelta(hours=12)
LONGEST_PAUSE = timedelta(hours=2)


class StaffUser(UserMixin):  # type: ignore[misc]
    """What Flask-Login calls the user: the scope, and the key that ties the cookie to the account."""

    def __init__(self, scope: Scope, session_key: str) -> None:
        self.scope = scope
        self.session_key = session_key

    def get_id(self) -> str:
        return f"{self.scope.staff_id}:{self.session_key}"


def begin(signed_in: SignedInStaff) -> Scope | None:
    """After a right password. What the cookie held before is dropped, so that nobody can plant it."""
    session.clear()
    user = _load(f"{signed_in.staff_id}:{signed_in.session_key}")
    if user is None:
        return None
    login_user(user)
    session["began_at"] = session["seen_at"] = now().timestamp()
    g.pop("language", None)
    return user.scope


def end() -> None:
    logout_user()
    session.clear()


def _load(user_id: str) -> StaffUser | None:
    staff_id, _, session_key = user_id.partition(":")
    if not staff_id.isdigit():
        return None
    with resources().database.reading() as db:
        scope = find_scope(db, int(staff_id), session_key)
    return None if scope is None else StaffUser(scope, session_key)


def _end_if_over() -> None:
    """A page that refreshes itself (`?auto`) is no sign of life."""
    if "_user_id" not in session or request.endpoint == "static":
        return
    began_at, seen_at = (datetime.fromtimestamp(session.get(name, 0), UTC) for name in ("began_at", "seen_at"))
    if now() >= began_at + LONGEST_VISIT or now() >= seen_at + LONGEST_PAUSE:
        session.clear()
    elif "auto" not in request.args and now() - seen_at > timedelta(minutes=1):
        session["seen_at"] = now().timestamp()


def install(app: Flask) -> None:
    """Before the guard of `access.py`, which asks who it is."""
    app.before_request(_end_if_over)
    manager = LoginManager(app)
    manager.session_protection = None  # the library would tie the visit to the address, which changes on a desk's Wi-Fi
    manager.user_loader(_load)
