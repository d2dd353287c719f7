"""A library at whose desk somebody works, for the tests of what can be done there."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.models import AuditEntry, DeskAction, Grant, OpeningInterval, Role, SessionWish, Site, Voucher
from hotspot.sealing import Vault
from hotspot.services import desk, undoing
from hotspot.services.desk import Order
from hotspot.services.one_more_hour import HourGiven, give_hour_to_voucher
from hotspot.services.signing_in import SignedIn, SignInRequest, VoucherCodeGiven, sign_in
from hotspot.services.staff import Scope, find_scope
from hotspot.settings import Settings
from hotspot.values import MacAddress, RefusalReason, Refuse, Way
from tests import factories

PHONE, TABLET = MacAddress("020000000001"), MacAddress("020000000002")


class Library:
    """Open from nine to seven in Paris; it is ten o'clock. Day passes until closing, for one device."""

    def __init__(self, db: Session, now: datetime, vault: Vault, settings: Settings) -> None:
        self.db, self.now, self.vault, self.settings = db, now, vault, settings
        self.site = factories.make_site(db, name="Médiathèque")
        self.nas = factories.make_nas(db, site=self.site)
        self.open_from_to(9, 19)
        self.offer = factories.make_offer(db, site=self.site, way=Way.VOUCHER, visit_time=None)
        self.librarian = self.staff_at(self.site)
        self.order = Order(1, "", now + timedelta(days=30))

    def open_from_to(self, *hours: int) -> None:
        pairs = list(zip(hours[::2], hours[1::2], strict=True))
        self.site.opening_intervals = [
            OpeningInterval(weekday=day, opens_at=time(opens_at), closes_at=time(closes_at))
            for day in range(7)
            for opens_at, closes_at in pairs
        ]
        self.db.flush()

    def staff_at(self, *sites: Site) -> Scope:
        member = factories.make_staff(self.db, sites=sites, role=Role.LIBRARIAN)
        scope = find_scope(self.db, member.id, member.session_key)
        assert scope is not None
        return scope

    def prints(self, **wanted: Any) -> Sequence[Voucher]:
        batch = desk.print_passes(
            self.db, self.librarian, self.site, self.offer, replace(self.order, **wanted), self.now, self.vault
        )
        return batch.vouchers

    def a_pass(self, **wanted: Any) -> Voucher:
        (voucher,) = self.prints(**wanted)
        return voucher

    def tries(self, voucher: Voucher, mac: MacAddress = PHONE, *, site: Site | None = None) -> SignedIn | Refuse:
        request = SignInRequest(
            nas_id=self.nas.id,
            site_id=(site or self.site).id,
            device_mac=mac,
            offer_id=self.offer.id,
            credential=VoucherCodeGiven(self.vault.open(voucher.code_sealed)),
            terms_version=1,
            language="fr",
        )
        return sign_in(self.db, request, self.now, vault=self.vault, settings=self.settings)

    def uses(self, voucher: Voucher, mac: MacAddress = PHONE) -> Grant:
        answer = self.tries(voucher, mac)
        assert isinstance(answer, SignedIn), answer
        return answer.grant

    def refusal(self, voucher: Voucher, mac: MacAddress = PHONE) -> RefusalReason:
        answer = self.tries(voucher, mac)
        assert isinstance(answer, Refuse), answer
        return answer.reason

    def gives_hour(self, voucher: Voucher, **options: Any) -> HourGiven:
        return give_hour_to_voucher(
            self.db, options.pop("by", self.librarian), voucher.batch_id, self._number(voucher), self.now, **options
        )

    def voids(self, voucher: Voucher) -> None:
        desk.void_pass(self.db, self.librarian, voucher.batch_id, self._number(voucher), self.now)

    def undoes(self, by: Scope | None = None, action: DeskAction | None = None) -> undoing.Undone:
        """The last thing that was done, unless another is named."""
        action = action or self.last_action()
        return undoing.undo(self.db, by or self.librarian, action.id, self.now)

    def last_action(self) -> DeskAction:
        return self.db.scalars(select(DeskAction).order_by(DeskAction.id.desc()).limit(1)).one()

    def wishes(self) -> list[tuple[str, str]]:
        return [(each.kind.value, each.why.value) for each in self.db.scalars(select(SessionWish))]

    def audited(self) -> list[str]:
        return list(self.db.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))

    def at(self, hour: int, minute: int = 0) -> datetime:
        """Of the same day, in Paris (UTC+1)."""
        return self.now.replace(hour=hour - 1, minute=minute)

    def _number(self, voucher: Voucher) -> int:
        return [each.id for each in voucher.batch.vouchers].index(voucher.id) + 1
