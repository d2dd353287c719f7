"""CoovaChilli, and what is built on it (Teltonika RutOS, Cradlepoint, OpenMesh, …)."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import quote, urlencode, urlsplit

from hotspot.values import Admit, normalise_called_station, parse_mac
from hotspot.vendors.vendor import (
    Attributes,
    LiveSession,
    LoginMaterial,
    Outcome,
    Redirect,
    SetupFacts,
    SetupStep,
    Vendor,
    from_the_start,
    in_gigawords,
    standard_limits,
    wispr_speeds,
)

_OUTCOMES = {
    "notyet": Outcome.NOT_YET,
    "success": Outcome.ADMITTED,
    "already": Outcome.ADMITTED,
    "failed": Outcome.REJECTED,
    "logoff": Outcome.LOGGED_OFF,
}
_CHALLENGE = re.compile(r"[0-9a-fA-F]{32}")
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}")
_PORT = re.compile(r"[0-9]{1,5}")
_SIGNATURE = "&md="
_CLIENTS_VIEW = 2
_BESIDE = "127.0.0.1"


def recognise(path: str, raw_query: str, query: Mapping[str, str]) -> Redirect | None:
    if not {"res", "uamip", "uamport", "mac"} <= query.keys():
        return None
    outcome = _OUTCOMES.get(query["res"])
    if outcome is Outcome.REJECTED and query.get("reason") == "timeout":
        outcome = Outcome.NO_ANSWER
    mac = parse_mac(query["mac"])
    port = query["uamport"]
    challenge = query.get("challenge", "")
    if (
        outcome is None
        or mac is None
        or not _HOST.fullmatch(query["uamip"])
        or not (_PORT.fullmatch(port) and 0 < int(port) < 65536)
        or (challenge and not _CHALLENGE.fullmatch(challenge))
    ):
        return None
    before, found, signature = raw_query.rpartition(_SIGNATURE)
    return Redirect(
        vendor=COOVACHILLI.key,
        outcome=outcome,
        nas_identifier=query.get("nasid", ""),
        called_station_id=normalise_called_station(query.get("called", "")),
        device_mac=mac,
        device_ip=query.get("ip", ""),
        login_url=f"http://{query['uamip']}:{int(port)}/logon",
        challenge=challenge,
        acct_session_id=query.get("sessionid", ""),
        language=query.get("lang", ""),
        signature=signature if found else "",
        signed_part=f"{path}?{before}" if found else "",
    )


def signature_is_right(redirect: Redirect, portal_url: str, redirect_secret: str) -> bool:
    """`md` is the upper-case MD5 of the whole address before it, as the NAS wrote it, and the uamsecret."""
    if not redirect_secret:
        return True
    signed = (portal_url + redirect.signed_part + redirect_secret).encode()
    expected = hashlib.md5(signed, usedforsecurity=False).hexdigest().upper()
    return bool(redirect.signature) and hmac.compare_digest(expected.encode(), redirect.signature.encode())


def chap_response(password: str, challenge: str, redirect_secret: str) -> str:
    """hex MD5(ident 0 + password + key); the key is MD5(challenge + uamsecret), without a uamsecret the challenge."""
    key = bytes.fromhex(challenge)
    if redirect_secret:
        key = hashlib.md5(key + redirect_secret.encode(), usedforsecurity=False).digest()
    return hashlib.md5(b"\0" + password.encode() + key, usedforsecurity=False).hexdigest()


def let_in(material: LoginMaterial) -> str:
    response = chap_response(material.password, material.challenge, material.redirect_secret)
    query = urlencode({"username": material.user_name, "response": response}, quote_via=quote)
    return f"{material.login_url}?{query}"


def refresh_challenge(login_url: str) -> str:
    """/prelogin answers at once with the challenge that counts (1.6, 1.8 and 1.9)."""
    return _sibling(login_url, "/prelogin")


def log_off(login_url: str) -> str:
    return _sibling(login_url, "/logoff")


def _sibling(login_url: str, path: str) -> str:
    return urlsplit(login_url)._replace(path=path).geturl()


def accept_attributes(admit: Admit, online_url: str) -> Attributes:
    """1.9 answers a reject with nothing at all unless it names an address, and an address named once sticks to the
    next Accept: so both always name one."""
    return [*_limits(admit), ("WISPr-Redirection-URL", online_url)]


def _limits(admit: Admit) -> Attributes:
    """Input is what its counters call so: from the client's view, as it counts by default, the download."""
    attributes = standard_limits(admit) + wispr_speeds(admit)
    if admit.upload_kbps is not None:
        attributes.append(("ChilliSpot-Bandwidth-Max-Up", admit.upload_kbps))
    if admit.download_kbps is not None:
        attributes.append(("ChilliSpot-Bandwidth-Max-Down", admit.download_kbps))
    volumes = (
        ("Total", admit.octets_left),
        ("Input", admit.download_octets_left),
        ("Output", admit.upload_octets_left),
    )
    for kind, octets in volumes:
        attributes += in_gigawords(octets, f"ChilliSpot-Max-{kind}-Octets", f"ChilliSpot-Max-{kind}-Gigawords")
    return attributes


def reject_attributes(why_url: str) -> Attributes:
    return [("WISPr-Redirection-URL", why_url)]


def input_is_download(integers: Mapping[str, int]) -> bool:
    """By default chilli counts from the client's view; ChilliSpot-Acct-View-Point says so on each packet."""
    return integers.get("ChilliSpot-Acct-View-Point") == _CLIENTS_VIEW


def disconnect_by(session: LiveSession) -> Attributes:
    """Without User-Name it does not answer at all; User-Name alone would end every session of that name."""
    return [("User-Name", session.user_name), ("Acct-Session-Id", session.acct_session_id)]


def change_by(session: LiveSession, admit: Admit) -> Attributes:
    """A CoA clears every limit that it does not carry, and its Session-Timeout counts from the session's start."""
    return disconnect_by(session) + _limits(from_the_start(session, admit))


def setup_steps(facts: SetupFacts) -> list[SetupStep]:
    portal = urlsplit(facts.portal_url)
    server = facts.radius_host if facts.radsec_port is None else _BESIDE
    return [
        *_radsec_steps(facts),
        SetupStep(
            "In /etc/chilli/config (or the hotspot page of the device)",
            "\n".join(
                (
                    f'HS_RADIUS="{server}"',
                    f'HS_RADIUS2="{server}"',
                    f'HS_RADSECRET="{facts.secret}"',
                    f'HS_NASID="{facts.nas_identifier}"',
                    f'HS_UAMFORMAT="{facts.portal_url}/hotspot"',
                    f'HS_UAMSECRET="{facts.redirect_secret}"',
                    f'HS_UAMALLOW="{portal.hostname}"',
                    f'HS_COAPORT="{facts.coa_port}"',
                )
            ),
        ),
        SetupStep(
            "Or, option by option, in chilli.conf",
            "\n".join(
                (
                    f"radiusserver1 {server}",
                    f"radiusserver2 {server}",
                    f"radiusauthport {facts.auth_port}",
                    f"radiusacctport {facts.acct_port}",
                    f"radiussecret {facts.secret}",
                    f"radiusnasid {facts.nas_identifier}",
                    f"uamserver {facts.portal_url}/hotspot",
                    f"uamsecret {facts.redirect_secret}",
                    f"uamallowed {portal.hostname}",
                    f"coaport {facts.coa_port}",
                    f"definteriminterval {facts.interim_seconds}",
                )
            ),
        ),
        *_announcing_steps(facts),
    ]


def _announcing_steps(facts: SetupFacts) -> list[SetupStep]:
    """Which device asks must stand in the address that it is given, which 1.9 alone can do; and phones want https
    (RFC 8910 section 2)."""
    if not facts.portal_url.startswith("https:"):
        return []
    api = f"{facts.portal_url}/api/captive/{quote(facts.nas_identifier, safe='')}/%{{m}}"
    return [
        SetupStep(
            "Optional: phones then know how long the visit lasts, and find its page (DHCP option 114, CoovaChilli 1.9)",
            f"captiveportalapi_uri {api}",
        )
    ]


def _radsec_steps(facts: SetupFacts) -> list[SetupStep]:
    """Chilli speaks UDP to a radsecproxy on the same device, which speaks TLS to us."""
    if facts.radsec_port is None:
        return []
    folder = "/etc/radsecproxy"
    return [
        SetupStep(
            "RadSec: with radsecproxy on the device, in radsecproxy.conf",
            "\n".join(
                (
                    f"ListenUDP {_BESIDE}:{facts.auth_port}",
                    f"ListenUDP {_BESIDE}:{facts.acct_port}",
                    "tls default {",
                    f"  CACertificateFile {folder}/authority.pem",
                    f"  CertificateFile {folder}/{facts.certificate_name}.pem",
                    f"  CertificateKeyFile {folder}/{facts.certificate_name}.key",
                    "}",
                    "client chilli {",
                    f"  host {_BESIDE}",
                    "  type udp",
                    f"  secret {facts.secret}",
                    "}",
                    "server portal {",
                    f"  host {facts.radius_host}",
                    f"  port {facts.radsec_port}",
                    "  type tls",
                    "  secret radsec",
                    "  statusserver on",
                    "}",
                    "realm * {",
                    "  server portal",
                    "  accountingserver portal",
                    "}",
                )
            ),
        )
    ]


COOVACHILLI = Vendor(
    key="coovachilli",
    label="CoovaChilli",
    recognise=recognise,
    signature_is_right=signature_is_right,
    let_in=let_in,
    refresh_challenge=refresh_challenge,
    log_off=log_off,
    accept_attributes=accept_attributes,
    reject_attributes=reject_attributes,
    input_is_download=input_is_download,
    setup_steps=setup_steps,
    disconnect_by=disconnect_by,
    change_by=change_by,
    bare_nak_means_gone=True,
    coa_steps=(
        "Set coaport %(port)s (HS_COAPORT in /etc/chilli/config) and restart chilli;"
        " without it the gateway does not listen. It obeys this server’s RADIUS address alone."
    ),
    signs_redirects=True,
    enterprise_number=14559,
    usual_login_host="10.1.0.1:3990",
)
