"""A drawing (SVG) from a stranger: read with suspicion, written anew from what is known, drawn once in a process apart.

What can run, reach out or needs a font is refused by its name. What is left may still be made to take for ever, as a
pattern in a pattern in a pattern: so it is drawn by a process of its own (`draw_apart.py`) that is stopped after a
few seconds and may hold so much and no more.
"""

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from hotspot.errors import InvalidInput

PATIENCE = 10.0
"""Seconds."""
_PROGRAM = Path(__file__).with_name("draw_apart.py")
MOST_ELEMENTS = 20_000
DEEPEST = 100

_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"
_SHAPES = frozenset(("svg", "g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "symbol", "use"))
_DRAWN = _SHAPES | {"defs", "style", "clipPath", "mask", "pattern", "linearGradient", "radialGradient", "stop"}
_PASSED_OVER = frozenset(("title", "desc", "metadata"))
_REACHES_OUT = re.compile(r"@|\\|url\(\s*['\"]?\s*(?!['\"#\s])", re.IGNORECASE)
"""In a style: another sheet, a font, an escape that hides one of these, an address that is not of this drawing."""


def looks_like_svg(contents: bytes) -> bool:
    return b"<svg" in contents[:8192] or contents.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<?xml")


def draw_svg(contents: bytes) -> bytes:
    """A PNG with its longest side at 1,000 pixels. InvalidInput names what is not accepted."""
    clean = ElementTree.tostring(_checked(contents))
    command = [sys.executable, "-I", str(_PROGRAM)]
    try:
        done = subprocess.run(  # noqa: S603 - our own file, and nothing of the drawing on the command line
            command, input=clean, capture_output=True, timeout=PATIENCE, check=True
        )
    except subprocess.TimeoutExpired as error:
        raise InvalidInput("This drawing (SVG) takes too long to draw.") from error
    except subprocess.CalledProcessError as error:
        raise InvalidInput("This drawing (SVG) cannot be drawn.") from error
    return done.stdout


def _checked(contents: bytes) -> ElementTree.Element:
    """A copy of what can be drawn, and of nothing else: no comment, no instruction, no entity, nobody's name."""
    try:
        text = contents.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput("A drawing (SVG) must be written in UTF-8.") from error
    if "<!ENTITY" in text:
        raise _refused("<!ENTITY>")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - no entity in it, and expat fetches nothing
    except (ElementTree.ParseError, ValueError) as error:
        raise InvalidInput("This drawing (SVG) cannot be read: it is not well-formed.") from error
    if _name(root) != "svg":
        raise InvalidInput("This drawing (SVG) cannot be drawn.")
    return _copy_of(root)


def _copy_of(root: ElementTree.Element) -> ElementTree.Element:
    clean = ElementTree.Element(_SVG + "svg", _attributes(root))
    waiting, count = [(root, clean, 0)], 0
    while waiting:
        source, copy, depth = waiting.pop()
        for child in source:
            name, count = _name(child), count + 1
            if count > MOST_ELEMENTS or depth > DEEPEST:
                raise InvalidInput("This drawing (SVG) has too many parts.")
            if name is None or name in _PASSED_OVER:
                continue
            if name in ("text", "tspan"):
                raise InvalidInput("This drawing (SVG) has text in it: turn it into paths first.")
            if name not in _DRAWN:
                raise _refused(f"<{name}>")
            drawn = ElementTree.SubElement(copy, _SVG + name, _attributes(child))
            if name == "style":
                drawn.text = _harmless(child.text or "")
            waiting.append((child, drawn, depth + 1))
    return clean


def _name(element: ElementTree.Element) -> str | None:
    """None for the notes that drawing programs make in a name space of their own."""
    tag = element.tag if isinstance(element.tag, str) else "{}"
    if tag.startswith("{"):
        return tag.removeprefix(_SVG) if tag.startswith(_SVG) else None
    return tag


def _attributes(element: ElementTree.Element) -> dict[str, str]:
    kept = {}
    for name, value in element.attrib.items():
        if name in ("href", _LINK):
            if not value.startswith("#"):
                raise _refused(f"href={value[:30]}")
        elif name.startswith("{"):
            continue
        elif name.lower().startswith("on"):
            raise _refused(name)
        kept[name] = _harmless(value)
    return kept


def _harmless(style: str) -> str:
    if _REACHES_OUT.search(style):
        raise _refused(style.strip()[:30])
    return style


def _refused(part: str) -> InvalidInput:
    return InvalidInput(
        "This drawing (SVG) has “%(part)s” in it, which is not accepted: keep paths and shapes only.",
        part=part[:40],
    )
