"""The fonts on paper: those of pinned packages, so that a sheet looks the same whatever the machine has.

Latin, Greek and Cyrillic: IBM Plex Sans. Arabic: Amiri, which joins lam and alef from two glyphs, so that text taken
out of the file has its letters in order. Chinese: Noto Sans SC. The code: JetBrains Mono. Why these:
docs/decisions/0012-fonts-on-paper.md.
"""

from functools import cache
from importlib.util import find_spec

import typst

PACKAGES = ("fontpkg_ibm_plex_sans", "fontpkg_amiri", "fontpkg_jetbrains_mono", "pylopdf_fonts_zh_cn")


@cache
def our_fonts() -> typst.Fonts:
    """Nothing of the machine's. Looking through them takes 30 ms, once; files are read when they are used."""
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=_folders())


@cache
def all_fonts() -> typst.Fonts:
    """The machine's too, for a name in a script that ours lack."""
    return typst.Fonts(font_paths=_folders())


def _folders() -> list[str]:
    """Found without running a line of the packages."""
    return [folder for name in PACKAGES for folder in _places(name)]


def _places(package: str) -> list[str]:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"the fonts of {package} are not installed")
    return list(spec.submodule_search_locations)
