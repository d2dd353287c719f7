"""An organisation's own colour at the head of its pages: a second, small style that the policy knows by its digest."""

from functools import lru_cache

from markupsafe import Markup

from hotspot.policy.colours import WHITE, ink_on, mix
from portal.protection import allow_style, style_source


def dress(colour: str) -> Markup:
    """The style, allowed on this answer; nothing for an organisation without a colour of its own."""
    if not colour:
        return Markup()
    style, source = _style(colour)
    allow_style(source)
    return style


@lru_cache(maxsize=256)
def _style(colour: str) -> tuple[Markup, str]:
    """What is written on it is black or white, whichever can be read; the far end of the shade is farther from that."""
    ink = ink_on(colour)
    far = mix(colour, "#000000" if ink == WHITE else "#ffffff", 0.35)
    css = f":root{{--hero:{colour};--hero-deep:{far};--on-hero:{ink};--on-hero-soft:{ink};--arch:{ink}1c}}"
    return Markup(css), style_source(css)  # noqa: S704 - six digits that were checked, and our own words
