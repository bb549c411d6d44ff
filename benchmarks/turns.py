"""One of many processes that use one database: it says so many messages in a session of its own, one after another, as `plait run` does.

`python -m benchmarks.turns NAME COUNT` prints how many were answered. Whoever is first owns the database; the others attach to it.
"""

from __future__ import annotations

import io
import os
import sys

import anyio

from plait.config import load
from plait.headless import Headless, RunRequest
from plait.owning import session_client
from plait.paths import find_paths
from plait.program import Program, tell
from plait.store.sqlite import Finding

PATIENCE = 60.0
DRAIN = 10.0


async def say(name: str, count: int) -> int:
    """How many of the messages were answered."""
    environ = dict(os.environ)
    program = Program(load(None, environ, {}), find_paths(environ), environ, os.getcwd())
    answered = 0
    async with session_client(program, _report, tell, PATIENCE, lambda: DRAIN, quiet=True) as client:
        for number in range(count):
            out = io.StringIO()
            code = await Headless(client, out, sys.stderr).run(RunRequest(f"message {number} of {name}", program.directory, name))
            answered += code == 0 and out.getvalue() == f"message {number} of {name}\n"
    return answered


def _report(finding: Finding) -> None:
    tell(finding.text)


if __name__ == "__main__":
    sys.stdout.write(f"{anyio.run(say, sys.argv[1], int(sys.argv[2]))}\n")
