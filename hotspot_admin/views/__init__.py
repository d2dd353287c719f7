"""The pages, one blueprint per story, listed here by name: nothing is discovered."""

from hotspot_admin.views import (
    appearance,
    audit,
    figures,
    health,
    home,
    library_systems,
    nases,
    online,
    patrons,
    reader_rules,
    sign_in,
    sites,
    unknown_sources,
    vouchers,
)

BLUEPRINTS = (
    health.blueprint,
    sign_in.blueprint,
    home.blueprint,
    online.blueprint,
    vouchers.blueprint,
    patrons.blueprint,
    library_systems.blueprint,
    reader_rules.blueprint,
    sites.blueprint,
    nases.blueprint,
    unknown_sources.blueprint,
    figures.blueprint,
    appearance.blueprint,
    audit.blueprint,
)
