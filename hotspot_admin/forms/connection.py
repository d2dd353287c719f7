"""The form of a library system's settings, made from their class: a field for each of its fields, with the title,
description and choices that it has there. What pydantic finds wrong is shown beside the field, as a short sentence."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args, get_origin

from pydantic import HttpUrl, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, Field, Form, PasswordField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import AnyOf, InputRequired, Length

from hotspot.adapters.library_systems.library_system import ConnectionSettings
from hotspot.message_ids import mark
from hotspot.services.library_settings import secrets_of
from hotspot.values import LibrarySystemKind
from hotspot_admin.forms.fields import REQUIRED, TOO_LONG
from hotspot_admin.language import gettext

PREFIX = "connection"
_LONGEST_LINE, _LONGEST_TEXT = 4000, 100_000
_FORGET = "-forget"
_CHOOSE = mark("Choose one of these.")
_ALWAYS_SEEN: Mapping[LibrarySystemKind, frozenset[str]] = {
    LibrarySystemKind.SIP2: frozenset({"host", "port", "tls", "login", "user", "password", "institution", "card_only"}),
    LibrarySystemKind.LDAP: frozenset({"servers", "security", "account", "account_password", "base", "filter"}),
    LibrarySystemKind.HTTP: frozenset(
        {
            "method",
            "address",
            "headers",
            "body_kind",
            "body",
            "yes_statuses",
            "yes_path",
            "yes_value",
            "no_statuses",
        }
    ),
}
"""Of a kind with many fields, those that everybody needs; the others are folded away. Of the other kinds: all."""

_SAID: Mapping[str, str] = {
    "missing": REQUIRED,
    "string_too_short": REQUIRED,
    "too_short": REQUIRED,
    "string_too_long": TOO_LONG,
    "too_long": TOO_LONG,
    "int_parsing": mark("This is not a whole number."),
    "int_parsing_size": mark("This is not a whole number."),
    "int_from_float": mark("This is not a whole number."),
    "float_parsing": mark("This is not a number."),
    "finite_number": mark("This is not a number."),
    "url_parsing": mark("This is not an address that begins with https://"),
    "url_scheme": mark("This is not an address that begins with https://"),
    "url_syntax_violation": mark("This is not an address that begins with https://"),
    "url_too_long": TOO_LONG,
    "literal_error": _CHOOSE,
}
_NOT_RIGHT = mark("This is not right.")


class ConnectionForm(Form):  # type: ignore[misc]
    """One is made for each kind. `forget` goes with a secret that may be empty."""

    made_from: type[ConnectionSettings]
    seen: frozenset[str] | None
    kept_secrets: frozenset[str]
    """For which there is one already: an empty field stands for it."""
    general_errors: list[str]
    """What is wrong with several fields together."""

    @property
    def folded(self) -> list[Field]:
        return [] if self.seen is None else [each for each in self._own() if each.short_name not in self.seen]

    @property
    def in_sight(self) -> list[Field]:
        return [each for each in self._own() if self.seen is None or each.short_name in self.seen]

    @property
    def opens_the_fold(self) -> bool:
        """Something of what is folded away is wrong."""
        return any(each.errors for each in self.folded)

    def forget_field(self, field: Field) -> Field | None:
        found: Field | None = self._fields.get(field.short_name + _FORGET)
        return found

    def entered(self) -> dict[str, Any]:
        return {
            each.short_name: each.data if isinstance(each.data, bool) else (each.data or "").replace("\r\n", "\n")
            for each in self._own()
        }

    def forgotten(self) -> set[str]:
        return {each.short_name for each in self._own() if (tick := self.forget_field(each)) and tick.data}

    def show(self, error: ValidationError) -> None:
        """Each problem beside its field; one of several fields together at the head."""
        for each in error.errors(include_url=False, include_input=False):
            self.show_at(str(each["loc"][0]) if each["loc"] else None, self._say(each))

    def show_at(self, name: str | None, said: str) -> None:
        if name not in self._fields:
            self.general_errors.append(said)
        elif not self._fields[name].errors:  # one at a time is enough
            self._fields[name].errors = [said]

    def _own(self) -> list[Field]:
        return [each for each in self if not each.short_name.endswith(_FORGET)]

    def _say(self, error: Any) -> str:
        context = error.get("ctx", {})
        if error["type"] == "value_error":
            return gettext(str(context.get("error", "")))
        if error["type"] in ("greater_than_equal", "less_than_equal"):
            least, most = _limits(self.made_from.model_fields[str(error["loc"][0])])
            return gettext("Between %(least)s and %(most)s.", least=least, most=most)
        return gettext(_SAID.get(error["type"], _NOT_RIGHT))


def make_form(
    kind: LibrarySystemKind,
    made_from: type[ConnectionSettings],
    typed: MultiDict[str, str] | None,
    kept: ConnectionSettings | None = None,
) -> ConnectionForm:
    """`kept`: the settings that are changed. Their secrets are never shown: an empty field stands for them."""
    secrets = secrets_of(made_from)
    kept_secrets = frozenset(name for name in secrets if kept is not None and getattr(kept, name))
    fields: dict[str, Any] = {}
    for name, field in made_from.model_fields.items():
        fields[name] = _field(field, has_secret=name in kept_secrets)
        if name in kept_secrets and not field.is_required():
            fields[name + _FORGET] = BooleanField(mark("Forget the one that is kept"))
    made = type("ConnectionForm", (ConnectionForm,), fields)
    form: ConnectionForm = made(typed, prefix=PREFIX, data=None if kept is None else _as_typed(kept, secrets))
    form.made_from, form.seen, form.general_errors = made_from, _ALWAYS_SEEN.get(kind), []
    form.kept_secrets = kept_secrets
    return form


def _field(field: FieldInfo, *, has_secret: bool) -> Field:
    """Its hint is the description of the settings' field."""
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    title, hint = field.title or "", field.description or ""
    lines: Any = extra.get("lines")
    if field.annotation is bool:
        return BooleanField(title, description=hint, default=bool(_default(field)))
    if get_origin(field.annotation) is Literal:
        labels: Any = extra.get("labels", {})
        names = [str(each) for each in get_args(field.annotation)]
        return SelectField(
            title,
            [AnyOf(names, _CHOOSE)],
            description=hint,
            choices=[SelectChoice(name, labels.get(name, name)) for name in names],
            default=_default(field),
            validate_choice=False,
        )
    is_secret = field.annotation is SecretStr
    is_needed = (field.is_required() and not has_secret) or field.annotation in (int, float)
    checks: list[Any] = [InputRequired(REQUIRED)] if is_needed else []
    checks.append(Length(max=_LONGEST_TEXT if lines else _LONGEST_LINE, message=TOO_LONG))
    render = {"autocomplete": "new-password" if is_secret and not lines else "off", "spellcheck": "false"}
    if lines:
        return TextAreaField(
            title, checks, description=hint, default=_default(field), render_kw={"rows": lines, **render}
        )
    if is_secret:
        return PasswordField(title, checks, description=hint, render_kw=render)
    if field.annotation in (int, float):
        render["inputmode"] = "numeric" if field.annotation is int else "decimal"
    if field.annotation is HttpUrl:
        render["inputmode"] = "url"
    return StringField(title, checks, description=hint, default=_default(field), filters=[_trimmed], render_kw=render)


def _trimmed(text: str | None) -> str:
    return (text or "").strip()


def _default(field: FieldInfo) -> Any:
    if field.is_required() or isinstance(field.default, SecretStr):
        return None
    return field.default if isinstance(field.default, bool) else str(field.default)


def _as_typed(kept: ConnectionSettings, secrets: Iterable[str]) -> dict[str, Any]:
    values = {name: getattr(kept, name) for name in type(kept).model_fields}
    return {
        name: "" if name in secrets else value if isinstance(value, bool) else str(value)
        for name, value in values.items()
    }


def _limits(field: FieldInfo) -> tuple[Any, Any]:
    limits = {type(each).__name__: each for each in field.metadata}
    least, most = limits.get("Ge"), limits.get("Le")
    return getattr(least, "ge", "−∞"), getattr(most, "le", "∞")
