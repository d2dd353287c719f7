"""A program of its own, started by `drawing.py`: SVG on standard input, PNG on standard output.

It imports nothing of ours and has no fonts. Its memory is limited here, its time from outside.
"""

import resource
import sys

import typst

_MEMORY = 2 * 1024**3
"""Octets that it may ask for, most of which it never touches."""
_SIDE = "1000pt"
_SOURCE = f"""#set page(width: {_SIDE}, height: {_SIDE}, margin: 0pt, fill: none)
#image(bytes(sys.inputs.svg), format: "svg", width: {_SIDE}, height: {_SIDE}, fit: "contain")"""


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    no_fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False)
    drawing = {"svg": sys.stdin.buffer.read().decode()}
    compiler = typst.Compiler(_SOURCE.encode(), font_paths=no_fonts, sys_inputs=drawing)
    drawn = compiler.compile(format="png", ppi=72)
    if isinstance(drawn, bytes):
        sys.stdout.buffer.write(drawn)


if __name__ == "__main__":
    main()
