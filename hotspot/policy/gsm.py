"""Text messages that fit: the GSM 7-bit default alphabet (3GPP TS 23.038 section 6.2.1), one segment of 160.

A letter outside it would make the whole message twice as dear and half as long, so it is written with its nearest one.
"""

import unicodedata

SEGMENT = 160
_ALPHABET = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_NEAREST = {
    "’": "'",
    "‘": "'",
    "“": '"',
    "”": '"',
    "«": '"',
    "»": '"',
    "–": "-",
    "—": "-",
    "…": "...",
    "œ": "oe",
    "Œ": "OE",
}


def fit(text: str) -> str:
    """What cannot be written is left out; what is too long is cut: the code stands at the beginning."""
    return "".join(_written(sign) for sign in unicodedata.normalize("NFC", text))[:SEGMENT].rstrip()


def _written(sign: str) -> str:
    if sign in _ALPHABET:
        return sign
    if sign in _NEAREST:
        return _NEAREST[sign]
    if sign.isspace():
        return " "
    plain = unicodedata.normalize("NFKD", sign)[:1]
    return plain if plain in _ALPHABET else ""
