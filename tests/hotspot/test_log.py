"""Logs: what they must not say, whoever writes them."""

import subprocess
import sys

import pytest

_LIBRARY_FAILS = """
import logging
from pathlib import Path
from hotspot.log import configure_logging
from hotspot.settings import load_settings

configure_logging(load_settings({{}}, var_dir=Path("var"), secret_key="k" * 40, log_format="{log_format}"), "portal")

def serve(given):
    pin = given[::-1]
    raise RuntimeError("it broke")

try:
    serve("4321")
except RuntimeError:
    logging.getLogger("waitress").exception("Exception while serving /sign-in")
"""


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_librarys_traceback_shows_no_values(log_format: str) -> None:
    """Some formatters print every local variable beside the lines, if they happen to be installed."""
    code = _LIBRARY_FAILS.format(log_format=log_format)
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stderr
    assert "Exception while serving /sign-in" in said
    assert "1234" not in said
