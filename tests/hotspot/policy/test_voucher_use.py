"""How long a voucher is good."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from hotspot.policy.opening_hours import Hours, Interval
from hotspot.policy.voucher_use import Validity, VoucherLife, end_from_now, one_more_hour, why_not_usable
from hotspot.values import RefusalReason

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOURS = Hours(ZoneInfo("Europe/Paris"), {day: (Interval(time(9), time(19)),) for day in range(7)})


@pytest.mark.parametrize(
    ("life", "reason"),
    [
        (VoucherLife(NOW + HOUR, None, None, None), None),
        (VoucherLife(NOW, None, None, None), RefusalReason.VOUCHER_EXPIRED),
        (VoucherLife(NOW - HOUR, NOW - 2 * HOUR, NOW + HOUR, None), None),
        (VoucherLife(NOW + HOUR, NOW - 2 * HOUR, NOW, None), RefusalReason.VOUCHER_USED),
        (VoucherLife(NOW + HOUR, None, None, NOW), RefusalReason.VOUCHER_VOID),
        (VoucherLife(NOW - HOUR, NOW - 2 * HOUR, NOW - HOUR, NOW), RefusalReason.VOUCHER_VOID),
    ],
    ids=["unused", "not used in time", "in use", "over", "void", "void comes first"],
)
def test_why_a_voucher_cannot_be_used(life: VoucherLife, reason: RefusalReason | None) -> None:
    assert why_not_usable(life, NOW) is reason


@pytest.mark.parametrize(
    ("validity", "end"),
    [
        (Validity(), NOW.replace(hour=18)),
        (Validity(valid_for=30 * HOUR), NOW + 30 * HOUR),
        (Validity(until=NOW + timedelta(days=3)), NOW + timedelta(days=3)),
    ],
    ids=["the day", "some hours", "until then"],
)
def test_what_begins_now_ends_then(validity: Validity, end: datetime) -> None:
    assert end_from_now(validity, HOURS, NOW) == end


@pytest.mark.parametrize(
    ("ends_in", "closes_in", "longer_in"),
    [(2, 9, 3), (-1, 9, 1), (2, 2.5, 2.5), (2, 2, 2), (50, 9, 50)],
    ids=["from its end", "from now", "closing cuts it", "closing is the end", "it lasts beyond closing already"],
)
def test_one_more_hour(ends_in: float, closes_in: float, longer_in: float) -> None:
    assert one_more_hour(NOW + ends_in * HOUR, NOW + closes_in * HOUR, NOW) == NOW + longer_in * HOUR
