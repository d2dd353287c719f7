"""The portal's first page, as a browser that an access point redirected gets it, beside an empty Flask view.

Both behind the product's own HTTP server with the same settings, in turns. The load comes from wrk where it is
installed, else from threads of our own (slower: then both sides show less than they can).
"""

import gzip
import hashlib
import http.client
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from socket import SOCK_STREAM
from urllib.parse import quote

import migrations
from benchmarks.servers import free_port, postgresql, python, redis_server
from hotspot.db import open_database
from hotspot.settings import load_settings
from hotspot.values import Way
from tests import factories

_CONNECTIONS = 16
_WAYS = (Way.LIBRARY_CARD, Way.VOUCHER, Way.ONE_TAP)
_BROWSER = {"Accept-Encoding": "gzip", "Accept-Language": "fr"}


@dataclass
class WebResults:
    compressed: int
    plain: int
    further: int
    """Style sheets, scripts, images and fonts that the page fetches besides."""
    tool: str
    portal_rates: list[float] = field(default_factory=list)
    empty_rates: list[float] = field(default_factory=list)


def run(folder: Path, *, rounds: int, seconds: float, say: Callable[[str], None]) -> WebResults:
    say("Portal: starting PostgreSQL, Redis, the portal and an empty view")
    with ExitStack() as stack:
        server = stack.enter_context(postgresql(folder / "postgresql-web"))
        redis_url, _ = stack.enter_context(redis_server(folder / "redis-web"))
        portal_port, empty_port = free_port(SOCK_STREAM), free_port(SOCK_STREAM)
        portal_url = f"http://127.0.0.1:{portal_port}"
        environ = {
            "PARVIS_SECRET_KEY": factories.SECRET_KEY,
            "PARVIS_DATABASE_URL": server.create("parvis"),
            "PARVIS_REDIS_URL": redis_url,
            "PARVIS_VAR_DIR": str(folder),
            "PARVIS_PORTAL_PORT": str(portal_port),
            "PARVIS_PORTAL_URL": portal_url,
        }
        page = _fill(environ, portal_url)
        serve = python(
            "parvis", "serve", "--only", "portal", log=folder / "portal.log", port=portal_port, environ=environ
        )
        stack.enter_context(serve)
        empty = python("benchmarks.empty_view", str(empty_port), log=folder / "empty.log", port=empty_port)
        stack.enter_context(empty)
        results = _weigh(portal_port, page)
        for number in range(rounds):
            results.portal_rates.append(_load(portal_port, page, seconds))
            results.empty_rates.append(_load(empty_port, "/", seconds))
            rates = f"{results.portal_rates[-1]:,.0f}/s beside {results.empty_rates[-1]:,.0f}/s"
            say(f"round {number + 1} of {rounds}, first page: {rates}")
    return results


def _fill(environ: dict[str, str], portal_url: str) -> str:
    """A library with three ways in; and the address that its access point sends a browser to, signed."""
    settings = load_settings(environ)
    migrations.upgrade(settings.database_address)
    database = open_database(settings)
    with database.transaction() as db:
        site = factories.make_site(db)
        nas = factories.make_nas(db, site=site, vendor="coovachilli", nas_identifier="bench-nas")
        for way in _WAYS:
            factories.make_offer(db, site=site, way=way)
        nas.login_hosts = "10.1.0.1:3990"
    database.dispose()
    visited = quote("http://connectivity.example/generate_204", safe="").lower()
    path = (
        "/hotspot?res=notyet&uamip=10.1.0.1&uamport=3990&challenge=0123456789abcdef0123456789abcdef"
        "&called=02-00-00-00-00-FE&mac=02-00-00-00-00-01&ip=10.1.0.2&nasid=bench-nas"
        f"&sessionid=179531000000000001&userurl={visited}"
    )
    signed = portal_url + path + factories.REDIRECT_SECRET
    return f"{path}&md={hashlib.md5(signed.encode(), usedforsecurity=False).hexdigest().upper()}"


def _weigh(port: int, page: str) -> WebResults:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", page, headers=_BROWSER)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"the portal's first page answers {answer.status}")
    plain = gzip.decompress(body) if answer.headers.get("Content-Encoding") == "gzip" else body
    text = plain.decode()
    if text.count("<form") < len(_WAYS):
        raise RuntimeError("the portal's first page does not show the three ways in")
    further = re.findall(
        r'<(?:script|img|iframe)[^>]+src="(?!data:)|<link[^>]+rel="?(?:stylesheet|icon|preload)"?[^>]*href="(?!data:)',
        text,
    )
    tool = "wrk" if shutil.which("wrk") else "threads of our own"
    return WebResults(len(body), len(plain), len(further), f"{tool}, {_CONNECTIONS} connections")


def _load(port: int, path: str, seconds: float) -> float:
    if shutil.which("wrk") is None:
        return _by_threads(port, path, seconds)
    command = ["wrk", "--threads", "1", "--connections", str(_CONNECTIONS), "--duration", f"{max(1, round(seconds))}s"]
    for name, value in _BROWSER.items():
        command += ["--header", f"{name}: {value}"]
    told = subprocess.run(
        [*command, f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True, check=True
    ).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", told)
    if rate is None or "Non-2xx" in told:
        raise RuntimeError(told)
    return float(rate[1])


def _by_threads(port: int, path: str, seconds: float) -> float:
    answered, until = [0] * _CONNECTIONS, time.perf_counter() + seconds

    def ask(at: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        while time.perf_counter() < until:
            connection.request("GET", path, headers=_BROWSER)
            answered[at] += connection.getresponse().read() is not None
        connection.close()

    threads = [threading.Thread(target=ask, args=(at,)) for at in range(_CONNECTIONS)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return sum(answered) / seconds
