"""What people read: the catalogues of every door, and the sentence for each refusal.

A message id is the English sentence itself, so English needs no catalogue. A language is a folder of .po files in
`translations/`, one per part of the product, merged in memory at the first use: nothing is compiled into the tree.
"""

from dataclasses import dataclass
from functools import cache
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path

from babel.dates import format_date
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from hotspot.message_ids import mark as _
from hotspot.values import RefusalReason, Refuse

LANGUAGES = ("fr", "en")
"""The first is the one for a visitor whose browser asks for none that we speak."""

LANGUAGE_NAMES = {"fr": "Français", "en": "English"}
"""Each in its own language, as a switch must show them."""

_FOLDER = Path(__file__).parent / "translations"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why not, and what to do about it: two short texts in the reader's language."""

    title: str
    what_to_do: str


@cache
def translations(language: str) -> GNUTranslations:
    """The merged catalogue of one language; for one without files, the message ids as they stand."""
    merged = Catalog(locale=language)
    for file in sorted((_FOLDER / language).glob("*.po")):
        with file.open("rb") as opened:
            for message in read_po(opened, locale=language):
                if message.id and not message.fuzzy:
                    merged[message.id] = message
    compiled = BytesIO()
    write_mo(compiled, merged)
    compiled.seek(0)
    return GNUTranslations(compiled)


def explain(reason: RefusalReason, language: str) -> Explanation:
    title, what_to_do = _EXPLANATIONS[reason]
    gettext = translations(language).gettext
    return Explanation(gettext(title), gettext(what_to_do))


def explain_refusal(refusal: Refuse, language: str) -> Explanation:
    """With the day that it speaks of, for what begins anew at a known time, or in the words of who made the rule."""
    explanation = explain(refusal.reason, language)
    if refusal.own_words and any(refusal.own_words.values()):
        words = refusal.own_words
        own = words.get(language) or next((words[each] for each in LANGUAGES if words.get(each)), "")
        return Explanation(own or next(filter(None, words.values())), "")
    if refusal.again_at is not None and refusal.reason in _RENEWED:
        return Explanation(explanation.title, translations(language).gettext(_UNTIL_RENEWED))
    dated = _DATED.get(refusal.reason)
    if dated is not None and refusal.day is not None:
        day = format_date(refusal.day, "d MMMM y", locale=language)
        return Explanation(translations(language).gettext(dated) % {"day": day}, explanation.what_to_do)
    return explanation


_RENEWED = (RefusalReason.TIME_USED_UP, RefusalReason.VOLUME_USED_UP)
_UNTIL_RENEWED = _("If you need more, ask the staff on the spot.")
"""Of a day or a week, which begins anew: when, is said beside it."""

_DATED = {RefusalReason.CARD_EXPIRED: _("Your library card expired on %(day)s.")}

_EXPLANATIONS: dict[RefusalReason, tuple[str, str]] = {
    RefusalReason.UNKNOWN_CARD_OR_PIN: (
        _("This card number and PIN do not go together."),
        _("Check both and try again. If you have forgotten your PIN, the library desk can give you a new one."),
    ),
    RefusalReason.CARD_EXPIRED: (
        _("Your library card has expired."),
        _("The library desk can renew it in a few minutes. Until then, try another way to connect if there is one."),
    ),
    RefusalReason.CARD_BLOCKED: (
        _("Your library card cannot be used for the moment."),
        _("The library desk can tell you why and put it right."),
    ),
    RefusalReason.CARD_LOST: (
        _("This card was reported as lost."),
        _("If it is yours, show it at the library desk: they can put it right in a moment."),
    ),
    RefusalReason.CARD_OWES: (
        _("Your library card is blocked because of an amount to be paid."),
        _("The library desk can tell you how much it is and unblock the card."),
    ),
    RefusalReason.CARD_OVERDUE: (
        _("Your library card is blocked because of items to be returned."),
        _("Bring them back, or ask the library desk: they can unblock the card."),
    ),
    RefusalReason.READER_NOT_ENTITLED: (
        _("Your library card does not include the Wi-Fi here."),
        _("The library desk can tell you what it includes. There may be another way to connect on this page."),
    ),
    RefusalReason.LIBRARY_AWAY: (
        _("The library’s system does not answer at the moment."),
        _(
            "Your card could not be checked. Try again in a few minutes, choose another way to connect if there is "
            "one, or ask the staff."
        ),
    ),
    RefusalReason.VOUCHER_UNKNOWN: (
        _("We do not know this code."),
        _("Check it letter by letter: it has twelve characters, and capitals do not matter."),
    ),
    RefusalReason.VOUCHER_USED: (
        _("This code has already been used."),
        _("A code works for one visit. Ask at the desk for a new one."),
    ),
    RefusalReason.VOUCHER_VOID: (
        _("This code is no longer valid."),
        _("It was withdrawn by the people who gave it. Ask at the desk for a new one."),
    ),
    RefusalReason.VOUCHER_EXPIRED: (
        _("This code is out of date."),
        _("It had to be used before the date printed on it. Ask at the desk for a new one."),
    ),
    RefusalReason.TERMS_NOT_ACCEPTED: (
        _("The terms of use must be accepted first."),
        _("Read them on this page, then tap the button that accepts them and connects you."),
    ),
    RefusalReason.NUMBER_NOT_SERVED: (
        _("We cannot send a text message to this number."),
        _("Give the number of a mobile phone, with its country code if it is not from here, or choose another way."),
    ),
    RefusalReason.HOST_NOT_ALLOWED: (
        _("This is not the address of somebody who can be your host here."),
        _("Give the professional e-mail address of the person who is expecting you."),
    ),
    RefusalReason.HOST_REFUSED: (
        _("Your host has answered no."),
        _("Speak to the person who is expecting you, or choose another way to connect."),
    ),
    RefusalReason.HOST_SILENT: (
        _("Your host has not answered in time."),
        _("Speak to the person who is expecting you, then ask once more."),
    ),
    RefusalReason.CODE_WRONG: (
        _("This is not the code that we sent."),
        _("Check its six digits. If you asked for several codes, only the last one counts."),
    ),
    RefusalReason.CODE_EXPIRED: (
        _("This code is no longer valid."),
        _("A code lasts for ten minutes. Ask for a new one: it takes a moment."),
    ),
    RefusalReason.CODE_TRIED_TOO_OFTEN: (
        _("Too many wrong codes were typed."),
        _("This code is worth nothing any more. Ask for a new one."),
    ),
    RefusalReason.CODE_JUST_SENT: (
        _("A code was sent a moment ago."),
        _("Give it some time to arrive before you ask for another one."),
    ),
    RefusalReason.CODE_SENT_TOO_OFTEN: (
        _("No further code can be sent for this request."),
        _("Use the last one that you received. If none arrived, check the address or number and start again."),
    ),
    RefusalReason.NOT_CONFIRMED_YET: (
        _("You have not confirmed yet."),
        _("Type the code that we sent, or open the link in the message and tap its button."),
    ),
    RefusalReason.PASS_USED_TODAY: (
        _("You have already had your pass for today."),
        _("There is one for each person and device a day. Ask the staff on the spot if you need more."),
    ),
    RefusalReason.IDENTITY_DECLINED: (
        _("You have not identified yourself."),
        _("Nothing was passed on. Try again while your minutes last, or choose another way to connect."),
    ),
    RefusalReason.IDENTITY_NOT_PROVEN: (
        _("The answer that came back could not be accepted."),
        _("Try once more. If it happens again, choose another way to connect and tell the staff on the spot."),
    ),
    RefusalReason.IDENTITY_STALE: (
        _("This answer has been used already, or came too late."),
        _("If you are not online yet, go back to the page of your visit and identify yourself once more."),
    ),
    RefusalReason.IDENTITY_OTHER_BROWSER: (
        _("You set out from another browser."),
        _("Open the page of your visit in this browser, and identify yourself from there."),
    ),
    RefusalReason.SITE_CLOSED: (
        _("The Wi-Fi here is closed at the moment."),
        _("Come back when this place is open: nothing else is needed."),
    ),
    RefusalReason.OFFER_NOT_HERE: (
        _("This way of connecting is not offered here."),
        _("Choose one of the ways shown on this page, or ask the staff on the spot."),
    ),
    RefusalReason.TOO_MANY_DEVICES: (
        _("You already have as many devices connected as you may."),
        _("Sign out on one of them, or wait until its time is over, then try again here."),
    ),
    RefusalReason.TOO_MANY_ATTEMPTS: (
        _("There were too many attempts."),
        _("Wait a few minutes before you try again. If you need help, ask the staff on the spot."),
    ),
    RefusalReason.TEXTS_USED_UP: (
        _("No more text messages can be sent at the moment."),
        _("Choose another way to connect, or try again later."),
    ),
    RefusalReason.NOT_FROM_ACCESS_POINT: (
        _("This page opens from the Wi-Fi itself."),
        _("Connect your device to the public Wi-Fi, then open any page: you will be brought here to sign in."),
    ),
    RefusalReason.UNKNOWN_NAS: (
        _("We do not know the access point that sent you here."),
        _("It is not registered with this service yet. Please tell the staff on the spot."),
    ),
    RefusalReason.SIGNATURE_WRONG: (
        _("We could not make sure that you come from our access point."),
        _("Turn your Wi-Fi off and on again to start afresh. If it happens again, please tell the staff on the spot."),
    ),
    RefusalReason.FOREIGN_LOGIN_ADDRESS: (
        _("The address to send you to is not one of our access points."),
        _("To protect you we stopped here. Turn your Wi-Fi off and on again, and tell the staff if it happens again."),
    ),
    RefusalReason.ARRIVAL_FORGED: (
        _("This page did not reach us as we sent it."),
        _("Turn your Wi-Fi off and on again to get a new one."),
    ),
    RefusalReason.ARRIVAL_EXPIRED: (
        _("This page was open for too long."),
        _("Start again: it takes one tap, and nothing that you were given is lost."),
    ),
    RefusalReason.UNKNOWN_LOGIN: (
        _("Your sign-in took too long to reach the access point."),
        _("It is valid for two minutes only. Sign in once more."),
    ),
    RefusalReason.WRONG_PASSWORD: (
        _("The access point did not pass on your sign-in correctly."),
        _("Sign in once more. If it happens again, please tell the staff on the spot."),
    ),
    RefusalReason.OTHER_DEVICE: (
        _("This sign-in was made for another device."),
        _("Sign in once more on the device that you want to connect."),
    ),
    RefusalReason.OTHER_NAS: (
        _("This sign-in was made at another access point."),
        _("You have probably walked from one to the next. Sign in once more here."),
    ),
    RefusalReason.CARD_NEEDS_PAP: (
        _("A library card cannot be checked in this way."),
        _("Tell the staff on the spot: the access point must send passwords by PAP to check a card."),
    ),
    RefusalReason.DEVICE_NOT_REMEMBERED: (
        _("This device is not remembered here."),
        _("Open any page: you will be brought to the page where you can sign in."),
    ),
    RefusalReason.NAS_ITSELF: (
        _("An access point has no account of its own here."),
        _("If you look after this access point: it needs none, so nothing has to be set up for it."),
    ),
    RefusalReason.EAP_NOT_OFFERED: (
        _("This network asked for a way to sign in that is not offered."),
        _("Choose the public network instead: it needs no account on the device."),
    ),
    RefusalReason.GRANT_ENDED: (
        _("Your time online is over."),
        _("You can sign in again if this place offers you another visit."),
    ),
    RefusalReason.PROOF_AWAITED: (
        _("The few minutes before your confirmation are over."),
        _("Connect again and confirm, for example with the code that you received."),
    ),
    RefusalReason.IDENTITY_AWAITED: (
        _("The minutes for identifying yourself are over."),
        _("There are ten of them a day. Choose another way to connect, or ask the staff on the spot."),
    ),
    RefusalReason.ENDED_BY_STAFF: (
        _("The staff have ended this visit."),
        _("Ask them on the spot if you do not know why."),
    ),
    RefusalReason.ANNOUNCEMENT_DUE: (
        _("An announcement is due."),
        _("Open any page: the announcement is shown, and then you go on."),
    ),
    RefusalReason.TIME_USED_UP: (
        _("Your time online is used up."),
        _("You can connect again at your next visit. If you need more, ask the staff on the spot."),
    ),
    RefusalReason.VOLUME_USED_UP: (
        _("Your data allowance is used up."),
        _("You can connect again at your next visit. If you need more, ask the staff on the spot."),
    ),
}
