"""The staff application. `create_app` puts it together; each view is thin over one service function."""

from collections.abc import Callable
from datetime import datetime

from flask import Flask
from redis import Redis

from hotspot.adapters.redis import open_redis
from hotspot.clock import clock_of
from hotspot.db import Database, open_database
from hotspot.sealing import Vault
from hotspot.settings import Settings
from hotspot_admin import access, answers, language, library_pages, navigation, protection, visits
from hotspot_admin.resources import Resources, keep
from hotspot_admin.views import BLUEPRINTS


def create_app(
    settings: Settings,
    *,
    database: Database | None = None,
    redis: "Redis | None" = None,
    clock: Callable[[], datetime] | None = None,
) -> Flask:
    """The order of the installs is the order in which they see a request: visit, permission, view; then headers."""
    app = Flask(__name__)
    vault = Vault(settings.secret_key.get_secret_value())
    app.secret_key = vault.derive("staff cookie")
    resources = Resources(
        settings=settings,
        database=database or open_database(settings),
        redis=redis or open_redis(settings),
        vault=vault,
        clock=clock or clock_of(settings),
    )
    app.extensions.update([keep(resources)])
    app.jinja_options = {**app.jinja_options, "trim_blocks": True, "lstrip_blocks": True}
    visits.install(app)
    access.install(app)
    protection.install(app, settings)
    language.install(app)
    navigation.install(app)
    library_pages.install(app)
    answers.install(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    access.public(app.view_functions["static"])
    return app
