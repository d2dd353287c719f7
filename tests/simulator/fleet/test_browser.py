"""As much of a browser as the fleet needs, before a server that speaks plain HTTP."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from simulator.brand import SILENCE, Response, redirect
from simulator.fleet.browser import Browser, NoAnswer, Page

FORMS = b"""<!doctype html><title> Sign
in </title><a href="/help">?</a>
<form action="sign-in" method="post"><input type="hidden" name="arrival" value="x&amp;y">
<input name="voucher_code" required><input type="checkbox" name="remember" value="1">
<button name="accept_terms" value="3">Go</button></form><form action="/other"><button>No</button></form>"""


def test_forms_are_read_as_they_would_be_sent() -> None:
    page = Page("http://portal/hotspot?x=1", 200, {}, FORMS)
    first, second = page.forms

    assert (first.action, first.method, first.path) == ("http://portal/sign-in", "post", "/sign-in")
    assert first.values == {"arrival": "x&y", "accept_terms": "3"}
    assert first.fields == {"voucher_code"}
    assert (second.action, second.method, second.values) == ("http://portal/other", "get", {})
    assert (page.title, page.links) == ("Sign in", ["http://portal/help"])


@pytest.mark.parametrize(("header", "seconds"), [("10", 10), ("7; url=/x", 7), ("", None), ("soon", None)])
def test_a_refresh_is_a_number_of_seconds(header: str, seconds: float | None) -> None:
    assert Page("http://portal/", 200, {"refresh": header}).refresh_after == seconds


Doing = Callable[[Browser, str], Awaitable[None]]
"""With a browser, and the portal's address."""


def browse(answers: dict[str, bytes], doing: Doing) -> list[bytes]:
    """Against a server that has these answers, by request line; the requests it was sent."""
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lines = head.split(b"\r\n")
                length = next((int(line[15:]) for line in lines if line.startswith(b"Content-Length:")), 0)
                seen.append(head + await reader.readexactly(length))
                writer.write(answers[head.decode().partition(" HTTP")[0]])
        writer.close()
        await writer.wait_closed()

    async def run() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        portal = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

        async def elsewhere(url: str) -> Response:
            return redirect(f"{portal}/caught") if "example" in url else SILENCE

        browser = Browser(portal, "", elsewhere)
        await doing(browser, portal)
        browser.hang_up()
        server.close()
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})

    asyncio.run(run())
    return seen


def answer(status: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def test_it_is_captured_and_follows_redirects() -> None:
    async def doing(browser: Browser, _portal: str) -> None:
        page = await browser.get("http://news.example/")
        assert (page.status, page.path, page.body) == (200, "/here", b"hello")

    answers = {"GET /caught": answer("303 See Other", b"", "Location: /here"), "GET /here": answer("200 OK", b"hello")}

    assert len(browse(answers, doing)) == 2


def test_it_posts_a_form_and_brings_back_the_cookies_it_was_given() -> None:
    async def doing(browser: Browser, portal: str) -> None:
        page = await browser.get(f"{portal}/form")
        await browser.submit(page.forms[0], {"voucher_code": "A B"})

    answers = {
        "GET /form": answer("200 OK", FORMS, "Set-Cookie: kept=1; Path=/", "Set-Cookie: gone=; Max-Age=0"),
        "POST /sign-in": answer("303 See Other", b"", "Location: /form"),
    }
    _, posted, _ = browse(answers, doing)

    assert posted.endswith(b"\r\n\r\narrival=x%26y&accept_terms=3&voucher_code=A+B")
    assert b"\r\nCookie: kept=1\r\n" in posted


def test_a_chunked_answer_is_put_together() -> None:
    async def doing(browser: Browser, portal: str) -> None:
        assert (await browser.get(f"{portal}/")).body == b"hello world"

    chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
    browse({"GET /": chunks}, doing)


def test_going_round_in_a_circle_is_no_answer() -> None:
    async def doing(browser: Browser, _portal: str) -> None:
        with pytest.raises(NoAnswer, match="too many"):
            await browser.get("http://news.example/")

    browse({"GET /caught": answer("302 Found", b"", "Location: /caught")}, doing)


def test_a_gateway_that_hangs_up_is_no_answer() -> None:
    async def doing(browser: Browser, _portal: str) -> None:
        with pytest.raises(NoAnswer, match="closed"):
            await browser.get("http://10.1.0.1:3990/logon")

    assert browse({}, doing) == []
