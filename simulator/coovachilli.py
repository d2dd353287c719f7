"""CoovaChilli 1.8 in front of a browser, as measured, odd habits included."""

import json
import re
import secrets
from collections.abc import Mapping

from pyrad.packet import AccessAccept, Packet

from simulator.brand import SILENCE, Device, Gate, Proof, Response, redirect, split
from simulator.coovachilli_radius import CoovaChilliRadius, own_address
from simulator.coovachilli_redirect import clear_password, login_key, portal_address, smart_client
from simulator.phones import Phone
from simulator.radius import every, first

CHALLENGE_LIFE = 600
CHALLENGE_TOO_OLD = 1200
_CALLBACK = re.compile(r"[\w.$]{1,80}")
_NOTHING: Mapping[str, str] = {}


class CoovaChilli(CoovaChilliRadius):
    def capture(self, gate: Device, phone: Phone, url: str) -> Response:
        phone.visited = url
        return self._to_portal(gate, phone, "notyet")

    def to_portal(self, gate: Device, phone: Phone, path: str) -> Response:
        """The answer to one of the paths that change nothing."""
        state = "already" if phone.connection else "notyet"
        return self._to_portal(gate, phone, state, status=path == "/status")

    def answer(self, gate: Gate, phone: Phone, path: str, query: Mapping[str, str]) -> Response | None:
        match path:
            case "/logon" | "/login":
                return self._logon(gate, phone, query)
            case "/logoff" | "/logout" | "/abort":
                gate.log_off(phone, "User-Request")
                return self.after_logoff(gate, phone)
            case "/status" | "/prelogin":
                return self.to_portal(gate, phone, path)
            case "/captive-portal-identification":
                return self._captive_portal(gate, phone)
            case _ if path.startswith("/json/"):
                return self._answer_script(gate, phone, path, query)
        return None

    def _answer_script(self, gate: Gate, phone: Phone, path: str, query: Mapping[str, str]) -> Response:
        message = ""
        if path == "/json/logon" and phone.connection is None:
            outcome = self._try(gate, phone, query)
            if isinstance(outcome, Response):
                return outcome
            message = (outcome and first(outcome, "Reply-Message")) or ""
        elif path == "/json/logoff":
            self._logoff(gate, phone)
        return self._json(gate, phone, query, message)

    def _logon(self, gate: Gate, phone: Phone, query: Mapping[str, str]) -> Response:
        proof = self.read_logon(gate, phone, query)
        if isinstance(proof, Response):
            return proof
        return self.after_logon(gate, phone, query, gate.log_on(phone, proof))

    def read_logon(self, gate: Device, phone: Phone, query: Mapping[str, str]) -> Proof | Response:
        """What to ask the server with, or what to tell the browser at once."""
        if phone.connection is not None:
            return self._to_portal(gate, phone, "already")
        if query.get("userurl"):
            phone.visited = query["userurl"]
        return self._read_proof(gate, phone, query)

    def after_logon(self, gate: Device, phone: Phone, query: Mapping[str, str], outcome: Packet | None) -> Response:
        """What the browser is told once the server has answered; None: it has not."""
        self._note(gate, phone, outcome)
        extra = {"lang": query["lang"]} if query.get("lang") else {}
        if outcome is None:
            return self._to_portal(gate, phone, "failed", {"reason": "timeout", **extra})
        phone.redirection = "".join(every(outcome, "WISPr-Redirection-URL")) or phone.redirection
        if phone.redirection:  # what one answer named sticks to the next that names none
            return redirect(phone.redirection)
        extra["reply"] = first(outcome, "Reply-Message") or ""
        if outcome.code == AccessAccept:
            return self._to_portal(gate, phone, "success", extra)
        return self._to_portal(gate, phone, "failed", {"reason": "reject", **extra})

    def _try(self, gate: Gate, phone: Phone, query: Mapping[str, str]) -> Packet | Response | None:
        """The server's answer, None for none, or what to tell the browser before any server was asked."""
        proof = self._read_proof(gate, phone, query)
        if isinstance(proof, Response):
            return proof
        outcome = gate.log_on(phone, proof)
        self._note(gate, phone, outcome)
        return outcome

    def _read_proof(self, gate: Device, phone: Phone, query: Mapping[str, str]) -> Proof | Response:
        user_name, response, password = (query.get(name, "") for name in ("username", "response", "password"))
        if not user_name or not (response or password):
            return SILENCE
        if phone.challenge and gate.now() - phone.challenge_at > CHALLENGE_TOO_OLD:
            self._renew_challenge(gate, phone)
            return self._to_portal(gate, phone, "failed", {"reason": "other"})
        key = login_key(self._challenge(gate, phone, fresh=False), gate.config.uamsecret)
        try:
            if response:
                chap = bytes([int(query.get("ident") or 0) & 0xFF]) + bytes.fromhex(response)
                return Proof(user_name, (("CHAP-Challenge", key), ("CHAP-Password", chap)))
            return Proof(user_name, (("User-Password", b""),), clear_password(password, key))
        except ValueError:
            return SILENCE

    def _note(self, gate: Device, phone: Phone, outcome: Packet | None) -> None:
        if outcome is not None and outcome.code != AccessAccept:
            self._renew_challenge(gate, phone)

    def after_logoff(self, gate: Device, phone: Phone) -> Response:
        self._renew_challenge(gate, phone)
        return self._to_portal(gate, phone, "logoff")

    def _logoff(self, gate: Gate, phone: Phone) -> None:
        gate.log_off(phone, "User-Request")
        self._renew_challenge(gate, phone)

    def _challenge(self, gate: Device, phone: Phone, *, fresh: bool = True) -> bytes:
        """Kept over several redirects; another at the first redirect after its life."""
        if not phone.challenge or (fresh and gate.now() - phone.challenge_at > CHALLENGE_LIFE):
            self._renew_challenge(gate, phone)
        return phone.challenge

    def _renew_challenge(self, gate: Device, phone: Phone) -> None:
        phone.challenge, phone.challenge_at = secrets.token_bytes(16), gate.now()

    def _to_portal(
        self, gate: Device, phone: Phone, res: str, extra: Mapping[str, str] = _NOTHING, *, status: bool = False
    ) -> Response:
        config, connection = gate.config, phone.connection
        parameters: list[tuple[str, str | int | bytes]] = [("res", res)]
        if "reason" in extra:
            parameters.append(("reason", extra["reason"]))
        parameters += [("uamip", config.uam_host), ("uamport", config.port)]
        if res not in ("success", "already") or status:
            parameters.append(("challenge", self._challenge(gate, phone).hex()))
        if status and connection is not None:
            parameters += [
                ("starttime", int(connection.started_at)),
                ("sessiontime", int(gate.now() - connection.started_at)),
                ("sessiontimeout", connection.limits.session_timeout),
            ]
        parameters.append(("called", phone.place.called_station_id))
        if res in ("success", "already") and connection is not None:
            parameters.append(("uid", connection.user_name))
            if connection.limits.session_timeout:
                left = connection.limits.session_timeout - int(gate.now() - connection.started_at)
                parameters.append(("timeleft", left))
        parameters += [("mac", phone.mac), ("ip", phone.ip)]
        if extra.get("reply"):
            parameters.append(("reply", extra["reply"]))
        if phone.place.ssid:
            parameters.append(("ssid", phone.place.ssid))
        parameters.append(("nasid", config.nas_identifier))
        if extra.get("lang"):
            parameters.append(("lang", extra["lang"]))
        session_id = connection.acct_session_id if connection else phone.acct_session_id
        parameters += [("sessionid", session_id), ("userurl", phone.visited)]
        address = portal_address(config.portal_url, parameters, config.uamsecret)
        return redirect(address, smart_client(own_address(config), phone.place.name, res, address))

    def _captive_portal(self, gate: Gate, phone: Phone) -> Response:
        answer: dict[str, object] = {"captive": phone.connection is None, "user-portal-url": gate.config.portal_url}
        if phone.connection is not None and phone.connection.limits.session_timeout:
            answer["can-extend-session"] = True
            answer["seconds-remaining"] = int(
                phone.connection.limits.session_timeout - (gate.now() - phone.connection.started_at)
            )
        return Response(200, json.dumps(answer), "application/captive+json", (("Cache-Control", "no-store"),))

    def _json(self, gate: Gate, phone: Phone, query: Mapping[str, str], message: str = "") -> Response:
        connection = phone.connection
        answer: dict[str, object] = {
            "version": "1.0",
            "clientState": int(connection is not None),
            "nasid": gate.config.nas_identifier,
        }
        if message or (connection and connection.message):
            answer["message"] = message or (connection.message if connection else "")
        if connection is None:
            answer["challenge"] = self._challenge(gate, phone).hex()
        answer["location"] = {"name": phone.place.name}
        answer["redir"] = {
            "originalURL": phone.visited,
            "redirectionURL": phone.redirection,
            "logoutURL": f"{own_address(gate.config)}/logoff",
            "ipAddress": phone.ip,
            "macAddress": phone.mac,
        }
        shown = connection or phone.just_left
        if shown is not None:
            answer["session"] = {
                "sessionId": shown.acct_session_id,
                "userName": shown.user_name,
                "startTime": int(shown.wall_started_at),
                "sessionTimeout": shown.limits.session_timeout,
                "terminateTime": int(shown.limits.terminate_at),
                "idleTimeout": shown.limits.idle_timeout,
            }
            phone.just_left = None
        if connection is not None:
            (received, received_giga), (sent, sent_giga) = (
                split(connection.download_octets),
                split(connection.upload_octets),
            )
            answer["accounting"] = {
                "sessionTime": int(gate.now() - connection.started_at),
                "idleTime": int(gate.now() - connection.last_traffic_at),
                "inputOctets": received,
                "outputOctets": sent,
                "inputGigawords": received_giga,
                "outputGigawords": sent_giga,
                "viewPoint": "client",
            }
        text, callback = json.dumps(answer, separators=(",", ":")), query.get("callback", "")
        if _CALLBACK.fullmatch(callback):
            text = f"{callback}({text})"
        return Response(200, text, "text/javascript", (("Cache-Control", "no-store"),))
