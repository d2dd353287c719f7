"""The kind of device, by the browser's own words: for figures only, so a guess does no harm."""

_FAMILIES = (
    ("android", ("Android",)),
    ("ios", ("iPhone", "iPad", "iPod", "CaptiveNetworkSupport")),
    ("windows", ("Windows",)),
    ("macos", ("Macintosh",)),
    ("chromeos", ("CrOS",)),
    ("linux", ("Linux", "X11")),
)


def device_family(user_agent: str) -> str:
    """The first that fits: Android's own words name Linux too."""
    return next((name for name, signs in _FAMILIES if any(sign in user_agent for sign in signs)), "other")
