"""CoovaChilli's redirect and log-in, as text and arithmetic: `md`, the key, the WISPr message in the body."""

import hashlib
from html import escape

from simulator.radius import Attributes

_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()")


def url_encode(text: str) -> str:
    """Lower-case %xx."""
    return "".join(chr(octet) if octet in _PLAIN else f"%{octet:02x}" for octet in text.encode())


def signed(url: str, uamsecret: str) -> str:
    """With `md`, the upper-case MD5 of the address so far and the uamsecret, if there is one."""
    if not uamsecret:
        return url
    return f"{url}&md={hashlib.md5((url + uamsecret).encode(), usedforsecurity=False).hexdigest().upper()}"


def login_key(challenge: bytes, uamsecret: str) -> bytes:
    if not uamsecret:
        return challenge
    return hashlib.md5(challenge + uamsecret.encode(), usedforsecurity=False).digest()


def clear_password(encoded: str, key: bytes) -> str:
    """The `password` parameter: hex of the padded password XOR the key, repeated."""
    octets = bytes.fromhex(encoded)
    clear = bytes(octet ^ key[at % len(key)] for at, octet in enumerate(octets))
    return clear.rstrip(b"\0").decode(errors="replace")


def portal_address(uamserver: str, parameters: Attributes, uamsecret: str) -> str:
    query = "&".join(f"{name}={url_encode(str(value))}" for name, value in parameters)
    return signed(f"{uamserver}{'&' if '?' in uamserver else '?'}{query}", uamsecret)


def smart_client(own: str, place: str, res: str, login_url: str) -> str:
    """The WISPr 1.0 message that some phones read, hidden in a comment."""
    if res == "logoff":
        element, code, links = "LogoffReply", (130, 150), ""
    elif res in ("success", "already"):
        element, code, links = "AuthenticationReply", (120, 50), f"<LogoffURL>{own}/logoff</LogoffURL>"
    elif res == "failed":
        element, code, links = "AuthenticationReply", (120, 100), ""
    else:
        element, code = "Redirect", (100, 0)
        links = (
            f"<AccessProcedure>1.0</AccessProcedure><LocationName>{escape(place)}</LocationName>"
            f"<LoginURL>{escape(login_url)}</LoginURL><AbortLoginURL>{own}/abort</AbortLoginURL>"
        )
    message = (
        '<WISPAccessGatewayParam xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        ' xsi:noNamespaceSchemaLocation="http://www.acmewisp.com/WISPAccessGatewayParam.xsd">'
        f"<{element}>{links}<MessageType>{code[0]}</MessageType><ResponseCode>{code[1]}</ResponseCode></{element}>"
        "</WISPAccessGatewayParam>"
    )
    return f"<html><!--\n{message.replace('--', '&#45;&#45;')}\n--></html>\n"
