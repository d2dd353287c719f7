"""The day that is drawn beforehand."""

import dataclasses

from simulator.fleet.plan import Deed, Mishap, Plan, Shares, make_plan

PLACES = [[3.0, 2.0], [1.0]]
HOURS = 2 * 3600.0
USUAL = Shares()


def _plan(phones: int = 300, seed: int = 1, shares: Shares = USUAL) -> Plan:
    return make_plan(phones, PLACES, HOURS, seed, shares)


def test_the_same_seed_is_the_same_day() -> None:
    assert _plan() == _plan()
    assert _plan() != _plan(seed=2)


def test_each_phone_comes_before_it_goes_and_all_is_over_in_time() -> None:
    for phone in _plan().phones:
        assert 0 <= phone.arrives_at < phone.leaves_at <= HOURS
        assert all(phone.arrives_at < moment < phone.leaves_at for moment, _ in phone.deeds)
        assert list(phone.deeds) == sorted(phone.deeds)


def test_phones_stand_where_there_is_a_place_and_most_where_it_attracts_most() -> None:
    counts = {(gateway, place): 0 for gateway, several in enumerate(PLACES) for place in range(len(several))}
    for phone in _plan(1000).phones:
        counts[phone.gateway, phone.place] += 1

    assert counts[0, 0] > counts[0, 1] > counts[1, 0] > 0


def test_everything_that_can_happen_happens_to_somebody() -> None:
    plan = make_plan(500, PLACES, HOURS, 1, Shares(mishaps_per_gateway_hour=6))

    assert {deed for phone in plan.phones for _, deed in phone.deeds} == set(Deed)
    assert {mishap for gateway in plan.gateways for _, mishap, _ in gateway.mishaps} == set(Mishap)
    assert {phone.says_goodbye for phone in plan.phones} == {True, False}


def test_a_share_of_nothing_is_nothing() -> None:
    none = Shares(**{field.name: 0.0 for field in dataclasses.fields(Shares)})
    plan = _plan(shares=none)

    assert not any(phone.deeds or phone.probes or phone.says_goodbye for phone in plan.phones)
    assert not any(gateway.mishaps for gateway in plan.gateways)


def test_whoever_wakes_has_slept() -> None:
    for phone in _plan(500).phones:
        order = [deed for _, deed in phone.deeds if deed in (Deed.SLEEP, Deed.WAKE)]
        assert order in ([], [Deed.SLEEP], [Deed.SLEEP, Deed.WAKE])


def test_mishaps_of_a_gateway_follow_one_another_and_are_over_before_the_end() -> None:
    plan = make_plan(1, PLACES, HOURS, 3, Shares(mishaps_per_gateway_hour=10))
    for gateway in plan.gateways:
        over_at = 0.0
        for moment, _, length in gateway.mishaps:
            assert moment >= over_at
            over_at = moment + length
        assert gateway.mishaps[-1][0] <= HOURS - 600
