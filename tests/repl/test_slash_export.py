"""/export over a real coordinator: which session, which file, and what is in it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from plait.core import commands as c, events as e
from plait.models.scripted import Reply
from plait.repl.slash.transcript import PAGE
from tests.exchange.read_back import from_json
from tests.repl.prompting import prompt_over

pytestmark = pytest.mark.anyio


def lies_in(directory: Path) -> list[Path]:
    return sorted(directory.iterdir())


async def test_it_writes_the_shown_session_into_its_directory(tmp_path: Path) -> None:
    async with prompt_over(tmp_path, replies=(Reply(text="an answer"),)) as prompt:
        await prompt.say("a question with sk-proj-abcdef123456")
        shown = await prompt.told("/export")
        (file,) = lies_in(tmp_path)
        assert f"is in {file}. 1 secret was replaced by <secret>." in " ".join(shown.split())
        text = file.read_text(encoding="utf-8")
        assert "> a question with &lt;secret>\n" in text
        assert "> an answer\n" in text
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        again = await prompt.told("/export")
        assert "is there already and is not overwritten. Give another name, such as" in " ".join(again.split())
        assert file.read_text(encoding="utf-8") == text


async def test_json_holds_every_event_of_a_long_session(tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        for _ in range(3):
            await prompt.say("many words, sk-proj-abcdef123456")
        for number in range(PAGE):
            await prompt.submit(c.RenameSession(prompt.session, f"name-{number}"))
        await prompt.told("/export all.json --with-secrets")
        (kept,) = from_json((tmp_path / "all.json").read_text(encoding="utf-8"))
        assert kept.session == prompt.session
        assert len(kept.events) > PAGE
        assert [one.seq for one in kept.events] == list(range(1, len(kept.events) + 1))
        said = [one.event for one in kept.events if isinstance(one.event, e.UserSaid)]
        assert [one.text for one in said] == ["many words, sk-proj-abcdef123456"] * 3
        assert len([one for one in kept.events if isinstance(one.event, e.AssistantSaid)]) == 3


async def test_another_session_and_another_place(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    async with prompt_over(tmp_path) as prompt:
        await prompt.told("/new other -- hello there")
        await prompt.told("/back")
        await prompt.told(f"/export other {tmp_path}/out/other.html")
        assert "<h1>other</h1>" in (tmp_path / "out" / "other.html").read_text(encoding="utf-8")
        assert "hello there" in (tmp_path / "out" / "other.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("/export nobody", "No open session is called 'nobody'"),
        ("/export out/x.pdf", "does not say which format is meant"),
        ("/export a b c", "neither with a blank in it"),
        ("/export --everything", "knows no '--everything'"),
        ("/export nowhere/x.md", "cannot be written"),
    ],
)
async def test_what_cannot_be_is_told(tmp_path: Path, line: str, told: str) -> None:
    async with prompt_over(tmp_path) as prompt:
        assert told in " ".join((await prompt.told(line)).split())
        assert lies_in(tmp_path) == []
