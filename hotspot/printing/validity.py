"""How long a voucher is good for, in plain words: what its paper says of it, in any language of paper."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hotspot.printing.languages import last_moment, length
from hotspot.wording import translations


@dataclass(frozen=True, slots=True)
class Validity:
    """Without `valid_for` and `until`: until the site closes that day. Moments are in the site's own time zone."""

    valid_for: timedelta | None = None
    """From first use."""
    until: datetime | None = None
    first_use_before: datetime | None = None
    time_allowed: timedelta | None = None
    """Time online within the visit."""
    devices: int = 1


def validity_in_words(validity: Validity, language: str) -> list[str]:
    """Until when, for how many devices, and the last moment for a first use where that is not said already."""
    gettext, ngettext = translations(language).gettext, translations(language).ngettext
    sentences = []
    if validity.valid_for is not None:
        sentences.append(
            gettext("Valid for %(length)s from first use.") % {"length": length(validity.valid_for, language)}
        )
    if validity.until is not None:
        sentences.append(gettext("Valid until %(moment)s.") % {"moment": last_moment(validity.until, language)})
    if not sentences:
        sentences.append(gettext("Valid on the day of first use, until closing time."))
    if validity.time_allowed is not None:
        sentences.append(gettext("Up to %(length)s online.") % {"length": length(validity.time_allowed, language)})
    devices = validity.devices
    sentences.append(ngettext("For one device.", "For %(num)s devices at a time.", devices) % {"num": devices})
    last = validity.first_use_before
    if last is not None and (validity.until is None or last < validity.until):
        sentences.append(gettext("First use by %(moment)s.") % {"moment": last_moment(last, language)})
    return sentences
