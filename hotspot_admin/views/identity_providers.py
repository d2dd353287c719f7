"""Identity providers (OpenID Connect): added, told our addresses, given our client, tried, retired."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm

from hotspot.adapters.openid.examination import Finding, examine
from hotspot.errors import Conflict, InvalidInput
from hotspot.identity_wording import explain_check
from hotspot.models import IdentityProvider
from hotspot.policy.identity_profiles import RULES
from hotspot.portal_links import identity_callback_url, identity_signed_out_url
from hotspot.services import identity_providers
from hotspot.services.sites import organisations_of
from hotspot.values import IdentityProfile
from hotspot_admin.access import Permission, requires
from hotspot_admin.forms.identity_provider import PROFILES, ClientForm, ProviderForm
from hotspot_admin.language import gettext, language
from hotspot_admin.resources import now, resources, scope

blueprint = Blueprint("identity_providers", __name__, url_prefix="/identity-providers")

_ID = "/<int(max=2147483647):provider_id>"
_KNOWN_ISSUERS = RULES[IdentityProfile.FRANCECONNECT].issuers


@blueprint.get("")
@requires(Permission.MANAGE_IDENTITY_PROVIDERS)
def index() -> ResponseReturnValue:
    with resources().database.reading() as db:
        providers = identity_providers.list_providers(db, scope())
        _ = [each.organisation.name for each in providers]
    return render_template("identity_providers/index.html", providers=providers, profiles=PROFILES)


@blueprint.get("/new")
@requires(Permission.MANAGE_IDENTITY_PROVIDERS)
def new() -> ResponseReturnValue:
    return _new_page(ProviderForm(formdata=None, data={"organisation_id": scope().organisation_id, "scopes": "openid"}))


@blueprint.post("/new")
@requires(Permission.MANAGE_IDENTITY_PROVIDERS)
def create() -> ResponseReturnValue:
    form = ProviderForm()
    _offer_organisations(form)
    if not form.validate():
        return _new_page(form), 422
    try:
        with resources().database.transaction() as db:
            provider = identity_providers.create_provider(db, scope(), form.draft(), now())
    except (InvalidInput, Conflict) as error:
        _show_beside_field(form, error)
        return _new_page(form), 422 if isinstance(error, InvalidInput) else 409
    flash(gettext("%(name)s has been added. Declare the addresses that follow there.", name=provider.name), "done")
    return redirect(url_for("identity_providers.show", provider_id=provider.id), 303)


@blueprint.get(_ID)
@requires(Permission.MANAGE_IDENTITY_PROVIDERS)
def show(provider_id: int) -> ResponseReturnValue:
    return _page(_get(provider_id))


@blueprint.post(f"{_ID}/client")
@requires(Permission.MANAGE_IDENTITY_PROVIDERS)
def set_client(provider_id: int) -> ResponseReturnValue:
    provider, form = _get(provider_id), ClientForm()
    if not form.validate():
        return _page(provider, form), 422
    try:
        with resources().database.transaction() as db:
            identity_providers.set_client(
                db, scope(), provider_id, form.client_id.data, form.client_secret.data, now(), resources().vault
            )
    except InvalidInput as error:
        _show_beside_field(form, error)
        return _page(provider, form), 422
    flash(gettext("The client has been saved. Test the provider now."), "done")
    return redirect(url_for("identity_providers.show", provider_id=provider_id), 303)


@blueprint.post(f"{_ID}/test")
@requires(Permission.MANAGE_IDENTITY_PROVIDERS)
def test(provider_id: int) -> ResponseReturnValue:
    """Asks the provider while the page waits, for some seconds at most, with no transaction open."""
    provider = _get(provider_id)
    settings = identity_providers.settings_of(provider, resources().settings, resources().vault)
    return _page(provider, findings=examine(settings))


@blueprint.post(f"{_ID}/retire")
@requires(Permission.MANAGE_IDENTITY_PROVIDERS)
def retire(provider_id: int) -> ResponseReturnValue:
    with resources().database.transaction() as db:
        provider = identity_providers.retire_provider(db, scope(), provider_id, now())
    flash(gettext("%(name)s is used no longer.", name=provider.name), "done")
    return redirect(url_for("identity_providers.index"), 303)


def _get(provider_id: int) -> IdentityProvider:
    with resources().database.reading() as db:
        provider = identity_providers.get_provider(db, scope(), provider_id)
        _ = provider.organisation.name
    return provider


def _offer_organisations(form: ProviderForm) -> None:
    with resources().database.reading() as db:
        form.offer_organisations(organisations_of(db, scope()))


def _new_page(form: ProviderForm) -> str:
    _offer_organisations(form)
    return render_template("identity_providers/new.html", form=form, issuers=_KNOWN_ISSUERS)


def _page(provider: IdentityProvider, form: ClientForm | None = None, findings: tuple[Finding, ...] = ()) -> str:
    settings = resources().settings
    return render_template(
        "identity_providers/provider.html",
        provider=provider,
        profiles=PROFILES,
        form=form or ClientForm(formdata=None, data={"client_id": provider.client_id}),
        callback=identity_callback_url(settings, provider.id),
        signed_out=identity_signed_out_url(settings),
        findings=[(each, explain_check(each, language())) for each in findings],
    )


def _show_beside_field(form: FlaskForm, error: InvalidInput | Conflict) -> None:
    field = form[str(error.field if isinstance(error, InvalidInput) else error.facts["field"])]
    field.errors = [gettext(error.problem, **error.facts)]
