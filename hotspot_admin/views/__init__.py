"""The pages, one blueprint per story, listed here by name: nothing is discovered."""

from hotspot_admin.views import audit, figures, health, home, nases, online, sign_in, sites

BLUEPRINTS = (
    health.blueprint,
    sign_in.blueprint,
    home.blueprint,
    online.blueprint,
    sites.blueprint,
    nases.blueprint,
    figures.blueprint,
    audit.blueprint,
)
