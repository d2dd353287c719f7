"""What attempts to sign in count towards."""

import pytest

from hotspot.adapters.rate_limit import CARD
from hotspot.services.attempts import attempts_of
from hotspot.services.signing_in import LibraryCard


def counted(card_number: str) -> str:
    attempts = attempts_of(
        LibraryCard(card_number, "1234"), device_mac="02:00:00:00:00:01", site_id=1, organisation_id=7
    )
    return next(each.subject for each in attempts if each.limit is CARD)


@pytest.mark.parametrize(
    "spelt", ["MARIE 12", " Marie12 ", "m a r i e 1 2", "\N{FULLWIDTH LATIN SMALL LETTER M}arie12"]
)
def test_a_card_is_one_card_however_it_is_written(spelt: str) -> None:
    assert counted(spelt) == counted("marie12")


def test_another_card_has_a_counter_of_its_own() -> None:
    assert counted("marie12") != counted("marie13")
