"""What each kind of identity provider demands beyond OpenID Connect itself.

FranceConnect v2: one answer at a time (response type code), a level of assurance named in each request, a user info
answer that is signed, and a logout that is an obligation.
"""

from dataclasses import dataclass
from types import MappingProxyType

from hotspot.values import IdentityProfile

_EIDAS = ("eidas1", "eidas2", "eidas3")
"""From the weakest to the strongest."""


@dataclass(frozen=True, slots=True)
class ProfileRules:
    acr: str = ""
    """The level that is asked for where staff name none; empty: none is asked for."""
    levels: tuple[str, ...] = ()
    """Levels that can be compared, the weakest first. Any other is as good as itself only."""
    secret_in_body: bool = False
    """The client secret travels as client_secret_post, whatever discovery says."""
    signed_user_info: bool = False
    """A user info answer that is not signed is refused."""
    must_log_out: bool = False
    """A provider without a logout address cannot be used."""
    issuers: tuple[tuple[str, str], ...] = ()
    """(label, issuer) of those that are known beforehand."""


RULES = MappingProxyType(
    {
        IdentityProfile.FRANCECONNECT: ProfileRules(
            acr="eidas1",
            levels=_EIDAS,
            secret_in_body=True,
            signed_user_info=True,
            must_log_out=True,
            issuers=(
                ("production", "https://oidc.franceconnect.gouv.fr/api/v2"),
                ("integration", "https://fcp-low.integ01.dev-franceconnect.fr/api/v2"),
            ),
        ),
        IdentityProfile.GENERIC: ProfileRules(),
    }
)


def is_enough(asked: str, given: object, profile: IdentityProfile) -> bool:
    """Is the level of assurance that an ID token names what was asked for, or better?"""
    if not asked:
        return True
    levels = RULES[profile].levels
    if asked in levels and given in levels:
        return levels.index(str(given)) >= levels.index(asked)
    return given == asked
