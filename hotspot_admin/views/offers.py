"""Offers: what each site has for its visitors, made and changed; their order on the portal page."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from hotspot.errors import Conflict, InvalidInput, NotFound
from hotspot.models import Offer, Organisation, Site
from hotspot.offer_wording import print_offer
from hotspot.policy.announcements import Zone
from hotspot.services import changing_offers as offers
from hotspot.services.changing_offers import Choices
from hotspot.services.offers import works
from hotspot.services.sites import organisations_of
from hotspot.values import Way, parse_row_id
from hotspot_admin.access import Permission, requires
from hotspot_admin.forms.offers import OfferForm, as_typed, new_offer
from hotspot_admin.forms.site import KINDS
from hotspot_admin.language import gettext, language
from hotspot_admin.resources import now, resources, scope
from hotspot_admin.wording import NOT_SHOWN, WAY_HINTS, WAYS

blueprint = Blueprint("offers", __name__, url_prefix="/offers")

_ID = "/<int(max=2147483647):offer_id>"
_NEW = "/of/<int(max=2147483647):organisation_id>/new"
_WIFI4EU = "WiFi4EU"


@dataclass(frozen=True, slots=True)
class OffersOf:
    """An organisation's, in the order of the portal page."""

    organisation: Organisation
    live: Sequence[Offer]
    retired: Sequence[Offer]


@blueprint.get("")
@requires(Permission.MANAGE_OFFERS)
def index() -> ResponseReturnValue:
    chosen = request.args.get("organisation", type=parse_row_id)
    with resources().database.reading() as db:
        organisations = organisations_of(db, scope())
        if chosen is not None and chosen not in scope().organisation_ids:
            raise NotFound("organisation")
        found = offers.list_offers(db, scope(), chosen)
    return render_template(
        "offers/index.html",
        groups=_by_organisation(found, organisations, chosen),
        organisations=organisations,
        chosen=chosen,
        says={each.id: print_offer(each, language()) for each in found},
        ways=WAYS,
        not_shown=_not_shown(),
    )


@blueprint.get(_NEW)
@requires(Permission.MANAGE_OFFERS)
def choose_way(organisation_id: int) -> ResponseReturnValue:
    with resources().database.reading() as db:
        choices = offers.choices_of(db, scope(), organisation_id)
    return render_template(
        "offers/ways.html", organisation=choices.organisation, ways=WAYS, hints=WAY_HINTS, not_shown=_not_shown()
    )


@blueprint.get(f"{_NEW}/<way>")
@requires(Permission.MANAGE_OFFERS)
def new(organisation_id: int, way: str) -> ResponseReturnValue:
    chosen, choices = _way(way), _choices(organisation_id)
    form = OfferForm(formdata=None, data=new_offer())
    form.fit(chosen, choices, None)
    return _form_page(form, chosen, choices, None)


@blueprint.post(f"{_NEW}/<way>")
@requires(Permission.MANAGE_OFFERS)
def create(organisation_id: int, way: str) -> ResponseReturnValue:
    chosen, choices = _way(way), _choices(organisation_id)
    form = OfferForm()
    form.fit(chosen, choices, None)
    if not form.validate():
        return _form_page(form, chosen, choices, None), 422
    try:
        with resources().database.transaction() as db:
            made = offers.add_offer(
                db,
                scope(),
                organisation_id,
                form.sites.data,
                form.draft(chosen),
                now(),
                library_system_id=form.chosen_system,
            )
    except (InvalidInput, Conflict) as error:
        status = _said_beside_its_field(form, error)
        return _form_page(form, chosen, choices, None), status
    return _back(made, gettext("%(name)s has been added.", name=made.name))


@blueprint.get(_ID)
@requires(Permission.MANAGE_OFFERS)
def edit(offer_id: int) -> ResponseReturnValue:
    offer, choices = _get(offer_id)
    form = OfferForm(formdata=None, data=as_typed(offer))
    form.fit(offer.way, choices, offer)
    return _form_page(form, offer.way, choices, offer)


@blueprint.post(_ID)
@requires(Permission.MANAGE_OFFERS)
def change(offer_id: int) -> ResponseReturnValue:
    offer, choices = _get(offer_id)
    form = OfferForm()
    form.fit(offer.way, choices, offer)
    if not form.validate():
        return _form_page(form, offer.way, choices, offer), 422
    try:
        with resources().database.transaction() as db:
            changed = offers.change_offer(
                db,
                scope(),
                offer_id,
                form.sites.data,
                form.draft(offer.way),
                now(),
                library_system_id=form.chosen_system,
            )
    except (InvalidInput, Conflict) as error:
        status = _said_beside_its_field(form, error)
        return _form_page(form, offer.way, choices, offer), status
    return _back(changed, gettext("%(name)s has been saved.", name=changed.name))


@blueprint.post(f"{_ID}/up")
@requires(Permission.MANAGE_OFFERS)
def move_up(offer_id: int) -> ResponseReturnValue:
    return _move(offer_id, -1)


@blueprint.post(f"{_ID}/down")
@requires(Permission.MANAGE_OFFERS)
def move_down(offer_id: int) -> ResponseReturnValue:
    return _move(offer_id, 1)


@blueprint.get(f"{_ID}/retire")
@requires(Permission.MANAGE_OFFERS)
def confirm_retire(offer_id: int) -> ResponseReturnValue:
    with resources().database.reading() as db:
        offer = offers.get_offer(db, scope(), offer_id)
        rules = offers.rules_that_give(db, offer)
    return render_template("offers/retire.html", offer=offer, rules=rules, says=print_offer(offer, language()))


@blueprint.post(f"{_ID}/retire")
@requires(Permission.MANAGE_OFFERS)
def retire(offer_id: int) -> ResponseReturnValue:
    with resources().database.transaction() as db:
        retired = offers.withdraw_offer(db, scope(), offer_id, now())
    return _back(retired, gettext("%(name)s is no longer offered.", name=retired.name))


def _by_organisation(
    found: Sequence[Offer], organisations: Sequence[Organisation], chosen: int | None
) -> list[OffersOf]:
    """Those that have any; one's own, or the one that is chosen, in any case."""
    groups = {each: list(theirs) for each, theirs in groupby(found, key=lambda one: one.organisation_id)}
    always = chosen if chosen is not None else scope().organisation_id
    return [
        OffersOf(
            each,
            live=[offer for offer in groups.get(each.id, ()) if offer.retired_at is None],
            retired=[offer for offer in groups.get(each.id, ()) if offer.retired_at is not None],
        )
        for each in organisations
        if each.id in groups or each.id == always
    ]


def _move(offer_id: int, steps: int) -> ResponseReturnValue:
    with resources().database.transaction() as db:
        offer = offers.move_offer(db, scope(), offer_id, steps, now())
    return redirect(url_for("offers.index", organisation=_filter(offer), _anchor=f"offer-{offer.id}"), 303)


def _back(offer: Offer, said: str) -> ResponseReturnValue:
    flash(said, "done")
    return redirect(url_for("offers.index", organisation=_filter(offer)), 303)


def _filter(offer: Offer) -> int | None:
    """The list of its organisation; the whole one is for those who have no other."""
    return offer.organisation_id if len(scope().organisation_ids) > 1 else None


def _way(text: str) -> Way:
    try:
        return Way(text)
    except ValueError:
        raise NotFound("way") from None


def _choices(organisation_id: int) -> Choices:
    with resources().database.reading() as db:
        return offers.choices_of(db, scope(), organisation_id)


def _get(offer_id: int) -> tuple[Offer, Choices]:
    with resources().database.reading() as db:
        offer = offers.get_offer(db, scope(), offer_id)
        return offer, offers.choices_of(db, scope(), offer.organisation_id)


def _said_beside_its_field(form: OfferForm, error: InvalidInput | Conflict) -> int:
    """What only the service can know. The status of the answer; raised again where no field is meant."""
    field = error.field if isinstance(error, InvalidInput) else str(error.facts.get("field", ""))
    if not form.put_error(field, gettext(error.problem, **error.facts)):
        raise error
    return 422 if isinstance(error, InvalidInput) else 409


def _not_shown() -> dict[Way, str]:
    return {way: why for way, why in NOT_SHOWN.items() if not works(way, resources().settings)}


def _free_sites(sites: Sequence[Site]) -> list[tuple[str, str]]:
    """Where no announcement is ever shown, and why."""
    free = [site for site in sites if Zone(site.kind, site.is_wifi4eu).is_free]
    return [(site.name, _WIFI4EU if site.is_wifi4eu else gettext(KINDS[site.kind])) for site in free]


def _form_page(form: OfferForm, way: Way, choices: Choices, offer: Offer | None) -> str:
    return render_template(
        "offers/form.html",
        form=form,
        way=way,
        offer=offer,
        organisation=choices.organisation,
        needs_more=offer is None and offers.needs_more(way, choices),
        free_sites=_free_sites(choices.sites),
        usual_idle=resources().settings.idle_timeout,
        ways=WAYS,
        why_not_shown=_not_shown().get(way),
    )
