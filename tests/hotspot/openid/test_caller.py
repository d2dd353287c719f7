"""Which addresses are called at all."""

from datetime import timedelta

import pytest

from hotspot.adapters.openid.caller import an_exchange, may_be_called
from hotspot.adapters.wire import NoAnswer

ALLOWED = [
    "https://provider.test/a/b?c=d",
    "https://provider.test:8443/",
    "http://127.0.0.1:8080/",
    "http://localhost/",
    "http://[::1]:8080/",
]
FORBIDDEN = [
    "http://provider.test/",
    "http://127.0.0.1.provider.test/",
    "http://localhost.provider.test/",
    "ftp://provider.test/",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "https://user@provider.test/",
    "https://user:word@provider.test/",
    "https://provider.test\\@elsewhere.test/",
    "https://provider.test/#part",
    "https:///path",
    "https://provider.test:port/",
    "https://[::1",
    "https://provider.test/a b",
    "https://provider.test/\r\nHost: elsewhere",
    "https://é.test/",
    "https://provider.test/" + "a" * 2000,
    "//provider.test/",
    "",
]


@pytest.mark.parametrize("address", ALLOWED)
def test_an_address_that_may_be_called(address: str) -> None:
    assert may_be_called(address)


@pytest.mark.parametrize("address", FORBIDDEN)
def test_an_address_that_may_not(address: str) -> None:
    assert not may_be_called(address)
    with an_exchange(timedelta(seconds=1)) as caller, pytest.raises(NoAnswer, match="address not allowed"):
        caller.get(address, {})
