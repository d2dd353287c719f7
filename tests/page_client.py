"""A client that reads pages as a person does, and checks each one it fetches.

Every HTML page must have a language, a title, one first-level heading and no gap between levels, a label on each
field, a name on each button and link, ids that are unique; and its policy must cover every inline style and script.
"""

import re
from base64 import b64encode
from dataclasses import dataclass, field
from gzip import decompress
from hashlib import sha256
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any
from urllib.parse import urljoin, urlsplit

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
_UNSEEN = {"style", "script", "template", "title"}
_INLINE = {"a", "abbr", "b", "bdi", "code", "em", "i", "kbd", "small", "span", "strong", "sub", "sup", "time"}
_REFERENCES = ("aria-describedby", "aria-labelledby")


@dataclass(eq=False)
class Element:
    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    parent: "Element | None" = None
    children: list["Element | str"] = field(default_factory=list)

    def __getitem__(self, name: str) -> str:
        return self.attributes[name]

    def get(self, name: str, default: str = "") -> str:
        return self.attributes.get(name, default)

    def all(self, *tags: str, **attributes: str) -> list["Element"]:
        """Every descendant with one of these tags and all of these attributes; `class_` finds one class among many."""
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return [each for each in self._descendants() if (not tags or each.tag in tags) and each._has(wanted)]

    def one(self, *tags: str, **attributes: str) -> "Element":
        found = self.all(*tags, **attributes)
        assert len(found) == 1, f"{len(found)} of {tags} {attributes}"
        return found[0]

    @property
    def text(self) -> str:
        """What is read, with spaces as a reader sees them."""
        return re.sub(r"[ \t\r\n]+", " ", self._raw_text(seen=True)).strip()

    @property
    def source_text(self) -> str:
        return self._raw_text(seen=False)

    def _raw_text(self, *, seen: bool) -> str:
        parts = []
        for child in self.children:
            if isinstance(child, str):
                parts.append(child)
            elif not seen or child.tag not in _UNSEEN:
                parts.append(child._raw_text(seen=seen))
                parts.append("" if child.tag in _INLINE else " ")
        return "".join(parts)

    def _descendants(self) -> list["Element"]:
        found: list[Element] = []
        for child in self.children:
            if isinstance(child, Element):
                found.append(child)
                found.extend(child._descendants())
        return found

    def _has(self, wanted: dict[str, str]) -> bool:
        return all(
            value in self.get("class").split() if name == "class" else self.attributes.get(name) == value
            for name, value in wanted.items()
        )


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = self._open = Element("#document")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> repeats an attribute"
        element = Element(tag, {name: value or "" for name, value in attrs}, self._open)
        self._open.children.append(element)
        if tag not in _VOID:
            self._open = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.tag == tag, f"</{tag}> closes <{self._open.tag}>"
        assert self._open.parent is not None
        self._open = self._open.parent

    def handle_data(self, data: str) -> None:
        self._open.children.append(data)


@dataclass(frozen=True)
class Page:
    """One answer. `root` is empty unless the answer is HTML."""

    path: str
    response: TestResponse
    html: str
    root: Element

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def location(self) -> str:
        return self.response.headers.get("Location", "")

    @property
    def headers(self) -> Any:
        return self.response.headers

    @property
    def text(self) -> str:
        return self.root.one("body").text

    @property
    def title(self) -> str:
        return self.root.one("head").one("title").source_text.strip()

    @property
    def h1(self) -> str:
        return self.root.one("h1").text

    @property
    def language(self) -> str:
        return self.root.one("html")["lang"]

    @property
    def policy(self) -> str:
        return self.response.headers.get("Content-Security-Policy", "")

    def form(self, action: str, **holding: str) -> "Form":
        """The form that goes to `action`; where there are several, the one whose fields have these values."""
        forms = [Form(self, each) for each in self.root.all("form") if urlsplit(each.get("action")).path == action]
        forms = [each for each in forms if holding.items() <= each.fields.items()]
        assert len(forms) == 1, f"{len(forms)} forms to {action} with {holding}"
        return forms[0]

    def link(self, text: str) -> str:
        """The address behind these words."""
        found = [each["href"] for each in self.root.all("a") if each.text == text]
        assert found, f"no link {text!r} among {[each.text for each in self.root.all('a')]}"
        return found[0]


@dataclass(frozen=True)
class Form:
    page: Page
    element: Element

    @property
    def fields(self) -> dict[str, str]:
        """What a browser would send if nobody typed anything, its buttons left out."""
        filled: dict[str, str] = {}
        for each in self.element.all("input", "textarea", "select"):
            if not each.get("name") or "disabled" in each.attributes:
                continue
            kind = each.get("type", "text")
            if each.tag == "select":
                options = each.all("option")
                picked = [option for option in options if "selected" in option.attributes] or options[:1]
                for option in picked:
                    filled[each["name"]] = option["value"] if "value" in option.attributes else option.text
            elif each.tag == "textarea":
                filled[each["name"]] = each.source_text
            elif kind in ("checkbox", "radio"):
                if "checked" in each.attributes:
                    filled[each["name"]] = each.get("value", "on")
            elif kind not in ("submit", "button", "image", "file"):
                filled[each["name"]] = each.get("value")
        return filled

    @property
    def buttons(self) -> list[Element]:
        return [each for each in self.element.all("button") if each.get("type", "submit") == "submit"]


class PageClient:
    """`get`, `post`, `submit` and `follow`; cookies are kept, redirects are not followed unless asked."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, path: str, **options: Any) -> Page:
        return self._read(path, self.client.get(path, **options))

    def post(self, path: str, data: Any = None, **options: Any) -> Page:
        return self._read(path, self.client.post(path, data=data, **options))

    def submit(self, form: Form, *, button: str | None = None, headers: Any = None, **typed: Any) -> Page:
        """Fill in and press: the first button, or the one that says `button`. A file is given as a tuple."""
        known = {each.get("name") for each in form.element.all("input", "textarea", "select")}
        assert typed.keys() <= known, f"no field {typed.keys() - known}"
        pressed = [each for each in form.buttons if button in (None, each.text)]
        assert pressed, f"no button {button!r} among {[each.text for each in form.buttons]}"
        name = pressed[0].get("name")
        data = form.fields | typed | ({name: pressed[0].get("value")} if name else {})
        path = urljoin(form.page.path, form.element.get("action") or form.page.path)
        if form.element.get("method", "get").lower() == "post":
            return self.post(path, data, headers=headers)
        return self.get(path, query_string=data, headers=headers)

    def follow(self, page: Page) -> Page:
        """The page that a redirect leads to, which must be one of ours."""
        assert page.location, f"{page.status} is no redirect"
        parts = urlsplit(urljoin(page.path, page.location))
        return self.get(parts._replace(scheme="", netloc="").geturl())

    def _read(self, path: str, response: TestResponse) -> Page:
        body = response.get_data()
        if response.headers.get("Content-Encoding") == "gzip":
            body = decompress(body)
        is_redirect = 300 <= response.status_code < 400
        is_html = response.mimetype == "text/html" and bool(body) and not is_redirect
        html = body.decode() if (response.mimetype or "").startswith(("text/", "application/json")) else ""
        page = Page(path, response, html, read_html(html) if is_html else Element("#document"))
        if is_html:
            check_page(page)
        return page


def read_html(html: str) -> Element:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert reader._open is reader.root, f"<{reader._open.tag}> is never closed"
    return reader.root


def check_page(page: Page) -> None:
    root = page.root
    assert page.html.lstrip().lower().startswith("<!doctype html>")
    assert root.one("html").get("lang"), "no language"
    assert page.title, "no title"
    _check_headings(root)
    _check_names(root)
    _check_ids(root)
    _check_policy(page)


def _check_headings(root: Element) -> None:
    levels = [int(each.tag[1]) for each in root.all("h1", "h2", "h3", "h4", "h5", "h6")]
    assert levels.count(1) == 1, f"{levels.count(1)} first-level headings"
    assert all(after <= before + 1 for before, after in pairwise(levels)), f"a heading level is skipped: {levels}"


def _check_names(root: Element) -> None:
    labelled = {each["for"] for each in root.all("label") if each.text and each.get("for")}
    for each in root.all("input", "select", "textarea"):
        if each.get("type") in ("hidden", "submit"):
            continue
        around = each.parent
        while around is not None and around.tag != "label":
            around = around.parent
        named = each.get("id") in labelled or around is not None or each.get("aria-label")
        assert named, f"no label: {each.attributes}"
    for each in root.all("button", "a", "summary"):
        assert each.text or each.get("aria-label") or each.all("img"), f"no name: <{each.tag} {each.attributes}>"
    assert all("alt" in each.attributes for each in root.all("img")), "an image without alt"


def _check_ids(root: Element) -> None:
    ids = [each["id"] for each in root.all() if "id" in each.attributes]
    assert len(ids) == len(set(ids)), f"ids are not unique: {sorted(ids)}"
    named = {word for each in root.all() for key in _REFERENCES for word in each.get(key).split()}
    named |= {each["for"] for each in root.all("label") if each.get("for")}
    named |= {each["href"][1:] for each in root.all("a") if each.get("href").startswith("#")}
    assert named <= set(ids), f"names no element: {named - set(ids)}"


def _check_policy(page: Page) -> None:
    policy = {words[0]: words[1:] for part in page.policy.split(";") if (words := part.split())}
    assert policy.get("default-src") or page.policy, "no Content-Security-Policy"
    for tag in ("style", "script"):
        allowed = policy.get(f"{tag}-src", policy.get("default-src", []))
        assert "'unsafe-inline'" not in allowed, f"{tag}-src allows any inline {tag}"
        for each in page.root.all(tag):
            if "src" in each.attributes:
                continue
            digest = b64encode(sha256(each.source_text.encode()).digest()).decode()
            nonce = f"'nonce-{each.get('nonce')}'"
            assert nonce in allowed or f"'sha256-{digest}'" in allowed, f"the policy blocks an inline <{tag}>"
    for each in page.root.all():
        assert "style" not in each.attributes, f"the policy blocks style= on <{each.tag}>"
        assert not any(name.startswith("on") for name in each.attributes), f"the policy blocks on…= on <{each.tag}>"
