"""The one secret that everything is keyed from: made on a new machine, never replaced."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from hotspot.settings import Settings, SettingsError, load_settings
from parvis.startup import StartError, prepare_var

_NO_KEY = "-" * 32
"""Stands in while there is no key; nothing is ever sealed with it."""


def make_key_file(var_dir: Path) -> Path:
    """`secret.key` in `var_dir`, readable by this user alone. One that is there stays as it is."""
    path = var_dir / "secret.key"
    with suppress(FileExistsError):
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except PermissionError as error:
            raise StartError(f"Cannot write {path.absolute()}: {error.strerror}.") from error
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(secrets.token_urlsafe(48) + "\n")
            file.flush()
            os.fsync(file.fileno())
    return path


def load_settings_and_key() -> Settings:
    """The settings; on a machine where no key is named anywhere, with one made in `var_dir`."""
    draft = load_settings(secret_key=_NO_KEY)  # everything else must be right before anything is written
    prepare_var(draft.var_dir)
    try:
        return load_settings()
    except SettingsError:
        make_key_file(draft.var_dir)
        return load_settings()
