"""Every named crash point is tried by a test that states what is expected there."""

from __future__ import annotations

from plait.store.crashpoints import LABELS
from tests.cli import test_mending
from tests.store import test_crashes, test_purging, test_salvage

WALKED = {
    *test_crashes.AT_START,
    *test_crashes.IN_MIGRATION,
    *("checkpoint.before", "checkpoint.after", "aside.before", "aside.moved", "aside.after"),  # tests/store/test_crashes.py
    *(label.partition(":")[0] for label in test_purging.LABELS),
    "rescue.taken",  # tests/program/test_full_disk.py
    "index.taken",  # tests/store/test_search_kills.py
    *(label.partition(":")[0] for label in (*test_salvage.LABELS, *test_salvage.DECIDED)),
    *(*test_mending.RESTORE_LABELS, *test_mending.VACUUM_LABELS, *test_mending.REPAIR_LABELS),
}


def test_every_label_is_walked() -> None:
    assert set(LABELS) == WALKED
    assert len(LABELS) == len(set(LABELS)) >= 40
