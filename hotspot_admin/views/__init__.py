"""The pages, one blueprint per story, listed here by name: nothing is discovered."""

from hotspot_admin.views import health, home, sign_in

BLUEPRINTS = (
    health.blueprint,
    sign_in.blueprint,
    home.blueprint,
)
