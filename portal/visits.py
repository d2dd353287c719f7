"""What a view of the sign-in path is given: the arrival that its page was made for, and the site that it shows."""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps

from flask import Response, request

from hotspot.services.offers import SiteShown, show_site, works
from hotspot.values import RefusalReason, Refuse
from portal.answers import count_refusal, refusal_page, way_to_the_nas
from portal.arrival import Arrival, arrival_of_token
from portal.language import speak
from portal.protection import may_lead_to
from portal.resources import resources


def needs_arrival(view: Callable[[Arrival], Response]) -> Callable[[], Response]:
    """Calls the view with the arrival in the request, or answers that it is not ours or too old."""

    @wraps(view)
    def wrapped() -> Response:
        made = resources()
        arrival = arrival_of_token(made.vault, request.values.get("arrival", ""))
        if arrival is None:
            count_refusal(RefusalReason.ARRIVAL_FORGED)
            return refusal_page(Refuse(RefusalReason.ARRIVAL_FORGED))
        speak(arrival.language)
        if arrival.is_older_than(made.settings.arrival_life, made.clock()):
            count_refusal(RefusalReason.ARRIVAL_EXPIRED)
            way = way_to_the_nas(arrival.vendor, arrival.login_url)
            return refusal_page(Refuse(RefusalReason.ARRIVAL_EXPIRED), way=way, site=shown_site(arrival.site_id))
        may_lead_to(arrival.login_url)
        return view(arrival)

    return wrapped


def shown_site(site_id: int) -> SiteShown:
    made = resources()

    def load() -> SiteShown:
        with made.database.reading() as db:
            site = show_site(db, site_id)
        return replace(site, offers=tuple(each for each in site.offers if works(each.way, made.settings)))

    return made.sites.get(site_id, load)
