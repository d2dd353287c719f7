"""What the desk has done, as it is noted and read again."""

from datetime import timedelta
from uuid import uuid4

from hotspot.services.desk_actions import GrantBefore, unpacked
from hotspot.values import RefusalReason
from tests.factories import NOW


def test_what_an_earlier_version_has_noted_is_read_still() -> None:
    """It gave no extra time; what was done minutes before an upgrade can be undone after it."""
    grant_id, later = uuid4(), NOW + timedelta(hours=1)
    row = [grant_id.hex, NOW.isoformat(), "grant_ended", 3600, later.isoformat()]
    before = GrantBefore(grant_id, NOW, RefusalReason.GRANT_ENDED, timedelta(hours=1), timedelta(0))
    assert unpacked([row]) == [(before, later)]
