"""Figures as a CSV file that a spreadsheet opens: with a byte order mark and semicolons, as in French town halls, and
without a cell that the spreadsheet would take for a formula."""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO

from flask import Response

_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def csv_answer(name: str, head: Sequence[str], rows: Iterable[Sequence[str | int]]) -> Response:
    text = StringIO()
    writer = csv.writer(text, delimiter=";")
    writer.writerow(head)
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    return Response(
        "\ufeff" + text.getvalue(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def harmless(cell: str | int) -> str | int:
    """A text that would begin a formula has an apostrophe before it: the spreadsheet shows it as it stands."""
    return f"'{cell}" if isinstance(cell, str) and cell.lstrip().startswith(_STARTS_A_FORMULA) else cell
