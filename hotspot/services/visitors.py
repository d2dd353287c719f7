"""Visitors: known from the moment at which something was proven about them."""

from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from hotspot.models import PassRequest, Visitor


def know_visitor(db: Session, request: PassRequest, now: datetime) -> Visitor:
    """The one with the contact of this request, or a new one. Locked either way: two devices of one person wait for
    each other."""
    insert: Any = sqlite_insert if db.get_bind().dialect.name == "sqlite" else postgresql_insert
    statement = insert(Visitor).values(
        organisation_id=request.offer.organisation_id,
        way=request.way,
        contact_digest=request.contact_digest,
        contact_sealed=request.contact_sealed,
        created_at=now,
        last_seen_at=now,
    )
    visitor_id = db.scalars(
        statement.on_conflict_do_update(
            index_elements=["organisation_id", "way", "contact_digest"],
            set_={"last_seen_at": now, "contact_sealed": request.contact_sealed},
        ).returning(Visitor.id)
    ).one()
    return db.get_one(Visitor, visitor_id, populate_existing=True)
