"""What an examination of an identity provider says to staff. Message ids, translated when they are shown."""

from hotspot.adapters.openid.examination import Check, Finding, Verdict
from hotspot.message_ids import mark as _
from hotspot.wording import translations

_SENTENCES = {
    (Check.DISCOVERY, Verdict.WELL): _("The provider answers, and calls itself by this issuer."),
    (Check.DISCOVERY, Verdict.WRONG): _(
        "The provider cannot be used at this address: check the issuer letter by letter, and the way there."
    ),
    (Check.KEYS, Verdict.WELL): _("Its keys were found."),
    (Check.KEYS, Verdict.WRONG): _("No key was found that its answers could be checked with."),
    (Check.PKCE, Verdict.WELL): _("It binds each answer to the browser that asked (PKCE)."),
    (Check.PKCE, Verdict.DOUBTFUL): _(
        "It does not say that it binds answers to the browser that asked (PKCE). It works without, a bit less safely."
    ),
    (Check.LOGOUT, Verdict.WELL): _("Who signs out here is signed out there too."),
    (Check.LOGOUT, Verdict.DOUBTFUL): _("It knows no logout: who signs out here stays signed in there."),
    (Check.LOGOUT, Verdict.WRONG): _("It knows no logout, which is an obligation with FranceConnect."),
    (Check.CLIENT, Verdict.WELL): _("It knows us by this client ID and secret."),
    (Check.CLIENT, Verdict.DOUBTFUL): _("It is not clear whether it knows us: its answer was another than expected."),
    (Check.CLIENT, Verdict.WRONG): _("It does not know us by this client ID and secret. Type both again."),
}


def explain_check(finding: Finding, language: str) -> str:
    return translations(language).gettext(_SENTENCES[finding.check, finding.verdict])
