"""What staff enter about a library's own system: read, kept with its secrets, told to the audit log without them."""

import json
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from hotspot.adapters.library_systems.libraries import settings_class
from hotspot.adapters.library_systems.library_system import ConnectionSettings
from hotspot.errors import InvalidInput
from hotspot.values import LibrarySystemKind

WHERE = frozenset(
    {
        "host",
        "port",
        "tls",
        "tls_ca",
        "tls_name",
        "address",
        "token_address",
        "record_address",
        "ca_pem",
        "unencrypted",
        "servers",
        "security",
    }
)
"""Fields that say with whom we speak. Whoever changes one types the secrets again: else one who may not see them could
have them sent to a machine of their own."""
_LONGEST_TOLD = 200


def read_settings(
    kind: LibrarySystemKind,
    entered: Mapping[str, Any],
    kept: ConnectionSettings | None = None,
    forgotten: Collection[str] = (),
) -> ConnectionSettings:
    """A secret that is empty is the one that is kept, unless it is to be forgotten. pydantic's ValidationError for what
    is wrong in the fields, InvalidInput for a secret that has to be typed again."""
    made = settings_class(kind)
    carried = {
        name: getattr(kept, name)
        for name in secrets_of(made)
        if kept is not None and not str(entered.get(name, "")).strip() and name not in forgotten and getattr(kept, name)
    }
    settings = made.model_validate({**entered, **carried})
    if kept is not None and carried and _where(settings) != _where(kept):
        raise InvalidInput(
            "Enter this again: the one that is kept would be sent to another system than before.",
            field=next(iter(carried)),
        )
    return settings


def secrets_of(made: type[ConnectionSettings]) -> list[str]:
    return [name for name, field in made.model_fields.items() if field.annotation is SecretStr]


def print_settings(settings: ConnectionSettings) -> str:
    """JSON with its secrets in clear, as `open_library` reads it: to be sealed at once."""
    values = settings.model_dump(mode="json")
    clear = {name: getattr(settings, name).get_secret_value() for name in secrets_of(type(settings))}
    return json.dumps(values | clear)


def tell(settings: ConnectionSettings) -> dict[str, Any]:
    """For the audit log, by the title of each field, what is not as usual: no secret, and no long text that may hold
    one."""
    told = {
        field.title or name: _told(field, getattr(settings, name))
        for name, field in type(settings).model_fields.items()
        if getattr(settings, name) != field.default
    }
    return {title: value for title, value in told.items() if value is not None}


def tell_changes(before: ConnectionSettings, after: ConnectionSettings) -> dict[str, Any]:
    """What differs: [before, after], or that it has changed."""
    changes: dict[str, Any] = {}
    for name, field in type(after).model_fields.items():
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            told = [_told(field, old), _told(field, new)]
            changes[field.title or name] = "changed" if None in told or told[0] == told[1] else told
    return changes


def _told(field: FieldInfo, value: Any) -> str | None:
    if isinstance(value, SecretStr) or _has_lines(field):
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    if "://" in text:  # a key may stand in what follows the path
        parts = urlsplit(text)
        text = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    return text[:_LONGEST_TOLD]


def _has_lines(field: FieldInfo) -> bool:
    return isinstance(field.json_schema_extra, dict) and "lines" in field.json_schema_extra


def _where(settings: ConnectionSettings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in WHERE & set(type(settings).model_fields)}
