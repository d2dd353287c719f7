"""Addresses where nobody is asked. Staff of one organisation say where to connect; on rented machines the keys
of the machine itself are handed out at a link-local address, to whoever asks from there."""

from ipaddress import IPv6Address, ip_address


def may_be_asked(address: str) -> bool:
    """Not link-local, whichever way it is written. `address`: as the resolver gives it."""
    found = ip_address(address.strip("[]").partition("%")[0])
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        return not found.ipv4_mapped.is_link_local
    return not found.is_link_local
