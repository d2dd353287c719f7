"""QR codes, drawn here: what they say, and the picture. ISO/IEC 18004."""

import re

import qrcode
from qrcode.constants import ERROR_CORRECT_M

QUIET_ZONE = 4
"""Modules of white around the code that a reader needs."""

_MASK = 5
"""Any of the eight can be read. Choosing the best one for each code takes seven times as long as drawing it, and a
voucher's code is random, so that none is better: 360 blurred and slanted drawings of each were read equally well."""

_SPECIAL = re.compile(r'([\\;,:"])')


def wifi_join_text(ssid: str) -> str:
    """What makes a phone offer to join this open network. A name that could be read as hexadecimal is put in quotes."""
    name = _SPECIAL.sub(r"\\\1", ssid)
    if re.fullmatch(r"[0-9A-Fa-f]+", ssid):
        name = f'"{name}"'
    return f"WIFI:T:nopass;S:{name};;"


def qr_svg(text: str) -> str:
    """One path of horizontal bars, a unit a module, its quiet zone included.."""
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=QUIET_ZONE, mask_pattern=_MASK)
    code.add_data(text)
    rows = code.get_matrix()
    bars = [f"M{x} {y}h{length}v1h-{length}z" for y, row in enumerate(rows) for x, length in _runs(row)]
    side = len(rows)
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}"><path d="{"".join(bars)}"/></svg>'


def _runs(row: list[bool]) -> list[tuple[int, int]]:
    """(first module, how many) for each unbroken black stretch."""
    runs: list[tuple[int, int]] = []
    start: int | None = None
    for at, black in enumerate([*row, False]):
        if black and start is None:
            start = at
        elif not black and start is not None:
            runs.append((start, at - start))
            start = None
    return runs
