"""Where a value is in JSON: names with points between them, and numbers in brackets: `patron.blocks[0].code`.

A name is whatever has no point and no bracket. `$` or `$.` at the beginning is passed over. Nothing else of JSONPath is
known: no wildcards, no filters, no counting from the end.
"""

import re
from typing import Any

Path = tuple[str | int, ...]

_STEP = re.compile(r"\.(?P<name>[^.\[\]]+)|\[(?P<index>\d{1,4})\]")


def parse_path(text: str) -> Path:
    """ValueError if it is none. Nothing: the whole."""
    rest = text.strip().removeprefix("$")
    rest = rest if rest.startswith((".", "[")) or not rest else f".{rest}"
    steps: list[str | int] = []
    at = 0
    while at < len(rest):
        found = _STEP.match(rest, at)
        if found is None:
            raise ValueError(text)
        steps.append(found["name"] if found["name"] is not None else int(found["index"]))
        at = found.end()
    return tuple(steps)


def find(given: Any, path: Path) -> Any:
    """None if there is nothing."""
    for step in path:
        if isinstance(step, int):
            given = given[step] if isinstance(given, list) and step < len(given) else None
        else:
            given = given.get(step) if isinstance(given, dict) else None
    return given


def printed(value: Any) -> str:
    """As it stands in JSON, a text without its quotation marks; empty for null, lists and objects."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None or isinstance(value, dict | list) else str(value)
