"""The pages, one blueprint per story, listed here by name: nothing is discovered."""

from hotspot_admin.views import (
    appearance,
    audit,
    desk,
    desk_answers,
    desk_readers,
    figures,
    health,
    home,
    identity_providers,
    nases,
    online,
    patrons,
    sign_in,
    sites,
    unknown_sources,
    vouchers,
)

BLUEPRINTS = (
    health.blueprint,
    sign_in.blueprint,
    home.blueprint,
    desk.blueprint,
    desk_answers.blueprint,
    desk_readers.blueprint,
    online.blueprint,
    vouchers.blueprint,
    patrons.blueprint,
    sites.blueprint,
    nases.blueprint,
    unknown_sources.blueprint,
    identity_providers.blueprint,
    figures.blueprint,
    appearance.blueprint,
    audit.blueprint,
)
