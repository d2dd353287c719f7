"""A thousand vouchers on paper, and one code checked: the two figures of a desk with a queue."""

import random
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select

import migrations
from hotspot.db import open_database
from hotspot.models import Voucher
from hotspot.policy.voucher_codes import make_code, parse_code
from hotspot.printing.validity import Validity
from hotspot.printing.voucher_sheet import PaperVoucher, SheetFormat, VoucherSheet, draw_voucher_sheet
from hotspot.settings import load_settings
from tests import factories

SHEET = 1_000
_CHECKS = 500


@dataclass
class VoucherResults:
    sheet_seconds: list[float] = field(default_factory=list)
    check_ms: list[float] = field(default_factory=list)
    """Read as typed, found in the table or not, mean of a run."""


def run(folder: Path, *, rounds: int) -> VoucherResults:
    codes = [make_code(random.Random(number).choice) for number in range(SHEET)]
    settings = load_settings({}, var_dir=folder, secret_key=factories.SECRET_KEY)
    migrations.upgrade(settings.database_address)
    database, vault, results = open_database(settings), factories.VAULT, VoucherResults()
    with database.transaction() as db:
        batch = factories.make_voucher_batch(db)
        for code in codes:
            factories.make_voucher(db, batch=batch, code_digest=vault.digest(code), code_sealed=vault.seal(code))
    for _ in range(rounds):
        began = time.perf_counter()
        draw_voucher_sheet(_sheet(codes), SheetFormat.SMALL, ["fr"])
        results.sheet_seconds.append(time.perf_counter() - began)
        began = time.perf_counter()
        with database.reading() as db:
            for code in codes[:_CHECKS]:
                read = parse_code(code.lower())
                assert read is not None
                assert db.scalar(select(Voucher.id).where(Voucher.code_digest == vault.digest(read)))
        results.check_ms.append((time.perf_counter() - began) * 1000 / _CHECKS)
    database.dispose()
    return results


def _sheet(codes: list[str]) -> VoucherSheet:
    return VoucherSheet(
        site_name="Médiathèque",
        ssid="Wi-Fi public",
        organisation_name="Commune",
        batch="1",
        validity=Validity(time_allowed=timedelta(hours=3), first_use_before=datetime(2027, 1, 1, tzinfo=UTC)),
        portal="https://wifi.commune.example",
        vouchers=[PaperVoucher(f"1-{number}", code) for number, code in enumerate(codes, 1)],
    )
