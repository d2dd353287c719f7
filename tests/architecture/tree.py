"""The files of the project, for the tests that read them: what git tracks, or would."""

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("hotspot", "hotspot_admin", "migrations", "parvis", "portal", "radius", "simulator")


@cache
def tracked() -> tuple[Path, ...]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    return tuple(ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file())


def modules(*tops: str) -> dict[str, ast.Module]:
    """Syntax trees by path, of the packages or modules named: `hotspot/policy`, `hotspot/values.py`."""
    found = [path for path in tracked() if path.suffix == ".py" and _is_under(path, tops)]
    assert found, f"nothing under {tops}"
    return {str(path.relative_to(ROOT)): _parsed(path) for path in found}


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _is_under(path: Path, tops: tuple[str, ...]) -> bool:
    return any(ROOT / top in (path, *path.parents) for top in tops)


def dotted(node: ast.AST) -> str:
    """`datetime.now` of the expression `datetime.now`; empty for what is not a chain of names."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attr):
            return f"{dotted(value)}.{attr}" if dotted(value) else f"?.{attr}"
    return ""
