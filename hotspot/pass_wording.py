"""What visitors and their hosts are written: mails and text messages about a pass, in the language of the request."""

from hotspot.policy.gsm import fit
from hotspot.wording import translations


def code_text(code: str, site: str, language: str) -> str:
    """One segment. The code comes first: it is read on a locked screen, and the name of a place may be cut."""
    text = translations(language).gettext("%(code)s is your Wi-Fi code, valid for 10 minutes. %(site)s")
    return fit(text % {"code": code, "site": site})


def code_mail(code: str, link: str, site: str, language: str) -> tuple[str, str]:
    """Subject and text."""
    gettext = translations(language).gettext
    said = {"code": code, "link": link, "site": site}
    subject = gettext("%(code)s is your Wi-Fi code") % said
    paragraphs = (
        gettext("Hello,"),
        gettext("Your code for the Wi-Fi at %(site)s is:"),
        "    %(code)s",
        gettext("Type it on the page that you came from. Or open this page and tap its button, on any device:"),
        "%(link)s",
        gettext("Both work for 10 minutes."),
        gettext("You did not ask for it? Somebody has mistyped an address: do nothing, and nothing will happen."),
    )
    return subject, "\n\n".join(each % said for each in paragraphs) + "\n"


def host_mail(visitor: str, link: str, site: str, minutes: int, language: str) -> tuple[str, str]:
    gettext = translations(language).gettext
    said = {"visitor": visitor, "link": link, "site": site, "minutes": minutes}
    subject = gettext("%(visitor)s asks you for Wi-Fi access") % said
    paragraphs = (
        gettext("Hello,"),
        gettext("Somebody at %(site)s gives the name %(visitor)s, and names you as host."),
        gettext(
            "Do you want this person to use the public Wi-Fi today? Answer on this page, within %(minutes)d minutes:"
        ),
        "%(link)s",
        gettext("You are not expecting anybody of this name? Say no there, or do nothing."),
    )
    return subject, "\n\n".join(each % said for each in paragraphs) + "\n"
