"""Named places at which a test can have the process killed, as a power cut would.

`PLAIT_CRASH_AT=commit.before` kills at that place, `PLAIT_CRASH_AT=commit.before:3` when it is passed the third time. Without the variable
a crash point costs a dictionary look-up. `LABELS` names them all, so that a test can walk them.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from functools import cache

LABELS = (
    "create.made",
    "backup.before",
    "backup.copied",
    "backup.after",
    "migrate.before",
    "migrate.applied",
    "migrate.step",
    "migrate.after",
    "epoch.before",
    "epoch.after",
    "append.begin",
    "append.checked",
    "append.inserted",
    "append.committed",
    "append.identified",
    "index.taken",
    "purge.step",
    "purge.erased",
    "purge.after",
    "checkpoint.before",
    "checkpoint.after",
    "aside.before",
    "aside.moved",
    "aside.after",
    "salvage.read",
    "salvage.session",
    "salvage.filled",
    "salvage.done",
    "replace.before",
    "replace.decided",
    "replace.moved",
    "replace.after",
    "copy.before",
    "copy.made",
    "copy.checked",
    "copy.synced",
    "copy.named",
    "restore.before",
    "restore.copied",
    "restore.checked",
    "restore.after",
    "vacuum.before",
    "vacuum.written",
    "vacuum.checked",
    "vacuum.replaced",
    "vacuum.after",
    "repair.before",
    "repair.copied",
    "repair.mended",
    "repair.after",
    "rescue.taken",
    "close.before",
    "close.after",
)


@dataclass(slots=True)
class _Plan:
    label: str
    left: int


@cache
def _plan() -> _Plan:
    label, _, times = os.environ.get("PLAIT_CRASH_AT", "").partition(":")
    return _Plan(label, int(times) if times.isdecimal() else 1)


def crash_point(label: str) -> None:
    """Kill this process here if the environment, as it was at the first call, asks for it. One of `LABELS`."""
    plan = _plan()
    if plan.label != label:
        return
    plan.left -= 1
    if plan.left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
