"""What a shell is told when it completes: words that can be typed, and beside them nothing that could mean anything to a terminal."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click
import pytest

from plait.cli.completion import session_names
from plait.core import events as e
from plait.core.messages import Turn
from plait.paths import find_paths
from tests.store.writing import Author, open_at


def test_the_first_message_of_a_session_reaches_no_terminal_raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAIT_HOME", str(tmp_path))
    with closing(open_at(find_paths({"PLAIT_HOME": str(tmp_path)}).database)) as store:
        author = Author(store)
        author.open()
        author.append(e.UserSaid("\x1b]52;c;cm0=\x07 \x9b2J \u202eevil\nplain\nrm"), e.TurnStarted(Turn(2)))
    context = click.Context(click.Command("plait"))
    (item,) = session_names(context, click.Option(["--resume"]), "def")
    assert item.value == "default"
    assert item.help is not None
    assert item.help.isprintable()
    assert "evil" in item.help
