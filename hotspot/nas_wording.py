"""What people read about the health of a NAS, on the staff pages, in mails and on the command line: for each finding
and for each reason of a discard a sentence and what to do. (On these pages a NAS is called a gateway.)"""

from datetime import timedelta

from hotspot.error_causes import message_of
from hotspot.message_ids import mark as _
from hotspot.policy.nas_health import Finding, FindingKind
from hotspot.wording import Explanation, translations


def print_length(length: timedelta, language: str) -> str:
    """2 d 5 h, 2 h 05, 12 min, 40 s: the two largest units are enough."""
    minutes, seconds = divmod(max(0, int(length.total_seconds())), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} {translations(language).gettext('d')}" + (f" {hours} h" if hours else "")
    if hours:
        return f"{hours} h {minutes:02}"
    return f"{minutes} min" if minutes else f"{seconds} s"


def explain_finding(finding: Finding, language: str) -> Explanation:
    title, what_to_do = _FINDINGS[finding.kind]
    if finding.kind is FindingKind.CLOCK_OFF and finding.number > 0:
        title = _CLOCK_AHEAD
    gettext = translations(language).gettext
    said = {"number": finding.number, "length": print_length(finding.length, language)}
    why = f"{gettext(message_of(finding.number or None))} " if finding.kind is FindingKind.COA_REFUSED else ""
    return Explanation(gettext(title) % said, why % said + gettext(what_to_do))


def explain_discard(reason: str, language: str) -> Explanation:
    """A reason that is not known here is shown by its name."""
    gettext = translations(language).gettext
    if reason not in DISCARDS:
        return Explanation(reason, "")
    what, what_to_do = DISCARDS[reason]
    return Explanation(gettext(what), gettext(what_to_do))


_TYPE_SECRET = _("Show its settings on this page and type the secret on the device again, on both of its RADIUS lines.")
_OURS = _("This is a fault on our side: run “parvis doctor” on the server. The gateway asks again by itself.")
_BROKEN = _("Update the software of the device. If nothing of yours sends this, close the firewall for its address.")
_CLOCK_AHEAD = _("Its clock is %(length)s fast.")

_FINDINGS: dict[FindingKind, tuple[str, str]] = {
    FindingKind.NEVER_HEARD: (
        _("Nothing has come from it yet."),
        _(
            "Type the settings on the device, and check that the addresses below are the ones its packets come from. "
            "If it does send something, it is listed under “Unknown access points”."
        ),
    ),
    FindingKind.SILENT: (
        _("Nothing has come from it for %(length)s: longer than is usual for it."),
        _("Is it powered, and does its line to the internet work? Restart it; then check its RADIUS settings."),
    ),
    FindingKind.SILENT_WITH_VISITORS: (
        _("Nothing has come from it for %(length)s, though visitors were online (%(number)s)."),
        _("Its line or its power has probably failed: visitors have no internet. Look at it on the spot, restart it."),
    ),
    FindingKind.SECRET_WRONG: (
        _("Its secret is wrong: packets that are not authentic (%(number)s in 24 hours), and none that is."),
        _TYPE_SECRET,
    ),
    FindingKind.SECRET_WRONG_AT_TIMES: (
        _("Some of its packets are not authentic (%(number)s in 24 hours), others are."),
        _(
            "One of the two secrets on the device, for authentication or for accounting, is wrong; or somebody else "
            "sends packets in its name."
        ),
    ),
    FindingKind.PROOF_MISSING: (
        _("Requests without proof of origin were left unanswered (%(number)s in 24 hours)."),
        _(
            "Switch Message-Authenticator on there (RouterOS: require-message-auth) or update the device. Only if it "
            "cannot: choose “Automatic” below."
        ),
    ),
    FindingKind.PROOF_NOT_SEEN_YET: (
        _("No proof of origin has come from this gateway yet."),
        _(
            "Until the first one, answers could be forged on the way. Switch Message-Authenticator on there, or update "
            "the device."
        ),
    ),
    FindingKind.PROOF_NOT_REQUIRED: (
        _("Proof of origin is not required."),
        _(
            "Between this gateway and the server, anybody on the way could forge answers and let strangers in. Right "
            "only on one machine or through a VPN."
        ),
    ),
    FindingKind.PROXY_STATE_UNPROTECTED: (
        _("Requests came through a proxy without proof of origin and were left unanswered (%(number)s in 24 hours)."),
        _("If it is a RADIUS proxy, say so under the settings that are rarely needed. If not, somebody is in between."),
    ),
    FindingKind.WRONG_PORT: (
        _("Packets came to the wrong port (%(number)s in 24 hours)."),
        _("On the device the ports for authentication and accounting are exchanged: see “What to type on it”."),
    ),
    FindingKind.CLOCK_OFF: (
        _("Its clock is %(length)s slow."),
        _("Have it set its clock by NTP. Until then connections are dated by our clock, when its reports arrive."),
    ),
    FindingKind.INTERIM_NEVER: (
        _("It does not report on connections that last (%(number)s now): no interim report has ever come."),
        _(
            "Switch interim accounting on, every five minutes. Without it a connection is believed to be over after a "
            "quarter of an hour, and limits of volume do not hold."
        ),
    ),
    FindingKind.INTERIM_MISSING: (
        _("Reports on some connections are missing (%(number)s now)."),
        _("Packets get lost on the way, or the device forgot connections, as after a restart. Look at its line."),
    ),
    FindingKind.MANY_REPEATS: (
        _("It asks the same again and again: %(number)s %% of its requests today are repeats."),
        _(
            "Our answers get lost or come too late. Check its line and firewall; its timeout should be 3 seconds or "
            "more."
        ),
    ),
    FindingKind.MALFORMED: (_("Packets that make no sense were left unanswered (%(number)s in 24 hours)."), _BROKEN),
    FindingKind.COA_REFUSED: (
        _("It refused to end or change a connection %(length)s ago."),
        _("Until it obeys, whoever is to be cut off stays online until the time they were given is over."),
    ),
    FindingKind.COA_UNANSWERED: (
        _("It has not answered our last wishes to end or change a connection (%(number)s)."),
        _("Open the port for Disconnect and CoA on the device and on the firewall before it; behind NAT use RadSec."),
    ),
    FindingKind.OURS_AWAY: (_("Packets were left unanswered by a fault of ours (%(number)s in 24 hours)."), _OURS),
    FindingKind.NOBODY_LISTENS: (
        _("Our own RADIUS process is not running: nobody can be heard."),
        _("Start it on the server (“parvis doctor” tells more). Silences are not counted until then."),
    ),
}

DISCARDS: dict[str, tuple[str, str]] = {
    "unknown_nas": (_("No gateway has this address"), _("Add it, or correct its addresses.")),
    "unknown_certificate": (_("No gateway has this certificate"), _("Type its name on the gateway's page.")),
    "packet_too_short": (_("Too short to be RADIUS"), _BROKEN),
    "length_wrong": (_("Another length than it says"), _BROKEN),
    "attribute_malformed": (_("An attribute that cannot be read"), _BROKEN),
    "too_many_attributes": (_("More attributes than any device sends"), _BROKEN),
    "code_not_for_this_port": (
        _("Not for this port"),
        _("The ports for authentication and accounting are exchanged on the device."),
    ),
    "message_authenticator_missing": (
        _("Without proof of origin"),
        _("Switch Message-Authenticator on there, or update the device."),
    ),
    "message_authenticator_malformed": (_("With a broken proof of origin"), _BROKEN),
    "message_authenticator_wrong": (_("Wrong secret (authentication)"), _TYPE_SECRET),
    "request_authenticator_wrong": (_("Wrong secret (accounting)"), _TYPE_SECRET),
    "proxy_state_unprotected": (
        _("Through a proxy, without proof of origin"),
        _("If it is a RADIUS proxy, say so under the settings that are rarely needed."),
    ),
    "proxy_state_too_long": (
        _("More Proxy-State than an answer can repeat"),
        _("Fewer proxies in a row; or somebody who has the secret tries us: change it."),
    ),
    "two_passwords": (_("Two passwords at once"), _BROKEN),
    "password_malformed": (_("A password that cannot be read"), _BROKEN),
    "status_type_missing": (_("Accounting that says nothing"), _BROKEN),
    "session_id_missing": (_("Accounting of no connection"), _BROKEN),
    "already_in_work": (
        _("Repeated while the first was in work"),
        _("Some are harmless. Many: the database is slow, or the device's timeout is too short (3 s is right)."),
    ),
    "database_away": (_("Our database was away"), _OURS),
    "redis_away": (_("Our Redis was away"), _OURS),
    "journal_full": (_("Our database was away, and our disk full"), _OURS),
    "back_end_too_slow": (_("We could not look up a card, a code or a device in time"), _OURS),
    "cannot_be_recorded": (_("We could not record it"), _OURS),
}
"""By `radius.messages.DiscardReason`: what it was, and what to do."""
