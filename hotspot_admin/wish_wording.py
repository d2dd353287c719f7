"""What came of a wish to end or change a connection, in words; and how well a gateway answers such wishes."""

from collections.abc import Mapping
from dataclasses import dataclass

from hotspot.error_causes import message_of
from hotspot.message_ids import mark
from hotspot.models import ChangeRecord, SessionWish, WishKind, WishReason, WishState
from hotspot_admin.language import gettext


@dataclass(frozen=True, slots=True)
class Look:
    label: str
    look: str
    """Class of the style sheet."""
    hint: str = ""


STATES = {
    WishState.WAITING: Look(mark("Asked"), "", mark("The gateway will be asked in a moment.")),
    WishState.SENT: Look(mark("Asked"), "", mark("The gateway has been asked; its answer may take half a minute.")),
    WishState.ACCEPTED: Look(mark("Accepted"), "", mark("The gateway said yes. Its last report has not come yet.")),
    WishState.GONE: Look(mark("Gone"), "", mark("The gateway no longer knows this connection.")),
    WishState.REFUSED: Look(mark("Refused"), "bad"),
    WishState.NO_ANSWER: Look(mark("No answer"), "bad", mark("The gateway has not answered.")),
    WishState.NOT_POSSIBLE: Look(mark("Not possible"), "bad", mark("No way to ask this gateway is known.")),
    WishState.CONFIRMED: Look(mark("Ended"), "good"),
}
WILL_BE_ASKED_AGAIN = mark("It will be asked again.")
REASONS = {
    WishReason.STAFF: mark("Ended by the staff"),
    WishReason.ENDED_BY_STAFF: mark("Visit ended by the staff"),
    WishReason.VOUCHER_VOID: mark("Voucher made void"),
    WishReason.CARD_BLOCKED: mark("Card blocked"),
    WishReason.GRANT_ENDED: mark("Time was over"),
    WishReason.SITE_CLOSED: mark("The site has closed"),
    WishReason.TIME_USED_UP: mark("Time used up"),
    WishReason.VOLUME_USED_UP: mark("Volume used up"),
    WishReason.ANNOUNCEMENT_DUE: mark("An announcement was due"),
}
KINDS = {
    WishKind.DISCONNECT: mark("Ending a connection"),
    WishKind.CHANGE: mark("Changing a connection that runs"),
}


def why_refused(error_cause: int | None) -> str:
    return gettext(message_of(error_cause), number=error_cause)


def hint_of(wish: SessionWish) -> str:
    """The sentence beside the state; empty where the state says it all."""
    if wish.state is WishState.REFUSED:
        return why_refused(wish.error_cause)
    hint = STATES[wish.state].hint
    said = gettext(hint) if hint else ""
    if wish.state is WishState.NO_ANSWER and wish.due_at is not None:
        said += " " + gettext(WILL_BE_ASKED_AGAIN)
    return said


def was_refused_last(record: ChangeRecord) -> bool:
    return record.refused_at is not None and (record.accepted_at is None or record.refused_at > record.accepted_at)


def seems_deaf(records: Mapping[WishKind, ChangeRecord]) -> bool:
    """It was asked and has not answered lately, whatever was asked: probably it does not listen."""
    return bool(records) and all(record.unanswered_in_a_row for record in records.values())
