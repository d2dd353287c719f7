"""Levels of assurance: what is enough for what was asked."""

import pytest

from hotspot.policy.identity_profiles import RULES, is_enough
from hotspot.values import IdentityProfile

FC, OTHER = IdentityProfile.FRANCECONNECT, IdentityProfile.GENERIC

CASES = [
    ("eidas1", "eidas1", FC, True),
    ("eidas1", "eidas3", FC, True),
    ("eidas2", "eidas1", FC, False),
    ("eidas1", "EIDAS1", FC, False),
    ("eidas1", None, FC, False),
    ("eidas1", ["eidas1"], FC, False),
    ("", None, OTHER, True),
    ("gold", "gold", OTHER, True),
    ("gold", "platinum", OTHER, False),
    ("eidas1", "eidas2", OTHER, False),
]


@pytest.mark.parametrize(("asked", "given", "profile", "enough"), CASES)
def test_a_level_is_enough_or_it_is_not(asked: str, given: object, profile: IdentityProfile, enough: bool) -> None:
    assert is_enough(asked, given, profile) is enough


def test_every_profile_has_its_rules() -> None:
    assert set(RULES) == set(IdentityProfile)
