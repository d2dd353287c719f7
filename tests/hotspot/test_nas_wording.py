"""Every finding and every reason of a discard says what it is and what to do, in both languages."""

from datetime import timedelta

import pytest

from hotspot.nas_wording import DISCARDS, explain_discard, explain_finding, print_length
from hotspot.policy.nas_health import Finding, FindingKind, Severity
from hotspot.wording import LANGUAGES
from radius.messages import DiscardReason


@pytest.mark.parametrize("kind", FindingKind)
def test_every_finding_is_explained(kind: FindingKind) -> None:
    finding = Finding(kind, Severity.CARE, number=17, length=timedelta(hours=5))
    said = {language: explain_finding(finding, language) for language in LANGUAGES}

    assert all(each.title and each.what_to_do for each in said.values())
    assert said["fr"] != said["en"]
    assert "%(" not in said["fr"].title + said["en"].title


def test_a_clock_is_fast_or_slow() -> None:
    fast, slow = (Finding(FindingKind.CLOCK_OFF, Severity.CARE, sign, timedelta(hours=1)) for sign in (1, -1))

    assert explain_finding(fast, "en").title == "Its clock is 1 h 00 fast."
    assert explain_finding(slow, "fr").title == "Son horloge retarde de 1 h 00."


@pytest.mark.parametrize(
    ("error_cause", "said"),
    [
        (501, "It has been told not to obey: allow this server’s address"),
        (0, "It gives no reason."),
        (999, "It gives a reason that has no name (Error-Cause 999)."),
    ],
)
def test_a_refusal_tells_its_cause_first(error_cause: int, said: str) -> None:
    explained = explain_finding(Finding(FindingKind.COA_REFUSED, Severity.CARE, error_cause, timedelta(hours=2)), "en")

    assert explained.title == "It refused to end or change a connection 2 h 00 ago."
    assert explained.what_to_do.startswith(said)
    assert explained.what_to_do.endswith("until the time they were given is over.")


def test_every_reason_of_a_discard_is_explained() -> None:
    assert set(DISCARDS) >= {reason.value for reason in DiscardReason}
    assert explain_discard("wrong_by_tomorrow", "fr").title == "wrong_by_tomorrow"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-5, "0 s"), (59, "59 s"), (3599, "59 min"), (7500, "2 h 05"), (172_859, "2 j"), (183_600, "2 j 3 h")],
)
def test_a_length_of_time(seconds: int, said: str) -> None:
    assert print_length(timedelta(seconds=seconds), "fr") == said
