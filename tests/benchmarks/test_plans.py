"""What each NAS says, and in what order."""

import itertools

from benchmarks.fleet import Fleet
from benchmarks.load import PER_LANE, Outcome
from benchmarks.packets import Step
from benchmarks.radius import _answered, _dealt, _packed

FLEET = Fleet()
VISITORS = [FLEET.visitor(number, "label") for number in range(64 * 60)]


def test_an_identifier_comes_back_only_after_all_others() -> None:
    lane = _packed(_dealt(VISITORS, (Step.PAP, Step.START, Step.STOP)))[3]

    for code in (1, 4):
        identifiers = [request[1] for request in lane.requests if request[0] == code]
        assert identifiers == [number % 256 for number in range(len(identifiers))]


def test_a_visit_goes_on_well_after_what_went_before() -> None:
    plan = _dealt(VISITORS, (Step.PAP, Step.START, Step.INTERIM, Step.STOP))[0]

    said = [at for at, turn in enumerate(plan) if turn.visitor is VISITORS[0]]
    assert [plan[at].step for at in said] == [Step.PAP, Step.START, Step.INTERIM, Step.STOP]
    assert min(after - before for before, after in itertools.pairwise(said)) > PER_LANE


def test_what_was_not_sent_or_not_answered_does_not_count() -> None:
    plans = _dealt(VISITORS[:128], (Step.START,))

    answered = list(_answered(plans, Outcome(sent=[2, 1, *[0] * 62], lost={(0, 1)})))

    assert answered == [plans[0][0], plans[1][0]]
