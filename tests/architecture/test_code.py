"""Tests that read the code: who may look at the clock, at the environment, who may commit."""

import ast
import re
from collections.abc import Iterator

from tests.architecture.tree import PACKAGES, ROOT, dotted, modules, tracked

CLOCKS = re.compile(r"(datetime|date)\.(now|utcnow|today)|time\.(time|time_ns|monotonic|localtime|gmtime)")
ENVIRONMENT = re.compile(r"os\.(environ|environb|getenv|putenv)")
READS_THE_ENVIRONMENT = {
    "hotspot/settings.py",
    "parvis/commands/serving.py",  # adds to it for the processes that it starts
    "parvis/demo.py",  # likewise
    "parvis/supervisor.py",  # hands it on
}


def uses(tree: ast.AST, wanted: re.Pattern[str]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and wanted.fullmatch(dotted(node)):
            yield f"line {node.lineno}: {dotted(node)}"
        if isinstance(node, ast.ImportFrom):
            yield from (
                f"line {node.lineno}: {node.module}.{each.name}"
                for each in node.names
                if wanted.fullmatch(f"{node.module}.{each.name}")
            )


def test_time_is_passed_into_the_core() -> None:
    pure = modules("hotspot/policy", "hotspot/services", "hotspot/models", "hotspot/vendors", "hotspot/values.py")
    assert {path: found for path, tree in pure.items() if (found := list(uses(tree, CLOCKS)))} == {}


def test_only_the_settings_read_the_environment() -> None:
    reading = {path for path, tree in modules(*PACKAGES).items() if list(uses(tree, ENVIRONMENT))}
    assert reading - READS_THE_ENVIRONMENT == set()


def test_no_service_ends_a_transaction() -> None:
    ends = {"commit", "rollback", "begin", "close"}
    found = [
        f"{path}:{node.lineno}"
        for path, tree in modules("hotspot/services").items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ends
        if dotted(node.func.value) == "db"
    ]
    assert found == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [path for path, tree in modules(*PACKAGES).items() if tree.body and not ast.get_docstring(tree)]
    assert silent == []


def test_nothing_is_left_for_later() -> None:
    words = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")) + r")\b")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in tracked()
        if path.suffix in (".py", ".html", ".md", ".toml", ".css", ".js", ".typ")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if words.search(line)
    ]
    assert found == []


def test_no_tracked_file_knows_this_machine_or_where_packages_come_from() -> None:
    """Folders of one machine, and registries: an installation chooses its own."""
    hosts = (
        "py" + "pi.org",
        "python" + "hosted.org",
        "deb.debian" + ".org",
        "npm" + "js.",
        "docker" + ".io",
        "gh" + "cr.io",
    )
    folders = ("/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/")
    forbidden = re.compile(
        "|".join(map(re.escape, hosts)) + "|" + "|".join(rf"(?<![\w.$}}/]){each}" for each in folders)
    )
    found = []
    for path in tracked():
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue  # a picture
        found += [
            f"{path.relative_to(ROOT)}:{at}: {line[:80]}" for at, line in enumerate(lines, 1) if forbidden.search(line)
        ]
    assert found == []
