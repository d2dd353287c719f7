"""A confirmed patron file is brought in behind the page: ten thousand PINs take argon2id minutes.

The work is a thread of this process. When the process dies nothing has been imported, since all is written in one
transaction at the end; the page then says so, because nobody reports any more.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from threading import Thread

import structlog

from hotspot.adapters.pending_import import ImportProgress, PendingImport, PendingImports
from hotspot.errors import Unavailable
from hotspot.services.patron_file import PatronRow
from hotspot.services.patrons import hash_pins, import_patrons, unpack_rows
from hotspot.services.staff import Scope
from hotspot_admin.resources import Resources

PATIENCE = 1.5
"""Seconds that the browser is kept waiting for a small file, so that its first page is already the last."""

log = structlog.get_logger()


def start_import(
    resources: Resources, scope: Scope, token: str, pending: PendingImport, *, missing_expire: bool
) -> None:
    pendings = PendingImports(resources.redis, resources.vault)
    rows = unpack_rows(pending.contents)
    pendings.report(scope.staff_id, token, ImportProgress("running", 0, len(rows)))
    thread = Thread(
        target=_run,
        args=(resources, scope, token, pending.organisation_id, rows, pendings, missing_expire),
        name="patron import",
        daemon=True,
    )
    thread.start()
    thread.join(PATIENCE)


def _run(
    resources: Resources,
    scope: Scope,
    token: str,
    organisation_id: int,
    rows: Sequence[PatronRow],
    pendings: PendingImports,
    missing_expire: bool,
) -> None:
    def report(progress: ImportProgress) -> None:
        pendings.report(scope.staff_id, token, progress)

    try:
        total = len(rows)
        hashed = hash_pins(rows, os.cpu_count() or 1, lambda done: report(ImportProgress("running", done, total)))
        with resources.database.transaction() as db:
            counts = import_patrons(
                db, organisation_id, hashed, scope, resources.clock(), missing_expire=missing_expire
            )
        expired = counts.missing if missing_expire else 0
        report(ImportProgress("done", total, total, counts.new, counts.updated, counts.unchanged, expired))
    except Exception as error:  # the page must say that it failed, whatever it was
        log.error("patron import failed", kind=type(error).__name__)  # never its text: it may quote the rows
        with suppress(Unavailable):
            report(ImportProgress("failed", 0, 0))
