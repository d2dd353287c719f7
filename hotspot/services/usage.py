"""What has been used: by a grant, for its allowance; by hour and site, for the figures."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hotspot.models import WifiSession, WifiSessionCounter
from hotspot.policy.admission import Usage


def usage_of_grant(db: Session, grant_id: UUID) -> Usage:
    """Over all sessions of the grant, as last reported."""
    counter = WifiSessionCounter
    seconds, octets = db.execute(
        select(
            func.coalesce(func.sum(counter.session_seconds), 0),
            func.coalesce(func.sum(counter.upload_octets + counter.download_octets), 0),
        )
        .join(WifiSession, WifiSession.id == counter.id)
        .where(WifiSession.grant_id == grant_id)
    ).one()
    return Usage(timedelta(seconds=int(seconds)), int(octets))
