"""Pages that list something of the code list all of it."""

import re
from pathlib import Path

import pytest

from hotspot.settings import Settings
from parvis.demo_files import DemoPorts
from radius.messages import DiscardReason
from radius.tls import CloseReason

DOCS = Path(__file__).parents[2] / "docs"
FIELDS = (*Settings.model_fields, *DemoPorts.model_fields)


def test_each_setting_is_described() -> None:
    described = set(re.findall(r"`PARVIS_(\w+)`", (DOCS / "settings.md").read_text()))

    assert {name.lower() for name in described} >= set(FIELDS)


def test_no_setting_is_described_that_is_not_there() -> None:
    listed = re.findall(r"^\| `PARVIS_(\w+)`", (DOCS / "settings.md").read_text(), re.MULTILINE)

    assert {name.lower() for name in listed} <= set(FIELDS)


def test_each_reason_to_discard_or_to_close_has_its_remedy() -> None:
    listed = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", (DOCS / "radius.md").read_text(), re.MULTILINE)

    assert set(re.findall(r"\w+", " ".join(listed))) >= set(DiscardReason) | set(CloseReason)


@pytest.mark.parametrize(
    "page", sorted(DOCS.parent.glob("*.md")) + sorted(DOCS.rglob("*.md")), ids=lambda page: page.name
)
def test_no_link_between_pages_is_broken(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text())

    assert not [link for link in links if not (page.parent / link).exists()]
