"""MikroTik RouterOS HotSpot. The router serves a login.html of ours, which sends the browser on with its variables."""

import hashlib
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
    is_web_address,
    standard_limits,
)

_ESCAPES = re.compile(r"(?:\\[0-3][0-7]{2})*")

_VARIABLES = (
    ("mac", "mac-esc"),
    ("ip", "ip"),
    ("identity", "identity"),
    ("server-name", "server-name"),
    ("link-login-only", "link-login-only"),
    ("chap-id", "chap-id"),
    ("chap-challenge", "chap-challenge"),
    ("error", "error"),
)


def recognise(_path: str, _raw_query: str, query: Mapping[str, str]) -> Redirect | None:
    if not {"mac", "identity", "link-login-only"} <= query.keys():
        return None
    mac = parse_mac(query["mac"])
    login = urlsplit(query["link-login-only"]) if is_web_address(query["link-login-only"]) else None
    challenge, chap_id = query.get("chap-challenge", ""), query.get("chap-id", "")
    if (
        mac is None
        or login is None
        or len(_octets(challenge)) != (16 if challenge else 0)
        or len(_octets(chap_id)) != (1 if challenge else 0)
    ):
        return None
    return Redirect(
        vendor=MIKROTIK.key,
        outcome=Outcome.REJECTED if query.get("error") else Outcome.NOT_YET,
        nas_identifier=query["identity"],
        called_station_id=normalise_called_station(query.get("server-name", "")),
        device_mac=mac,
        device_ip=query.get("ip", ""),
        login_url=login._replace(query="", fragment="").geturl(),
        challenge=challenge,
        chap_id=chap_id,
    )


def _octets(escaped: str) -> bytes:
    """`\\371\\015` -> two octets: each is a backslash and three octal digits. Anything else has no octets."""
    if not _ESCAPES.fullmatch(escaped):
        return b""
    return bytes(int(escaped[at + 1 : at + 4], 8) for at in range(0, len(escaped), 4))


def signature_is_right(_redirect: Redirect, _portal_url: str, _redirect_secret: str) -> bool:
    """RouterOS signs nothing: what protects is the list of login addresses, and the login bound to NAS and device."""
    return True


def chap_response(password: str, challenge: str, chap_id: str) -> str:
    """hex MD5(chap-id + password + chap-challenge)."""
    material = _octets(chap_id) + password.encode() + _octets(challenge)
    return hashlib.md5(material, usedforsecurity=False).hexdigest()


def let_in(material: LoginMaterial) -> str:
    """Without a challenge the server profile is http-pap: the one-time password goes as it is."""
    password = material.password
    if material.challenge:
        password = chap_response(password, material.challenge, material.chap_id)
    query = {"username": material.user_name, "password": password, "dst": material.success_url, "popup": "false"}
    return f"{material.login_url}?{urlencode(query, quote_via=quote)}"


def refresh_challenge(login_url: str) -> str:
    """The login page gives a new challenge each time it is served."""
    return login_url


def log_off(login_url: str) -> str:
    return urlsplit(login_url)._replace(path="/logout", query="").geturl()


def accept_attributes(admit: Admit, _online_url: str) -> Attributes:
    """Seen from the router: rx and Recv are the citizen's upload. `dst` leads to our page."""
    attributes = standard_limits(admit)
    if admit.upload_kbps is not None or admit.download_kbps is not None:
        rx, tx = (f"{kbps}k" if kbps is not None else "0" for kbps in (admit.upload_kbps, admit.download_kbps))
        attributes.append(("Mikrotik-Rate-Limit", f"{rx}/{tx}"))
    volumes = (
        ("Total", admit.octets_left),
        ("Recv", admit.upload_octets_left),
        ("Xmit", admit.download_octets_left),
    )
    for kind, octets in volumes:
        attributes += in_gigawords(octets, f"Mikrotik-{kind}-Limit", f"Mikrotik-{kind}-Limit-Gigawords")
    return attributes


def reject_attributes(_why_url: str) -> Attributes:
    """Reply-Message comes back as `error`."""
    return []


def input_is_download(_integers: Mapping[str, int]) -> bool:
    return False


def disconnect_by(session: LiveSession) -> Attributes:
    """User-Name alone is not enough, and one that looks like a MAC would hit the radio client: the address says which
    host of the HotSpot is meant."""
    address: Attributes = (
        [("Framed-IP-Address", session.framed_ip)] if session.framed_ip and "." in session.framed_ip else []
    )
    return [("User-Name", session.user_name), *address, ("Acct-Session-Id", session.acct_session_id)]


def change_by(session: LiveSession, admit: Admit) -> Attributes:
    return disconnect_by(session) + accept_attributes(from_the_start(session, admit), "")


def setup_steps(facts: SetupFacts) -> list[SetupStep]:
    portal = urlsplit(facts.portal_url)
    onward = "&".join(f"{name}=$({variable})" for name, variable in _VARIABLES)
    return [
        *_radsec_steps(facts),
        SetupStep(
            "In the RouterOS terminal",
            "\n".join(
                (
                    f"/system identity set name={facts.nas_identifier}",
                    _radius_line(facts),
                    f"/radius incoming set accept=yes port={facts.coa_port}",
                    "/ip hotspot profile set [find] use-radius=yes login-by=http-chap radius-interim-update=received",
                    f"/ip hotspot walled-garden add dst-host={portal.hostname}",
                    f"/ip hotspot walled-garden ip add dst-host={portal.hostname} action=accept",
                )
            ),
        ),
        SetupStep(
            "Replace hotspot/login.html on the router by",
            f'<meta http-equiv="refresh" content="0; url={facts.portal_url}/hotspot?{onward}">',
        ),
    ]


def _radius_line(facts: SetupFacts) -> str:
    server = f"/radius add service=hotspot address={facts.radius_host}"
    if facts.radsec_port is None:
        ports = f"authentication-port={facts.auth_port} accounting-port={facts.acct_port}"
        return f"{server} secret={facts.secret} {ports} timeout=3s"
    ports = f"authentication-port={facts.radsec_port} accounting-port={facts.radsec_port}"
    certificate = f"certificate={facts.certificate_name}.pem_0"
    return f"{server} protocol=radsec secret=radsec {ports} {certificate} timeout=3s"


def _radsec_steps(facts: SetupFacts) -> list[SetupStep]:
    """RouterOS 7. A certificate is known by the name of the file that it came in."""
    if facts.radsec_port is None:
        return []
    files = ("authority.pem", f"{facts.certificate_name}.pem", f"{facts.certificate_name}.key")
    commands = [f'/certificate import file-name={file} passphrase=""' for file in files]
    title = "RadSec needs RouterOS 7: copy these files to the router, then in the terminal"
    return [SetupStep(title, "\n".join(commands))]


MIKROTIK = Vendor(
    key="mikrotik",
    label="MikroTik RouterOS",
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
    coa_steps=(
        "In the RouterOS terminal: /radius incoming set accept=yes port=%(port)s."
        " Without it the gateway does not listen."
    ),
    enterprise_number=14988,
    usual_login_host="10.5.50.1",
)
