"""`python -m benchmarks [--smoke] [NAME ...]`: measure, and print a table.

Everything is compiled to bytecode first: without that, a start-up benchmark measures the compiler. The exit code is 1 when a benchmark did
not run or measured nothing; a missed target is shown, and is no failure.
"""

from __future__ import annotations

import argparse
import compileall
import importlib.util
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import (
    amplification,
    attach,
    churn,
    crowd,
    echo,
    fleet,
    importing,
    indicator,
    journal,
    latency,
    lists,
    long,
    naming,
    recovering,
    resize,
    resting,
    search,
    startup,
    stored,
    streaming,
    switching,
)
from benchmarks.figures import Figure, NothingMeasured, Plan, table

BENCHMARKS: dict[str, Callable[[Plan], list[Figure]]] = {
    "startup": startup.run,
    "latency": latency.run,
    "echo": echo.run,
    "streaming": streaming.run,
    "resting": resting.run,
    "resize": resize.run,
    "journal": journal.run,
    "amplification": amplification.run,
    "switching": switching.run,
    "fleet": fleet.run,
    "crowd": crowd.run,
    "indicator": indicator.run,
    "lists": lists.run,
    "stored": stored.run,
    "long": long.run,
    "recovering": recovering.run,
    "naming": naming.run,
    "churn": churn.run,
    "search": search.run,
    "attach": attach.run,
    "importing": importing.run,
}
COMPILED = (
    *("plait", "benchmarks", "prompt_toolkit", "click", "anyio", "wcwidth", "pygments", "markdown_it", "mdurl", "pysqlite3"),
    *("httpx2", "httpcore2", "h11", "idna", "certifi", "aiolimiter", "sniffio", "truststore", "typing_extensions"),
)
"""What the measured programs import, where it is installed."""


def compile_all() -> None:
    """Bytecode for all that the programs import."""
    for name in COMPILED:
        spec = importlib.util.find_spec(name)
        for place in (spec.submodule_search_locations or ()) if spec else ():
            compileall.compile_dir(place, quiet=2)


def say(text: str) -> None:
    """A line on stderr: the table alone is the output."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def measure(names: Sequence[str], smoke: bool) -> tuple[list[Figure], list[str]]:
    """The figures of these benchmarks, and what failed."""
    figures: list[Figure] = []
    failed: list[str] = []
    for name in names:
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="plait-benchmark-") as home:
            try:
                found = [figure.checked() for figure in BENCHMARKS[name](Plan(smoke, Path(home)))]
                if not found:
                    raise NothingMeasured(f"{name} has no figure")
            except Exception as error:  # noqa: BLE001  # the fault boundary: the others are measured, and the exit code is 1
                failed.append(f"{name}: {type(error).__name__}: {error}")
                say(failed[-1])
                continue
        figures += found
        say(f"{name}: {len(found)} figures in {time.monotonic() - started:.0f} s")
    return figures, failed


def main() -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure plait, and the floor beside it.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(BENCHMARKS)}; without a name, all of them")
    parser.add_argument("--smoke", action="store_true", help="tiny counts: whether each benchmark runs, not how fast")
    options = parser.parse_args()
    if unknown := [name for name in options.names if name not in BENCHMARKS]:
        parser.error(f"There is no benchmark named {', '.join(unknown)}. There are: {', '.join(BENCHMARKS)}.")
    compile_all()
    figures, failed = measure(options.names or tuple(BENCHMARKS), options.smoke)
    sys.stdout.write(f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}\n\n")
    sys.stdout.write(f"{table(figures)}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
