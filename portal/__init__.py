"""For citizens: the page that an access point sends a browser to, and the way from there to the network.

No script, no file beside the page, no cookie but for whoever scans a voucher (`scanned_code.py`) or has a device
remembered (`return_cookie.py`): state is in the signed arrival, the style sheet in the page itself.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask
from markupsafe import Markup
from redis import Redis

from hotspot.adapters.identity_attempts import IdentityAttempts
from hotspot.adapters.known_devices import KnownDevices
from hotspot.adapters.last_arrival import LastArrivals
from hotspot.adapters.last_refusal import LastRefusals
from hotspot.adapters.library_systems.libraries import Libraries
from hotspot.adapters.one_time_login import OneTimeLogins
from hotspot.adapters.rate_limit import RateLimits
from hotspot.adapters.redis import open_redis
from hotspot.adapters.refusal_memory import RefusalMemory
from hotspot.adapters.returning_devices import ReturningDevices
from hotspot.adapters.survey_turns import SurveyTurns
from hotspot.clock import clock_of
from hotspot.db import Database, open_database
from hotspot.sealing import Vault
from hotspot.settings import Settings
from portal import language, protection
from portal.colours import dress
from portal.device_family import family_name
from portal.resources import Resources
from portal.views import (
    announcement,
    announcement_link,
    announcement_preview,
    capport,
    confirm,
    errors,
    host,
    identity,
    online,
    online_announcement,
    online_passes,
    own_data,
    pages,
    passes,
    places,
    sign_in,
    status,
    survey,
    voucher_link,
    welcome,
)


def create_app(
    settings: Settings,
    *,
    database: Database | None = None,
    redis: "Redis | None" = None,
    clock: Callable[[], datetime] | None = None,
    libraries: Libraries | None = None,
) -> Flask:
    app = Flask(__name__, static_folder=None)
    vault = Vault(settings.secret_key.get_secret_value())
    redis = redis or open_redis(settings)
    app.extensions["parvis"] = Resources(
        settings=settings,
        database=database or open_database(settings),
        redis=redis,
        clock=clock or clock_of(settings),
        vault=vault,
        logins=OneTimeLogins(redis, settings.one_time_login_life),
        limits=RateLimits(redis, vault.digest),
        last_arrivals=LastArrivals(redis),
        last_refusals=LastRefusals(redis),
        refusals=RefusalMemory(redis, vault.digest),
        returning=ReturningDevices(redis),
        known=KnownDevices(redis),
        libraries=libraries or Libraries(settings.library_patience, settings.web_threads),
        identity_attempts=IdentityAttempts(redis, vault),
        survey_turns=SurveyTurns(redis, vault.digest),
    )
    css = (Path(__file__).parent / "templates" / "style.css").read_text(encoding="utf-8")
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    app.jinja_env.globals.update(style=Markup(css), base=urlsplit(settings.public_portal).path)  # noqa: S704 - our file
    app.jinja_env.globals.update(family_name=family_name, local_day=language.local_day, dress=dress)
    language.install(app)
    protection.install(app, settings, css)
    errors.install(app)
    for module in (
        welcome,
        sign_in,
        announcement,
        announcement_link,
        announcement_preview,
        online,
        online_announcement,
        online_passes,
        own_data,
        capport,
        places,
        survey,
        passes,
        identity,
        confirm,
        host,
        pages,
        voucher_link,
        status,
    ):
        app.register_blueprint(module.blueprint)
    return app
