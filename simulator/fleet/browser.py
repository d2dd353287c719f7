"""As much of a browser as a captive portal needs: follows redirects, reads forms, keeps the cookies it is given."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit

from simulator.brand import Response

MOST_REDIRECTS = 12
PATIENCE = 30.0
"""Seconds of ours that an answer is waited for."""
_AGENT = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile"


class NoAnswer(Exception):
    """The server closed, refused, or took too long; or it sent us round in a circle."""


@dataclass(slots=True)
class Form:
    action: str
    """Absolute."""
    method: str = "get"
    values: dict[str, str] = field(default_factory=dict)
    """As they are sent if nothing is typed: hidden fields, and the first button."""
    fields: set[str] = field(default_factory=set)
    """What a person types."""

    @property
    def path(self) -> str:
        return urlsplit(self.action).path


@dataclass
class Page:
    url: str
    status: int
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes = b""

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def refresh_after(self) -> float | None:
        """Seconds until it loads itself again."""
        seconds = self.headers.get("refresh", "").partition(";")[0].strip()
        return float(seconds) if seconds.isdecimal() else None

    @cached_property
    def _read(self) -> "_Reader":
        reader = _Reader(self.url)
        reader.feed(self.body.decode(errors="replace"))
        reader.close()
        return reader

    @property
    def forms(self) -> list[Form]:
        return self._read.forms

    @property
    def links(self) -> list[str]:
        return self._read.links

    @property
    def title(self) -> str:
        return " ".join("".join(self._read.title).split())


class _Reader(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.title: list[str] = []
        self._url = url
        self._form: Form | None = None
        self._in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        match tag:
            case "title":
                self._in_title = True
            case "a" if "href" in given:
                self.links.append(urljoin(self._url, given["href"]))
            case "form":
                action = urljoin(self._url, given.get("action", ""))
                self._form = Form(action, given.get("method", "get").lower())
                self.forms.append(self._form)
            case "input" | "button" if self._form is not None and "name" in given:
                self._control(tag, given)

    def _control(self, tag: str, given: dict[str, str]) -> None:
        assert self._form is not None  # noqa: S101 - `handle_starttag` looked
        kind = given.get("type", "submit" if tag == "button" else "text")
        if kind in ("hidden", "submit"):
            self._form.values.setdefault(given["name"], given.get("value", ""))
        elif kind != "checkbox":
            self._form.fields.add(given["name"])

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "title":
            self._in_title = False

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title.append(data)


class Browser:
    """Of one phone. `elsewhere` answers whatever is not the portal's: its gateway does."""

    def __init__(self, portal_url: str, source: str, elsewhere: Callable[[str], Awaitable[Response]]) -> None:
        """`source`: the address that the portal sees, its gateway's, as behind any gateway that translates."""
        address = urlsplit(portal_url)
        self._host, self._port = address.hostname or "", address.port or 80
        self._netloc = address.netloc
        self.source = source
        self._elsewhere = elsewhere
        self._cookies: dict[str, str] = {}
        self._line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, url: str, accept: str = "text/html") -> Page:
        return await self._follow("GET", url, b"", accept)

    async def submit(self, form: Form, typed: Mapping[str, str] | None = None) -> Page:
        body = urlencode({**form.values, **(typed or {})})
        if form.method != "post":
            return await self.get(f"{form.action}?{body}")
        return await self._follow("POST", form.action, body.encode())

    def hang_up(self) -> None:
        """While the person reads, no connection is kept: a server has a limited number of them."""
        if self._line is not None:
            self._line[1].close()
            self._line = None

    async def _follow(self, method: str, url: str, body: bytes, accept: str = "text/html") -> Page:
        for _ in range(MOST_REDIRECTS):
            page = await self._ask(method, url, body, accept)
            location = page.headers.get("location")
            if page.status not in (301, 302, 303, 307) or location is None:
                return page
            method, url, body = "GET", urljoin(url, location), b""
        raise NoAnswer("too many redirects")

    async def _ask(self, method: str, url: str, body: bytes, accept: str) -> Page:
        address = urlsplit(url)
        if address.netloc != self._netloc:
            answer = await self._elsewhere(url)
            if answer.status == 0:
                raise NoAnswer("the gateway closed the connection")
            headers = {name.lower(): value for name, value in answer.headers}
            return Page(url, answer.status, headers, answer.body.encode())
        target = address.path or "/"
        lines = [
            f"{method} {target}{'?' + address.query if address.query else ''} HTTP/1.1",
            f"Host: {self._netloc}",
            f"User-Agent: {_AGENT}",
            f"Accept: {accept}",
            "Accept-Language: fr-FR,fr;q=0.9",
        ]
        if self._cookies:
            lines.append("Cookie: " + "; ".join(f"{name}={value}" for name, value in self._cookies.items()))
        if method == "POST":
            origin = f"http://{self._netloc}"
            lines += [f"Origin: {origin}", "Content-Type: application/x-www-form-urlencoded"]
            lines.append(f"Content-Length: {len(body)}")
        request = "\r\n".join([*lines, "", ""]).encode() + body
        kept = self._line is not None
        try:
            return await asyncio.wait_for(self._exchange(url, request), PATIENCE)
        except (OSError, EOFError, ValueError) as error:
            self.hang_up()
            if kept and method == "GET":  # the server had closed it meanwhile
                return await self._ask(method, url, body, accept)
            raise NoAnswer(type(error).__name__) from error

    async def _exchange(self, url: str, request: bytes) -> Page:
        if self._line is None:
            local = (self.source, 0) if self.source else None
            host = "127.0.0.1" if self._host == "localhost" else self._host
            self._line = await asyncio.open_connection(host, self._port, local_addr=local)
        reader, writer = self._line
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(head[0].split(" ", 2)[1])
        headers: dict[str, str] = {}
        for line in head[1:]:
            name, colon, value = line.partition(":")
            if colon and name.lower() == "set-cookie":
                self._keep(value.strip())
            elif colon:
                headers[name.lower()] = value.strip()
        body = await _read_body(reader, status, headers)
        if headers.get("connection", "").lower() == "close":
            self.hang_up()
        return Page(url, status, headers, body)

    def _keep(self, cookie: str) -> None:
        """Paths are not looked at: all cookies here are the portal's own."""
        pair, *attributes = (part.strip() for part in cookie.split(";"))
        name, _, value = pair.partition("=")
        if any(each.lower().replace(" ", "") == "max-age=0" for each in attributes):
            self._cookies.pop(name, None)
        else:
            self._cookies[name] = value


async def _read_body(reader: asyncio.StreamReader, status: int, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        parts = []
        while size := int((await reader.readline()).split(b";")[0], 16):
            parts.append(await reader.readexactly(size))
            await reader.readline()
        await reader.readline()
        return b"".join(parts)
    if "content-length" in headers:
        return await reader.readexactly(int(headers["content-length"]))
    return b"" if status in (204, 304) else await reader.read()
