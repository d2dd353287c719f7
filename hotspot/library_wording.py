"""What staff read about libraries' own systems: each step of an examination and what to do, blocks, and rules as plain
sentences."""

from collections.abc import Sequence
from decimal import Decimal

from babel.lists import format_list
from babel.numbers import format_decimal

from hotspot.adapters.library_systems.library_system import Finding, Outcome, Step
from hotspot.message_ids import mark as _
from hotspot.policy.readers import Block, Rule
from hotspot.wording import LANGUAGES, Explanation, translations

STEPS: dict[Step, str] = {
    Step.REACHED: _("Reach the server"),
    Step.TRUSTED: _("A connection that nobody else can read"),
    Step.LET_IN: _("Sign in with our own account"),
    Step.SPEAKS: _("Speak the protocol that was chosen"),
    Step.INSTITUTION: _("Name the institution"),
    Step.CARD: _("Ask about the test card"),
    Step.WRONG_PIN: _("The same card with another PIN"),
    Step.NO_PIN: _("The same card without a PIN"),
}
"""What was tried."""

_DANGER = _(
    "Dangerous: whoever reads or guesses a card number gets in, in the name of its reader. Do not let it check cards: "
    "ask those who look after the system to have it compare PINs, or choose another way to ask it."
)

_FINDINGS: dict[tuple[Step, Outcome], tuple[str, str]] = {
    (Step.REACHED, Outcome.WELL): (_("The server answers at this address and port."), ""),
    (Step.REACHED, Outcome.DOUBTFUL): (
        _("The server answers, but not as it should."),
        _("Look at its address and port, then test again."),
    ),
    (Step.REACHED, Outcome.WRONG): (
        _("The server cannot be reached."),
        _(
            "Check its name and port. Most often a firewall is in between: ask for this machine’s address to be let "
            "through, here and at the library’s host."
        ),
    ),
    (Step.TRUSTED, Outcome.WELL): (_("The connection is encrypted, and its certificate is the right one."), ""),
    (Step.TRUSTED, Outcome.DOUBTFUL): (
        _("The connection is not encrypted."),
        _(
            "Whoever is on the way reads card numbers and PINs. Switch encryption on, or make sure that the way is a "
            "VPN, a tunnel or a network of your own."
        ),
    ),
    (Step.TRUSTED, Outcome.WRONG): (
        _("Its certificate is not the right one for this name."),
        _(
            "Perhaps it has expired, was made for another name, or comes from the library’s own authority: paste that "
            "authority’s certificate into the settings. If all that is right, somebody may be listening in between."
        ),
    ),
    (Step.LET_IN, Outcome.WELL): (_("Our account is accepted."), ""),
    (Step.LET_IN, Outcome.DOUBTFUL): (
        _("Our account is accepted, but may not do everything that the settings ask for."),
        _("Ask for the missing permission, or switch off in the settings what needs it."),
    ),
    (Step.LET_IN, Outcome.WRONG): (
        _("Our account is not accepted."),
        _(
            "Check its name and password, and whether it may connect from this machine’s address: some systems know us "
            "by that alone. If no answer comes at all, its service may be stuck: tell those who look after it."
        ),
    ),
    (Step.SPEAKS, Outcome.WELL): (_("It answers in this protocol, and offers what is needed."), ""),
    (Step.SPEAKS, Outcome.DOUBTFUL): (
        _("It answers in this protocol, with habits of its own."),
        _("It works. Rules may miss some facts about readers: try a card to see which ones it gives."),
    ),
    (Step.SPEAKS, Outcome.WRONG): (
        _("Something answers, but not as this protocol wants it."),
        _("Is this the right port, the right address, the right kind of system? The line below says what it answered."),
    ),
    (Step.INSTITUTION, Outcome.WELL): (_("It knows our institution."), ""),
    (Step.INSTITUTION, Outcome.DOUBTFUL): (
        _("It does not confirm our institution code."),
        _("If the test card works, all is well. If not, have the code written out by the vendor, capitals included."),
    ),
    (Step.INSTITUTION, Outcome.WRONG): (
        _("It refuses our institution code."),
        _("Enter the code exactly as the vendor writes it: capitals and spaces count."),
    ),
    (Step.CARD, Outcome.WELL): (_("The card is known, and its PIN is right."), ""),
    (Step.CARD, Outcome.DOUBTFUL): (
        _("The card is known, but not everything about it could be read."),
        _("The line below says what: put right in the settings how it is written, or where it stands."),
    ),
    (Step.CARD, Outcome.WRONG): (
        _("The card is not known, or its PIN is wrong."),
        _(
            "Try the same card and PIN in the library’s catalogue. If they work there, check the institution code: "
            "with a wrong one many servers know no card at all."
        ),
    ),
    (Step.WRONG_PIN, Outcome.WELL): (_("Another PIN is refused: the system does look at PINs."), ""),
    (Step.WRONG_PIN, Outcome.DOUBTFUL): (
        _("Whether another PIN is refused could not be found out."),
        _("Test again before you trust it: a system that ignores PINs lets anybody in."),
    ),
    (Step.WRONG_PIN, Outcome.WRONG): (_("This system ignores PINs: it took a wrong one for right."), _DANGER),
    (Step.NO_PIN, Outcome.WELL): (_("A card without a PIN is refused."), ""),
    (Step.NO_PIN, Outcome.DOUBTFUL): (
        _("A card without a PIN is accepted."),
        _(
            "If the settings say that the card number alone is enough, anybody who reads or guesses one gets in. "
            "Otherwise Parvis itself never asks without a PIN."
        ),
    ),
    (Step.NO_PIN, Outcome.WRONG): (_("This system lets a card in without a PIN."), _DANGER),
}

BLOCKS: dict[Block, str] = {
    Block.LOST: _("a report of loss"),
    Block.OVERDUE: _("overdue loans"),
    Block.OWES: _("an unpaid amount"),
    Block.BLOCKED: _("a block without a reason"),
}
"""What holds a card back."""


DETAILS = (
    _("no answer in time"),
    _("the server closed the connection"),
    _("the server says that it is not online (98)"),
    _("Connection refused"),
    _("No route to host"),
)
"""What is seen most of what a machine says below a step, so that it is in the reader’s language; anything else is shown
as it came."""


def explain_finding(finding: Finding, language: str) -> Explanation:
    title, what_to_do = _FINDINGS[finding.step, finding.outcome]
    gettext = translations(language).gettext
    return Explanation(gettext(title), gettext(what_to_do) if what_to_do else "")


def print_rule(rule: Rule, offer_name: str | None, language: str) -> str:
    """“Readers who are under 15 get “Jeunes”.” As a whole sentence, whatever is set."""
    who = _conditions(rule, language)
    own = next((rule.sentences[each] for each in (language, *LANGUAGES) if rule.sentences.get(each)), "")
    if offer_name is not None:
        message = _RULED_OFFER if who else _OFFER_FOR_ALL
    elif own:
        message = _RULED_SENTENCE if who else _SENTENCE_FOR_ALL
    else:
        message = _RULED_REFUSAL if who else _REFUSAL_FOR_ALL
    return translations(language).gettext(message) % {"who": who, "offer": offer_name, "sentence": own}


_RULED_OFFER = _("Readers %(who)s get “%(offer)s”.")
_OFFER_FOR_ALL = _("All readers whose card is good get “%(offer)s”.")
_RULED_SENTENCE = _("Readers %(who)s are refused: “%(sentence)s”")
_SENTENCE_FOR_ALL = _("All readers whose card is good are refused: “%(sentence)s”")
_RULED_REFUSAL = _("Readers %(who)s are refused.")
_REFUSAL_FOR_ALL = _("All readers whose card is good are refused.")
_CATEGORIES = _("whose category is %(names)s")
_HOME_LIBRARIES = _("whose library is %(names)s")
_AGE_FROM = _("who are %(from)s or older")
_AGE_BELOW = _("who are under %(below)s")
_AGE_BETWEEN = _("who are %(from)s to %(to)s years old")
_AGE = _("who are %(from)s years old")
_OWES = _("who owe more than %(amount)s")
_EXPIRED = _("whose card has expired")
_BLOCKED = _("whose card is held back only by %(names)s")


def _conditions(rule: Rule, language: str) -> str:
    gettext = translations(language).gettext
    told = []
    for message, names in ((_CATEGORIES, rule.categories), (_HOME_LIBRARIES, rule.home_libraries)):
        if names:
            told.append(gettext(message) % {"names": _one_of(sorted(names), language)})
    if rule.age_from is not None or rule.age_below is not None:
        told.append(_age(rule.age_from, rule.age_below, language))
    if rule.owes_above is not None:
        told.append(gettext(_OWES) % {"amount": print_amount(rule.owes_above, language)})
    if rule.expired:
        told.append(gettext(_EXPIRED))
    if rule.blocks:
        held_by = [gettext(label) for each, label in BLOCKS.items() if each in rule.blocks]
        told.append(gettext(_BLOCKED) % {"names": _one_of(held_by, language)})
    return format_list(told, style="standard", locale=language) if told else ""


def _age(from_: int | None, below: int | None, language: str) -> str:
    gettext = translations(language).gettext
    if below is None:
        return gettext(_AGE_FROM) % {"from": from_}
    if from_ is None:
        return gettext(_AGE_BELOW) % {"below": below}
    return gettext(_AGE if from_ == below - 1 else _AGE_BETWEEN) % {"from": from_, "to": below - 1}


def _one_of(names: Sequence[str], language: str) -> str:
    return format_list(names, style="or", locale=language)


def print_amount(amount: Decimal, language: str) -> str:
    """Without a currency: it is the library's."""
    return format_decimal(amount, format="#,##0.00" if amount % 1 else "#,##0", locale=language)
