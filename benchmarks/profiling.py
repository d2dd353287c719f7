"""`--profile FOLDER`: what our one process is busy with in each scenario, by py-spy, which is not among our
dependencies: `pip install py-spy`. It slows what it looks at, so the figures of such a run say nothing."""

import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_SHOWN = 25


@contextmanager
def profiled(folder: Path | None, pids: Sequence[int], name: str, seconds: float) -> Iterator[None]:
    """The stacks, folded, in a file of the folder, and beside it the functions by the time spent in themselves."""
    if folder is None or not pids:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    stacks = folder / (re.sub(r"\W+", "-", name).strip("-") + ".stacks")
    command = [str(Path(sys.executable).parent / "py-spy"), "record", "--pid", str(pids[0]), "--format", "raw"]
    command += ["--rate", "250", "--duration", str(max(1, round(seconds))), "--output", str(stacks)]
    spy = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        spy.send_signal(signal.SIGINT)
        spy.wait(timeout=20)
    if stacks.exists():
        stacks.with_suffix(".txt").write_text(_by_function(stacks.read_text()))


def _by_function(stacks: str) -> str:
    alone: Counter[str] = Counter()
    below: Counter[str] = Counter()
    for line in stacks.splitlines():
        stack, _, samples = line.rpartition(" ")
        frames = [re.sub(r":\d+\)", ")", frame) for frame in stack.split(";")]
        alone[frames[-1]] += int(samples)
        below.update(dict.fromkeys(frames, int(samples)))
    total = sum(alone.values()) or 1
    lines = ["   self  with what it calls"]
    lines += [
        f"{number / total:7.1%}  {below[name] / total:7.1%}  {name}" for name, number in alone.most_common(_SHOWN)
    ]
    lines += ["", "with what it calls"]
    lines += [f"{number / total:7.1%}  {name}" for name, number in below.most_common(2 * _SHOWN)]
    return "\n".join(lines) + "\n"
