"""Admit and Refuse -> the attributes of Access-Accept and Access-Reject, through the NAS's vendor."""

from hotspot.portal_links import online_url, refused_url
from hotspot.sealing import Vault
from hotspot.services.radius_clients import RadiusClient
from hotspot.settings import Settings
from hotspot.values import Admit, Refuse
from hotspot.wording import explain_refusal
from radius.authenticity import Proof
from radius.messages import Accept, Reject
from radius.mschap import MsChapV2

_LONGEST_TEXT = 253


class ReplyWriter:
    """Holds what replies need to know of the installation."""

    def __init__(self, settings: Settings, vault: Vault) -> None:
        self._settings = settings
        self._vault = vault

    def write(self, decision: Admit | Refuse, client: RadiusClient, proof: Proof | None = None) -> Accept | Reject:
        """`proof`: how the password was shown; MS-CHAPv2 wants an answer of its own."""
        reply = self.accept(decision, client) if isinstance(decision, Admit) else self.reject(decision, client)
        if isinstance(proof, MsChapV2):
            accepted = isinstance(decision, Admit)
            said = proof.success_attributes() if accepted else proof.failure_attributes(_message_of(reply))
            reply.attributes.extend(said)
        return reply

    def accept(self, admit: Admit, client: RadiusClient) -> Accept:
        """The limits as the brand honours them; Class cites the grant, and accounting brings it back."""
        page = online_url(self._settings, self._vault, admit.grant_id)
        attributes = client.vendor.accept_attributes(admit, page)
        return Accept([*attributes, ("Class", admit.grant_id.bytes)])

    def reject(self, refuse: Refuse, client: RadiusClient) -> Reject:
        """Nothing else may be in an Access-Reject (RFC 2865 section 5.44)."""
        sentence = explain_refusal(refuse, self._settings.default_language).title
        page = refused_url(self._settings, refuse.reason, client.nas_id)
        attributes = client.vendor.reject_attributes(page)
        return Reject([("Reply-Message", shortened(sentence)), *attributes])


def _message_of(reject: Accept | Reject) -> str:
    return str(dict(reject.attributes).get("Reply-Message", ""))


def shortened(text: str) -> str:
    """As much as one attribute holds, with no character cut in two."""
    return text.encode()[:_LONGEST_TEXT].decode(errors="ignore")
