"""`python -m tests.fuzz --minutes 10`: a coverage-guided search for a datagram that breaks the RADIUS door.

It begins from the captured packets of tests/vectors; what it finds on the way stays in the folder that --corpus names,
or in a temporary one. With `--runs` and a `--seed` it is the same search every time: one such is in `make test`.
"""

import argparse
import sys
import tempfile
from pathlib import Path

try:
    import atheris
except ImportError:
    sys.exit(
        "tests.fuzz: atheris is not installed here. It comes ready made for Python 3.11 to 3.13 on Linux x86_64, and "
        "requirements-dev.txt asks for it there only."
    )

with atheris.instrument_imports(include=["radius", "hotspot"]):
    from tests.radius import hostile

_LONGEST = 4200
"""A little more than the longest packet."""
_MOST_MEGABYTES = 512


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=0, help="stop after so long")
    parser.add_argument("--runs", type=int, default=-1, help="stop after so many datagrams")
    parser.add_argument("--seed", type=int, default=0, help="0: another one each time")
    parser.add_argument("--corpus", type=Path, help="a folder to keep what reached new code")
    parser.add_argument("datagram", type=Path, nargs="?", help="only try the one in this file: what a run left behind")
    asked = parser.parse_args(arguments)

    target = hostile.Target()

    def one(data: bytes) -> None:
        target.take(*hostile.shot(data))

    if asked.datagram is not None:
        one(asked.datagram.read_bytes())
        return
    folder = asked.corpus or Path(tempfile.mkdtemp(prefix="parvis-fuzz-"))
    seeds, found = folder / "seeds", folder / "found"
    for each in (seeds, found):
        each.mkdir(parents=True, exist_ok=True)
    paths = [seeds / f"{number:04}" for number in range(len(hostile.seeds()))]
    for path, seed in zip(paths, hostile.seeds(), strict=True):
        path.write_bytes(seed)
    (folder / "seeds.list").write_text(",".join(map(str, paths)))
    limits = [f"-max_total_time={round(asked.minutes * 60)}", f"-runs={asked.runs}", f"-seed={asked.seed}"]
    # what weighs its finds by the clock, or reads a folder in whatever order, would be another search each time
    order = [f"-seed_inputs=@{folder}/seeds.list", "-reload=0", f"-entropic={int(asked.seed == 0)}"]
    bounds = [
        f"-max_len={_LONGEST}",
        "-len_control=0",
        f"-rss_limit_mb={_MOST_MEGABYTES}",
        f"-artifact_prefix={folder}/broke-",
    ]
    atheris.Setup([sys.argv[0], *limits, *order, *bounds, "-print_final_stats=1", str(found)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
