"""What the page of a visit says of what is left, and of what is about to end it, in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from hotspot.message_ids import mark
from hotspot.policy.warnings import BEFORE_THE_END, EndAhead, warnings
from hotspot.services.online import AllowanceLeft, Online
from hotspot.values import Period, RefusalReason
from portal.language import duration, gettext, local_moment, octets
from portal.resources import resources

_LEFT = {
    Period.VISIT: mark("Left of this visit"),
    Period.DAY: mark("Left today"),
    Period.WEEK: mark("Left this week"),
}
_TIME_NEARLY_USED = {
    Period.VISIT: mark("The time of your visit is nearly used up: %(left)s left."),
    Period.DAY: mark("Your time for today is nearly used up: %(left)s left."),
    Period.WEEK: mark("Your time for this week is nearly used up: %(left)s left."),
}
_VOLUME_NEARLY_USED = {
    Period.VISIT: mark("The volume of your visit is nearly used up: %(left)s left."),
    Period.DAY: mark("Your volume for today is nearly used up: %(left)s left."),
    Period.WEEK: mark("Your volume for this week is nearly used up: %(left)s left."),
}


@dataclass(frozen=True, slots=True)
class LeftShown:
    """A row of the page."""

    label: str
    amounts: Sequence[str]
    renews: str
    """Empty where it never does."""


@dataclass(frozen=True, slots=True)
class Warned:
    sentences: Sequence[str]
    what_to_do: str


def what_is_left(online: Online) -> list[LeftShown]:
    """By period. The time of a visit that has no other limit is what the page begins with."""
    rows = [_left(each, online) for each in online.allowances]
    alone = len(online.allowances) == 1 and online.allowances[0].allowance.period is Period.VISIT
    if alone and online.allowances[0].allowance.time is not None:
        rows = [LeftShown(each.label, each.amounts[1:], each.renews) for each in rows]
    return [each for each in rows if each.amounts]


def what_is_near(online: Online) -> Warned | None:
    """Of an announcement everything is said in one place: `online_announcement`."""
    ahead = [each for each in warnings(online.ends) if each.reason is not RefusalReason.ANNOUNCEMENT_DUE]
    if not ahead:
        return None
    return Warned([_warning(each) for each in ahead], _advice(ahead))


def _left(of: AllowanceLeft, online: Online) -> LeftShown:
    left, renews_at = of.left, of.allowance.renews_at
    amounts = [] if left.time is None else [duration(left.time) if left.time else gettext("no time")]
    if left.octets.both is not None:
        amounts.append(octets(left.octets.both))
    if left.octets.download is not None:
        amounts.append(gettext("%(volume)s to receive", volume=octets(left.octets.download)))
    if left.octets.upload is not None:
        amounts.append(gettext("%(volume)s to send", volume=octets(left.octets.upload)))
    renews = ""
    if renews_at is not None:
        renews = gettext("whole again %(when)s", when=local_moment(renews_at, resources().clock(), online.zone))
    return LeftShown(gettext(_LEFT[of.allowance.period]), amounts, renews)


def _warning(ahead: EndAhead) -> str:
    period = ahead.period or Period.VISIT
    if ahead.after is None:
        return gettext(_VOLUME_NEARLY_USED[period], left=octets(ahead.octets or 0))
    left = duration(ahead.after)
    match ahead.reason:
        case RefusalReason.SITE_CLOSED:
            return gettext("This place closes in %(left)s.", left=left)
        case RefusalReason.TIME_USED_UP:
            return gettext(_TIME_NEARLY_USED[period], left=left)
    return gettext("Your visit ends in %(left)s.", left=left)


def _advice(ahead: Sequence[EndAhead]) -> str:
    """Of the connection that breaks, not of every limit."""
    if any(each.after is not None and each.after < BEFORE_THE_END for each in ahead):
        return gettext("Finish or save what you are doing: the connection stops then.")
    return ""
