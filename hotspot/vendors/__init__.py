"""The brands of access point, each in its own file."""

from hotspot.vendors.coovachilli import COOVACHILLI
from hotspot.vendors.mikrotik import MIKROTIK
from hotspot.vendors.vendor import Vendor

VENDORS: dict[str, Vendor] = {vendor.key: vendor for vendor in (COOVACHILLI, MIKROTIK)}
