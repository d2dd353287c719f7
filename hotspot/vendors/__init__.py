"""The brands of access point, each in its own file."""

from collections.abc import Iterable

from hotspot.vendors.coovachilli import COOVACHILLI
from hotspot.vendors.mikrotik import MIKROTIK
from hotspot.vendors.vendor import Vendor

VENDORS: dict[str, Vendor] = {vendor.key: vendor for vendor in (COOVACHILLI, MIKROTIK)}


def brand_of(enterprise_numbers: Iterable[int]) -> str:
    """The key of the first brand that these Vendor-Specific attributes belong to; empty if it is none of ours."""
    known = {vendor.enterprise_number: key for key, vendor in VENDORS.items()}
    return next((known[number] for number in enterprise_numbers if number in known), "")
