"""The kind of device, by the browser's own words: for figures only, so a guess does no harm."""

from portal.language import gettext

_FAMILIES = (
    ("android", ("Android",)),
    ("ios", ("iPhone", "iPad", "iPod", "CaptiveNetworkSupport")),
    ("windows", ("Windows",)),
    ("macos", ("Macintosh",)),
    ("chromeos", ("CrOS",)),
    ("linux", ("Linux", "X11")),
)

_NAMES = {
    "android": "Android",
    "ios": "iPhone, iPad",
    "windows": "Windows",
    "macos": "Mac",
    "chromeos": "Chromebook",
    "linux": "Linux",
}


def family_name(family: str) -> str:
    return _NAMES.get(family) or gettext("Another device")


def device_family(user_agent: str) -> str:
    """The first that fits: Android's own words name Linux too."""
    return next((name for name, signs in _FAMILIES if any(sign in user_agent for sign in signs)), "other")
