"""The log of plait's own faults: harmless, private, and silent where it cannot be written."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from plait.fault_log import CAP, PrivateFile, start_log
from plait.paths import Paths, find_paths

log = logging.getLogger("plait.test")


@pytest.fixture
def paths(tmp_path: Path) -> Iterator[Paths]:
    """Paths of a home of its own; the handlers that a test adds are taken away again."""
    root = logging.getLogger("plait")
    before, propagate = list(root.handlers), root.propagate
    yield find_paths({"PLAIT_HOME": str(tmp_path)})
    for handler in set(root.handlers) - set(before):
        root.removeHandler(handler)
        handler.close()
    root.propagate = propagate


def test_what_is_logged_can_neither_act_upon_a_terminal_nor_look_like_a_record(paths: Paths) -> None:
    start_log(paths)
    try:
        raise ValueError("bad \x1b]0;title\x07")
    except ValueError:
        log.exception("tool %s failed", "a\x1b[2J\n2026-01-01 00:00:00,000 ERROR plait: forged \ud800")
    first, *others = (paths.state / "plait.log").read_text(encoding="utf-8").splitlines()
    assert "tool a␛[2J" in first
    assert "bad ␛]0;title␇" in others[-1]
    assert all(line.startswith("    ") for line in others)


def test_the_log_is_private_whatever_the_umask(paths: Paths) -> None:
    start_log(paths)
    before = os.umask(0)
    try:
        log.error("x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((paths.state / "plait.log").stat().st_mode) == 0o600


@pytest.mark.parametrize("target", ["/dev/full", "elsewhere"])
def test_a_link_in_its_place_is_not_followed_and_nothing_is_told(paths: Paths, target: str, capfd: pytest.CaptureFixture[str]) -> None:
    paths.state.mkdir()
    (paths.state / "plait.log").symlink_to(target)
    start_log(paths)
    log.error("x")
    assert capfd.readouterr() == ("", "")
    assert not (paths.state / "elsewhere").exists()


def test_a_full_disk_stays_off_the_terminal(paths: Paths, capfd: pytest.CaptureFixture[str]) -> None:
    start_log(paths)
    log.error("opens the file")
    (file,) = (one.stream for one in logging.getLogger("plait").handlers if isinstance(one, PrivateFile))
    assert file is not None
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, file.fileno())
    os.close(full)
    log.error("x")
    assert capfd.readouterr() == ("", "")


def test_a_long_log_is_set_aside_at_the_next_start(paths: Paths) -> None:
    paths.state.mkdir()
    (paths.state / "plait.log").write_text("x" * (CAP + 1))
    start_log(paths)
    log.error("fresh")
    assert (paths.state / "plait.log.1").stat().st_size == CAP + 1
    assert (paths.state / "plait.log").read_text().endswith("fresh\n")
