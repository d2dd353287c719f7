"""`parvis vouchers print`: many codes on one PDF, with progress, readable by its owner alone."""

import stat
from pathlib import Path

import pypdfium2
import pytest

from hotspot.db import open_database
from hotspot.models import Site
from hotspot.settings import Settings
from hotspot.values import Way
from tests import factories
from tests.parvis.conftest import Run

pytestmark = pytest.mark.integration


@pytest.fixture
def offer_id(installed: Settings) -> int:
    database = open_database(installed)
    with database.transaction() as db:
        offer = factories.make_offer(db, site=db.get_one(Site, 1), way=Way.VOUCHER, name="Pass", visit_time=None)
        number = offer.id
    database.dispose()
    return number


def pages_of(pdf: Path) -> int:
    document = pypdfium2.PdfDocument(pdf.read_bytes())
    count = len(document)
    document.close()
    return count


def test_more_than_a_batch_is_one_file_with_progress(parvis: Run, offer_id: int, tmp_path: Path) -> None:
    out = tmp_path / "vouchers.pdf"

    done = parvis(
        "vouchers", "print", "--count", "230", "--site", "Library", "--offer", str(offer_id), "--out", str(out)
    )

    assert done.exit_code == 0, done.output
    assert "batches 1, 2." in done.output
    assert "Making codes" in done.stderr
    assert "Drawing" in done.stderr
    assert pages_of(out) == 10
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_batches_that_are_there_are_printed_again(parvis: Run, offer_id: int, tmp_path: Path) -> None:
    first, again = tmp_path / "1.pdf", tmp_path / "2.pdf"
    parvis("vouchers", "print", "--count", "3", "--site", "1", "--offer", str(offer_id), "--out", str(first))

    done = parvis("vouchers", "print", "--batch", "1", "--paper", "58mm", "--language", "de", "--out", str(again))

    assert done.exit_code == 0, done.output
    assert pages_of(again) == 3


@pytest.mark.parametrize(
    "wrong",
    [
        ["--count", "3"],
        ["--count", "1001", "--site", "1", "--offer", "1"],
        ["--batch", "1", "--count", "3"],
        [],
        ["--batch", "1", "--language", "fr", "--language", "de", "--language", "it"],
        ["--batch", "1", "--paper", "a3"],
    ],
    ids=["no site", "too many", "both", "neither", "three languages", "a3"],
)
def test_what_is_mistyped_is_told(parvis: Run, offer_id: int, tmp_path: Path, wrong: list[str]) -> None:
    done = parvis("vouchers", "print", *wrong, "--out", str(tmp_path / "x.pdf"))

    assert done.exit_code == 2
    assert not (tmp_path / "x.pdf").exists()


@pytest.mark.parametrize("batch", ["7", "99999999"])
def test_a_batch_that_is_not_there_is_told(parvis: Run, offer_id: int, tmp_path: Path, batch: str) -> None:
    done = parvis("vouchers", "print", "--batch", batch, "--out", str(tmp_path / "x.pdf"))

    assert (done.exit_code, "no such voucher batch" in done.stderr) == (1, True)


def test_a_folder_that_is_not_there_is_told(parvis: Run, offer_id: int, tmp_path: Path) -> None:
    out = str(tmp_path / "nowhere" / "x.pdf")

    done = parvis("vouchers", "print", "--count", "1", "--site", "1", "--offer", str(offer_id), "--out", out)

    assert done.exit_code == 1
    assert "cannot be written" in done.stderr
