"""No answer counts that the database does not bear out."""

import pytest

from benchmarks.ledger import Kept, Turn, is_kept
from benchmarks.packets import DOWNLOAD, Speaker, Step, Visitor

WHO = Visitor(Speaker("127.1.0.1", b"secret", "nas", ()), "name", "password", "session", b"", b"")


@pytest.mark.parametrize(
    ("step", "seconds", "kept"),
    [
        pytest.param(Step.START, 0, Kept(0, 0, has_ended=False), id="begun"),
        pytest.param(Step.INTERIM, 300, Kept(300, 300 * DOWNLOAD, has_ended=False), id="so long"),
        pytest.param(Step.INTERIM, 300, Kept(600, 600 * DOWNLOAD, has_ended=True), id="longer by now"),
        pytest.param(Step.STOP, 600, Kept(600, 600 * DOWNLOAD, has_ended=True), id="ended"),
    ],
)
def test_what_is_in_the_database_is_kept(step: Step, seconds: int, kept: Kept) -> None:
    assert is_kept(Turn(WHO, step, seconds), {"session": kept})


@pytest.mark.parametrize(
    ("step", "seconds", "kept"),
    [
        pytest.param(Step.INTERIM, 600, Kept(300, 300 * DOWNLOAD, has_ended=False), id="less time"),
        pytest.param(Step.INTERIM, 300, Kept(300, 299 * DOWNLOAD, has_ended=False), id="other octets"),
        pytest.param(Step.STOP, 600, Kept(600, 600 * DOWNLOAD, has_ended=False), id="still open"),
    ],
)
def test_what_is_not_so_in_the_database_is_not_kept(step: Step, seconds: int, kept: Kept) -> None:
    assert not is_kept(Turn(WHO, step, seconds), {"session": kept})


def test_a_session_that_is_not_there_is_not_kept() -> None:
    assert not is_kept(Turn(WHO, Step.START, 0), {"another": Kept(0, 0, has_ended=False)})
