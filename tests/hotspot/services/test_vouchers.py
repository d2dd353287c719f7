"""Vouchers from the desk: made, counted, printed, withdrawn; and never the code where it does not belong."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hotspot.db import Database
from hotspot.errors import Conflict, InvalidInput, NotFound
from hotspot.models import AuditEntry, Grant, Role, Voucher, VoucherBatch
from hotspot.policy.voucher_codes import parse_code
from hotspot.sealing import Vault
from hotspot.services.staff import Scope, find_scope
from hotspot.services.vouchers import (
    VoucherState,
    get_batch,
    list_batches,
    make_batch,
    offers_to_print,
    open_batch,
    state_of,
    void_batch,
    void_voucher,
    voucher_of,
)
from hotspot.values import RefusalReason, Way
from tests import factories

Make = Callable[..., VoucherBatch]


@pytest.fixture
def make(now: datetime, vault: Vault) -> Make:
    """A batch of the library's day passes, by the system unless the test says who."""

    def made(db: Session, **overrides: Any) -> VoucherBatch:
        offer = overrides.pop("offer", None) or factories.make_offer(db, way=Way.VOUCHER)
        order: dict[str, Any] = {
            "site": offer.sites[0],
            "offer": offer,
            "count": 3,
            "label": "Atelier du mardi",
            "expires_at": now + timedelta(days=30),
            "staff": "system",
            "now": now,
            "vault": vault,
        }
        return make_batch(db, **order | overrides)

    return made


def scope_of(db: Session, batch: VoucherBatch) -> Scope:
    """A librarian of the batch's site."""
    staff = factories.make_staff(db, sites=(batch.site,), role=Role.LIBRARIAN)
    scope = find_scope(db, staff.id, staff.session_key)
    assert scope is not None
    return scope


def test_a_batch_has_as_many_different_valid_codes_as_asked_for(
    any_database: Database, make: Make, vault: Vault
) -> None:
    with any_database.transaction() as db:
        batch = make(db, count=200)

    with any_database.reading() as db:
        sealed = db.scalars(select(Voucher.code_sealed).where(Voucher.batch_id == batch.id)).all()
    codes = {vault.open(each) for each in sealed}
    assert len(codes) == 200
    assert all(parse_code(code) == code for code in codes)


def test_the_digest_finds_the_voucher_of_a_code(database: Database, make: Make, vault: Vault) -> None:
    with database.transaction() as db:
        voucher = db.get_one(VoucherBatch, make(db).id).vouchers[0]
        code = vault.open(voucher.code_sealed)

        assert db.scalar(select(Voucher.id).where(Voucher.code_digest == vault.digest(code))) == voucher.id


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"count": 0}, "count"),
        ({"count": 201}, "count"),
        ({"label": "x" * 201}, "label"),
        ({"label": "two\nlines"}, "label"),
        ({"expires_at": factories.NOW}, "expires_on"),
    ],
    ids=["none", "too many", "long label", "control character", "already over"],
)
def test_an_impossible_batch_is_refused_by_field(
    database: Database, make: Make, wrong: dict[str, Any], field: str
) -> None:
    with database.transaction() as db, pytest.raises(InvalidInput) as refused:
        make(db, **wrong)

    assert refused.value.field == field


@pytest.mark.parametrize("offer", [{"way": Way.ONE_TAP}, {"way": Way.VOUCHER, "retired_at": factories.NOW}])
def test_only_a_live_voucher_offer_of_the_site_can_be_printed(
    database: Database, make: Make, offer: dict[str, Any]
) -> None:
    with database.transaction() as db, pytest.raises(InvalidInput, match="cannot be had"):
        make(db, offer=factories.make_offer(db, **offer))


def test_an_offer_of_another_site_cannot_be_printed(database: Database, make: Make) -> None:
    with database.transaction() as db, pytest.raises(InvalidInput, match="cannot be had"):
        make(db, site=factories.make_site(db))


def test_staff_are_offered_what_their_sites_have(database: Database, make: Make) -> None:
    with database.transaction() as db:
        batch = make(db)
        factories.make_offer(db, way=Way.VOUCHER)
        factories.make_offer(db, site=batch.site)

        assert offers_to_print(db, scope_of(db, batch)) == [(batch.site, batch.offer)]


def test_a_batch_is_counted_by_what_became_of_its_vouchers(any_database: Database, make: Make, now: datetime) -> None:
    with any_database.transaction() as db:
        batch = make(db, count=6)
        first, second, third, *_ = batch.vouchers
        first.redeemed_at = second.redeemed_at = now
        second.voided_at = third.voided_at = now
        scope = scope_of(db, batch)
    with any_database.reading() as db:
        page = list_batches(db, scope)

    assert [(it.batch.id, it.unused, it.used, it.void) for it in page.batches] == [(batch.id, 3, 1, 2)]
    assert page.older_than is None


def test_batches_come_newest_first_by_pages_of_fifty(database: Database) -> None:
    with database.transaction() as db:
        offer = factories.make_offer(db, way=Way.VOUCHER)
        ids = [factories.make_voucher_batch(db, offer=offer).id for _ in range(51)]
        scope = scope_of(db, db.get_one(VoucherBatch, ids[0]))
        first = list_batches(db, scope)
        second = list_batches(db, scope, before=first.older_than)

    assert [it.batch.id for it in first.batches] == ids[:0:-1]
    assert [it.batch.id for it in second.batches] == ids[:1]
    assert second.older_than is None


def test_another_sites_batch_does_not_exist_for_a_librarian(database: Database, make: Make, now: datetime) -> None:
    with database.transaction() as db:
        batch, theirs = make(db), make(db)
        scope = scope_of(db, batch)

        assert [it.batch.id for it in list_batches(db, scope).batches] == [batch.id]
        with pytest.raises(NotFound):
            get_batch(db, scope, theirs.id)
        with pytest.raises(NotFound):
            void_batch(db, scope, theirs.id, now)
        with pytest.raises(NotFound):
            void_voucher(db, scope, theirs.id, 1, now)


@pytest.mark.parametrize("number", [0, 4])
def test_a_number_that_the_batch_does_not_have_is_not_found(database: Database, make: Make, number: int) -> None:
    with database.transaction() as db:
        batch = make(db)
        with pytest.raises(NotFound):
            voucher_of(batch, number)


def test_printing_opens_what_can_still_be_used_under_its_own_number(
    database: Database, make: Make, now: datetime, vault: Vault
) -> None:
    with database.transaction() as db:
        batch = make(db)
        batch.vouchers[0].redeemed_at = now
        last = batch.vouchers[2]
        last.voided_at = now
        opened = open_batch(db, scope_of(db, batch), batch.id, now, vault)

        assert [(it.number, it.code) for it in opened] == [(2, vault.open(batch.vouchers[1].code_sealed))]


def test_nothing_is_printed_of_a_batch_that_is_over(
    database: Database, make: Make, now: datetime, vault: Vault
) -> None:
    with database.transaction() as db:
        batch = make(db, count=1)
        scope = scope_of(db, batch)
        with pytest.raises(Conflict, match="expired"):
            open_batch(db, scope, batch.id, batch.expires_at, vault)
        void_voucher(db, scope, batch.id, 1, now)
        with pytest.raises(Conflict, match="left to print"):
            open_batch(db, scope, batch.id, now, vault)


def test_voiding_a_voucher_ends_its_live_grants_and_says_why(any_database: Database, make: Make, now: datetime) -> None:
    later = now + timedelta(minutes=10)
    with any_database.transaction() as db:
        batch = make(db)
        voucher = batch.vouchers[1]
        live = factories.make_grant(db, offer=batch.offer, voucher=voucher)
        past = factories.make_grant(db, offer=batch.offer, voucher=voucher, ends_at=now + timedelta(minutes=5))
        other = factories.make_grant(db, offer=batch.offer, voucher=batch.vouchers[0])
        void_voucher(db, scope_of(db, batch), batch.id, 2, later)
    with any_database.reading() as db:
        ends = {grant.id: (grant.ends_at, grant.ends_because) for grant in db.scalars(select(Grant))}

    assert ends[live.id] == (later, RefusalReason.VOUCHER_VOID)
    assert ends[past.id] == (now + timedelta(minutes=5), RefusalReason.GRANT_ENDED)
    assert ends[other.id] == (now + timedelta(hours=2), RefusalReason.GRANT_ENDED)


def test_a_grant_made_this_very_moment_can_be_ended(any_database: Database, make: Make, now: datetime) -> None:
    with any_database.transaction() as db:
        batch = make(db)
        grant = factories.make_grant(db, offer=batch.offer, voucher=batch.vouchers[0])
        void_voucher(db, scope_of(db, batch), batch.id, 1, now)

    assert grant.ends_at == now + timedelta(seconds=1)


def test_a_void_or_used_up_voucher_cannot_be_voided(database: Database, make: Make, now: datetime) -> None:
    with database.transaction() as db:
        batch = make(db)
        scope = scope_of(db, batch)
        used_up = batch.vouchers[0]
        used_up.redeemed_at, used_up.ends_at = now - timedelta(hours=2), now
        void_voucher(db, scope, batch.id, 2, now)
        for number in (1, 2):
            with pytest.raises(Conflict):
                void_voucher(db, scope, batch.id, number, now)


def test_voiding_a_batch_takes_all_that_can_still_be_used(database: Database, make: Make, now: datetime) -> None:
    with database.transaction() as db:
        batch = make(db)
        scope = scope_of(db, batch)
        batch.vouchers[0].redeemed_at = batch.vouchers[0].ends_at = now
        factories.make_grant(db, offer=batch.offer, voucher=batch.vouchers[1])

        assert void_batch(db, scope, batch.id, now + timedelta(minutes=1)) == 2
        assert [state_of(it) for it in batch.vouchers] == [VoucherState.USED, VoucherState.VOID, VoucherState.VOID]
        assert db.scalar(select(func.count()).where(Grant.ends_at > now + timedelta(minutes=1))) == 0
        with pytest.raises(Conflict):
            void_batch(db, scope, batch.id, now + timedelta(minutes=2))


def test_all_of_it_is_audited_and_the_codes_never(database: Database, make: Make, now: datetime, vault: Vault) -> None:
    with database.transaction() as db:
        batch = make(db)
        scope = scope_of(db, batch)
        opened = open_batch(db, scope, batch.id, now, vault)
        void_voucher(db, scope, batch.id, 1, now)
        void_batch(db, scope, batch.id, now)
        entries = db.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()

    actions = ["voucher_batch.created", "voucher_batch.printed", "voucher.voided", "voucher_batch.voided"]
    assert [entry.action for entry in entries] == actions
    assert {entry.organisation_id for entry in entries} == {batch.site.organisation_id}
    written = " ".join(f"{entry.subject} {entry.facts}" for entry in entries)
    assert "Atelier" not in written
    assert not any(it.code in written.replace("-", "") for it in opened)
