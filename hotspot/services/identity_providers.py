"""Identity providers as staff see them: added, given their client, tried, retired.

A provider is added before it knows us: it wants the addresses that it may send browsers to, and these carry its number.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.adapters.openid.caller import may_be_called
from hotspot.adapters.openid.provider import ProviderSettings
from hotspot.errors import Conflict, InvalidInput, NotFound
from hotspot.models import IdentityProvider, Offer
from hotspot.policy.identity_profiles import RULES
from hotspot.portal_links import identity_callback_url
from hotspot.sealing import Vault
from hotspot.services import audit
from hotspot.services.staff import Scope
from hotspot.settings import Settings
from hotspot.values import IdentityProfile

PROMPTS = ("", "login", "consent", "select_account")

_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
"""RFC 6749 section 3.3."""
_VISIBLE = re.compile(r"[\x20-\x7e]*")


@dataclass(frozen=True, slots=True)
class ProviderDraft:
    """What staff say of a provider, as typed."""

    organisation_id: int
    name: str
    profile: IdentityProfile
    issuer: str
    scopes: str = "openid"
    acr: str = ""
    prompt: str = ""


def list_providers(db: Session, by: Scope) -> Sequence[IdentityProvider]:
    """Those that are not retired."""
    return db.scalars(
        select(IdentityProvider)
        .where(IdentityProvider.organisation_id.in_(by.organisation_ids), IdentityProvider.retired_at.is_(None))
        .order_by(IdentityProvider.name, IdentityProvider.id)
    ).all()


def get_provider(db: Session, by: Scope, provider_id: int) -> IdentityProvider:
    found = db.get(IdentityProvider, provider_id)
    if found is None or found.organisation_id not in by.organisation_ids or found.retired_at is not None:
        raise NotFound("identity provider")
    return found


def create_provider(db: Session, by: Scope, draft: ProviderDraft, now: datetime) -> IdentityProvider:
    if draft.organisation_id not in by.organisation_ids:
        raise NotFound("organisation")
    _check(draft)
    if any(each.name == draft.name.strip() for each in _live_of(db, draft.organisation_id)):
        raise Conflict("There is already an identity provider with this name.", field="name")
    made = IdentityProvider(
        organisation_id=draft.organisation_id,
        name=draft.name.strip(),
        profile=draft.profile,
        issuer=draft.issuer.strip(),
        scopes=" ".join(draft.scopes.split()),
        acr=draft.acr.strip(),
        prompt=draft.prompt,
        created_at=now,
    )
    db.add(made)
    db.flush()
    facts = {"profile": made.profile.value, "issuer": made.issuer, "scopes": made.scopes, "level": made.acr or "—"}
    audit.note(db, by, "identity_provider.created", made.name, facts, now, organisation_id=made.organisation_id)
    return made


def set_client(
    db: Session, by: Scope, provider_id: int, client_id: str, client_secret: str, now: datetime, vault: Vault
) -> IdentityProvider:
    """As the provider gave them; also when it has given new ones."""
    provider = get_provider(db, by, provider_id)
    client_id, client_secret = client_id.strip(), client_secret.strip()
    for field, text in (("client_id", client_id), ("client_secret", client_secret)):
        if not 0 < len(text) <= 200 or _VISIBLE.fullmatch(text) is None:
            raise InvalidInput("Between 1 and 200 plain characters, as the provider gave it.", field=field)
    provider.client_id, provider.client_secret_sealed = client_id, vault.seal(client_secret)
    facts = {"client_id": client_id}
    audit.note(
        db, by, "identity_provider.client_set", provider.name, facts, now, organisation_id=provider.organisation_id
    )
    return provider


def retire_provider(db: Session, by: Scope, provider_id: int, now: datetime) -> IdentityProvider:
    """Nobody is sent there any more. Who is on the way comes back to a page that says so."""
    provider = get_provider(db, by, provider_id)
    offers = db.scalars(
        select(Offer.name).where(Offer.identity_provider_id == provider.id, Offer.retired_at.is_(None))
    ).all()
    if offers:
        raise Conflict("Retire the offers that lead there first: %(offers)s.", offers=", ".join(offers))
    provider.retired_at = now
    audit.note(db, by, "identity_provider.retired", provider.name, {}, now, organisation_id=provider.organisation_id)
    return provider


def settings_of(provider: IdentityProvider, settings: Settings, vault: Vault) -> ProviderSettings:
    return ProviderSettings(
        profile=provider.profile,
        issuer=provider.issuer,
        client_id=provider.client_id,
        client_secret=vault.open(provider.client_secret_sealed) if provider.client_secret_sealed else "",
        redirect_uri=identity_callback_url(settings, provider.id),
        scopes=provider.scopes,
        acr=provider.acr,
        prompt=provider.prompt,
    )


def _live_of(db: Session, organisation_id: int) -> Sequence[IdentityProvider]:
    live = select(IdentityProvider).where(IdentityProvider.retired_at.is_(None))
    return db.scalars(live.where(IdentityProvider.organisation_id == organisation_id)).all()


def _check(draft: ProviderDraft) -> None:
    if not 0 < len(draft.name.strip()) <= 80 or not draft.name.isprintable():
        raise InvalidInput("A name has between 1 and 80 characters, on one line.", field="name")
    issuer = draft.issuer.strip()
    if len(issuer) > 500 or not may_be_called(issuer) or "?" in issuer:
        raise InvalidInput("An issuer is an https address without anything after a question mark.", field="issuer")
    scopes = draft.scopes.split()
    if len(draft.scopes) > 200 or "openid" not in scopes or not all(map(_SCOPE.fullmatch, scopes)):
        raise InvalidInput("Scopes are separated by spaces, and openid is one of them.", field="scopes")
    levels = RULES[draft.profile].levels
    acr = draft.acr.strip()
    if acr and levels and acr not in levels:
        raise InvalidInput("One of these: %(levels)s.", field="acr", levels=", ".join(levels))
    if len(acr) > 100 or " " in acr or _VISIBLE.fullmatch(acr) is None:
        raise InvalidInput("A level is one word that the provider knows.", field="acr")
    if draft.prompt not in PROMPTS:
        raise InvalidInput("One of these: %(levels)s.", field="prompt", levels=", ".join(filter(None, PROMPTS)))
