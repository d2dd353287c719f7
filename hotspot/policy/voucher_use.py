"""How long a voucher is good: why it can no longer be used, when it ends once it is used, and one more hour."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hotspot.policy.opening_hours import Hours, end_of_day
from hotspot.values import RefusalReason

AN_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class VoucherLife:
    """What has become of a voucher so far."""

    expires_at: datetime
    """Of its batch: the last moment of a first use."""
    redeemed_at: datetime | None
    ends_at: datetime | None
    voided_at: datetime | None


@dataclass(frozen=True, slots=True)
class Validity:
    """How long it is good from its first use: at most one of these; none is until the end of that day."""

    valid_for: timedelta | None = None
    until: datetime | None = None


def why_not_usable(life: VoucherLife, now: datetime) -> RefusalReason | None:
    """Of the voucher itself, wherever it is typed. None: it can be used."""
    if life.voided_at is not None:
        return RefusalReason.VOUCHER_VOID
    if life.ends_at is not None and life.ends_at <= now:
        return RefusalReason.VOUCHER_USED
    if life.redeemed_at is None and life.expires_at <= now:
        return RefusalReason.VOUCHER_EXPIRED
    return None


def end_from_now(validity: Validity, hours: Hours, now: datetime) -> datetime:
    """The end of what begins now. A closing before it ends a visit; what is left can be used when the site opens."""
    if validity.until is not None:
        return validity.until
    return end_of_day(hours, now) if validity.valid_for is None else now + validity.valid_for


def one_more_hour(ends_at: datetime, closes_at: datetime, now: datetime) -> datetime:
    """From the end, or from now if that is over; never beyond the closing, and never less than there was."""
    return max(ends_at, min(max(ends_at, now) + AN_HOUR, closes_at))
