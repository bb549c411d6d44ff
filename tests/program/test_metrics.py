"""Metrics of the real program: over a kill and a restart, in a file for its user alone, without a word of what was said."""

from __future__ import annotations

import json
import re
import signal
import stat

from tests.program.running import Place
from tests.timing import until


def test_counts_outlive_a_kill_and_are_shown(place: Place) -> None:
    place.script.write_text('[[reply]]\nmatch = "xylophone"\ntext = "It goes on"\nhang = true\n[[reply]]\nmatch = ""\ntext = "Fine."\n')
    file = place.home / "state" / "metrics.json"
    assert place.run("run", "hello").returncode == 0
    assert json.loads(file.read_text())["counters"]["messages_sent_total"] == 1
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with place.start("--session", "auth-fix") as plait:
        plait.ready("(auth-fix) >").enter("xylophone")
        plait.shows("It goes on")
        plait.child.kill(signal.SIGKILL)
        plait.wait()
    with place.start("--session", "auth-fix", columns=100, rows=40) as plait:
        plait.ready("(auth-fix) >").enter("/new docs")
        plait.ready("(docs) >").enter("/switch auth-fix")
        plait.ready("(auth-fix) >")
        plait.enter("/debug metrics")
        plait.shows("nothing is sent anywhere.")
        assert re.search(r"session_crashes_total +1\n", plait.everything)
        assert re.search(r"session_switch_duration_ms +p50 .* of 2\n", plait.everything)
        assert "kept in metrics.json" in plait.everything
        assert plait.leave() == 0
    until(lambda: json.loads(file.read_text())["counters"]["session_crashes_total"] == 1)
    text = file.read_text()
    assert not re.search("xylophone|auth-fix|docs|Fine", text)
