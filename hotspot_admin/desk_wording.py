"""What the desk is told of a refusal: what the matter is, and what can be done about it on this side of the counter."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from hotspot.message_ids import mark
from hotspot.models import DeskActionKind
from hotspot.values import RefusalReason, Refuse
from hotspot.wording import Explanation, explain_refusal
from hotspot_admin.language import clock_time, day, day_and_month, gettext, language
from hotspot_admin.resources import now

_AT_THE_DESK: Mapping[RefusalReason, tuple[str, str]] = {
    RefusalReason.VOUCHER_UNKNOWN: (
        mark("The code was not one of ours."),
        mark("Read it once more from the paper, or print a new pass."),
    ),
    RefusalReason.VOUCHER_USED: (
        mark("Its time is over."),
        mark("Give one more hour, or print a new pass."),
    ),
    RefusalReason.VOUCHER_VOID: (
        mark("It was made void."),
        mark("If that was a mistake of a moment ago, undo it. Otherwise print a new pass."),
    ),
    RefusalReason.VOUCHER_EXPIRED: (
        mark("It was not used in time."),
        mark("Print a new pass."),
    ),
    RefusalReason.UNKNOWN_CARD_OR_PIN: (
        mark("Card number and PIN did not go together."),
        mark("Compare the number with the card. If it is right, give the person a new PIN in the library’s system."),
    ),
    RefusalReason.CARD_BLOCKED: (
        mark("The card is blocked."),
        mark(
            "See in the library’s system why. An administrator can unblock it here; until then a day pass is a way in."
        ),
    ),
    RefusalReason.CARD_EXPIRED: (
        mark("The card is out of date."),
        mark(
            "Renew it in the library’s system; it works here with the next import. Until then a day pass is a way in."
        ),
    ),
    RefusalReason.CARD_LOST: (
        mark("The card was reported as lost."),
        mark("See in the library’s system whose it is. Once that is put right there, it works here at once."),
    ),
    RefusalReason.CARD_OWES: (
        mark("The reader owes more than is allowed."),
        mark("See the amount in the library’s system. Until it is paid a day pass is a way in."),
    ),
    RefusalReason.CARD_OVERDUE: (
        mark("The reader has kept things for too long."),
        mark("See in the library’s system what has to be brought back. Until then a day pass is a way in."),
    ),
    RefusalReason.READER_NOT_ENTITLED: (
        mark("A rule of the library says no to this reader."),
        mark("The rules look at category, age and home library. A day pass is another way in."),
    ),
    RefusalReason.LIBRARY_AWAY: (
        mark("The library’s system did not answer."),
        mark("Try again in a few minutes. Until then a day pass is a way in."),
    ),
    RefusalReason.SITE_CLOSED: (
        mark("The place is closed at this hour."),
        mark("Nothing has to be done: it works again when the place opens. The hours are on the page of the site."),
    ),
    RefusalReason.OFFER_NOT_HERE: (
        mark("It is not taken at your sites."),
        mark("Print a pass of a kind that is."),
    ),
    RefusalReason.TOO_MANY_DEVICES: (
        mark("As many devices as are allowed are online with it."),
        mark("End one of the connections below, or have one of the devices sign out."),
    ),
    RefusalReason.TOO_MANY_ATTEMPTS: (
        mark("There were too many wrong guesses."),
        mark("Look together at what is typed, then lift the lock; or wait."),
    ),
    RefusalReason.GRANT_ENDED: (
        mark("The time of the visit is over."),
        mark("Give one more hour, or have the person sign in again."),
    ),
    RefusalReason.ENDED_BY_STAFF: (
        mark("Somebody of the staff ended the visit."),
        mark("If nothing speaks against it, have the person sign in again."),
    ),
    RefusalReason.TIME_USED_UP: (
        mark("The time online is used up."),
        mark("Give one more hour, or print a new pass."),
    ),
    RefusalReason.VOLUME_USED_UP: (
        mark("The data allowance is used up."),
        mark("Another hour would not help: print a new pass."),
    ),
    RefusalReason.TERMS_NOT_ACCEPTED: (
        mark("The terms of use were not accepted."),
        mark("On the page, it is the button that accepts them and connects."),
    ),
}
"""Of any other the desk is told what the visitor is told."""

DONE: Mapping[DeskActionKind, str] = {
    DeskActionKind.PRINTED: mark("Printed"),
    DeskActionKind.VOIDED: mark("Made void"),
    DeskActionKind.HOUR_GIVEN: mark("One more hour"),
}


def explain_at_the_desk(refusal: Refuse) -> Explanation:
    own = _AT_THE_DESK.get(refusal.reason)
    return explain_refusal(refusal, language()) if own is None else Explanation(gettext(own[0]), gettext(own[1]))


def said_to_the_visitor(refusal: Refuse) -> str:
    """Of a rule, in the library's own words."""
    return explain_refusal(refusal, language()).title


def when(moment: datetime, zone_name: str) -> str:
    """14:05, and the day where it is not today."""
    zone = ZoneInfo(zone_name)
    that_day, today = moment.astimezone(zone).date(), now().astimezone(zone).date()
    if that_day == today:
        return clock_time(moment, zone)
    said = day_and_month(that_day) if that_day.year == today.year else day(that_day, "long")
    return f"{said} {clock_time(moment, zone)}"
