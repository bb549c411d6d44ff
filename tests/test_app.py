"""The runtime as it is put together for the program: what becomes of what could not be written."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from plait.app import open_app
from plait.config import load
from plait.core import commands as c
from plait.core.errors import StoreError
from plait.models.scripted import Reply
from plait.paths import find_paths
from plait.program import Program
from tests.runtime.failing import FailingStore
from tests.runtime.world import ask, opened, scripted


async def said_and_lost(program: Program) -> str:
    """Say something while the disk fails, and leave; what is told then."""
    store = FailingStore()
    try:
        async with open_app(program, store, scripted(Reply(text="fine"))) as coordinator:
            session = await opened(coordinator)
            store.fail()
            await ask(coordinator, c.Say(session, "a secret"), c.Refused)
    except StoreError as error:
        return str(error)
    raise AssertionError("nobody was told")


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "--ephemeral"])
def test_what_could_not_be_written_is_in_a_file_but_where_nothing_is_kept(tmp_path: Path, kept: bool) -> None:
    environ = {"PLAIT_HOME": str(tmp_path / "home"), "PLAIT_AUTO_NAMES": "0"}
    paths = find_paths(environ)
    paths.data.mkdir(parents=True)
    told = anyio.run(said_and_lost, Program(load(None, environ, {} if kept else {"persist": False}), paths, environ, "/shop"))
    files = [path for path in tmp_path.rglob("*") if path.is_file() and b"a secret" in path.read_bytes()]
    assert len(files) == kept
    assert "could not be saved" in told
    assert ("They are in" in told) == kept
