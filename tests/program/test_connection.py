"""An ssh connection that breaks: what was said is there at the next one, the answer that was cut off as far as it came."""

from __future__ import annotations

import re
import signal
from pathlib import Path

from tests.program.many import QUESTION, alt, answers, at, goes, joined, waiting, write_script
from tests.program.remote import Remote, needs_ssh
from tests.program.running import Place, Plait
from tests.timing import until


def far_end(plait: Plait) -> Path:
    """The program at the other end of the connection, among the processes."""
    plait.enter("!echo the parent is $PPID")
    plait.until(lambda: re.search(r"^  the parent is \d+$", plait.everything, re.MULTILINE) is not None)
    found = re.search(r"^  the parent is (\d+)$", plait.everything, re.MULTILINE)
    assert found
    return Path("/proc") / found[1]


@needs_ssh
def test_a_connection_that_is_lost(place: Place) -> None:
    write_script(place)
    with Remote(place.root / "ssh") as remote:
        with place.start(through=remote.command, columns=110, rows=30) as plait:
            plait.ready()
            program = far_end(plait)
            goes(plait, "/new docs -- ask me", "docs")
            plait.until(lambda: plait.input_row.startswith("(docs ?) >"))
            alt(plait, "1", "default")
            plait.enter("endless")
            plait.until(lambda: "word9 " in plait.text)
            plait.type("half a thought")
            plait.until(lambda: plait.input_row.endswith("half a thought"))
            plait.child.kill(signal.SIGKILL)
            plait.wait()
        until(lambda: not program.exists())
        with place.start(through=remote.command, columns=110, rows=30) as plait:
            at(plait, "default")
            plait.until(lambda: "/retry asks" in joined(plait) and "word9 " in plait.everything)
            plait.until(lambda: plait.input_row == "(default) > half a thought")
            plait.until(lambda: waiting(plait) == "[docs ?]")
            alt(plait, "2", "docs")
            assert QUESTION in plait.everything
            answers(plait, "docs", "1")
            plait.shows("  Then it is sqlite.")
