"""What Tab offers."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from plait.repl.attach import read_attachments
from plait.repl.complete import MOST_OFFERED, PromptCompleter
from plait.repl.slash.commands import all_commands
from tests.repl.prompting import FakePrompt, prompt_over

pytestmark = pytest.mark.anyio


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "src" / "deep").mkdir(parents=True)
    for name in ("src/main.py", "notes.txt", "a b.txt", ".hidden", "nonsense"):
        (tmp_path / name).write_text("x")
    (tmp_path / "evil\x1b[2J").write_text("x")
    (tmp_path / 'quo"te').write_text("x")
    return tmp_path


def completer(prompt: FakePrompt, place: Path) -> PromptCompleter:
    return PromptCompleter(prompt.client, all_commands(), str(place))


async def offered(completer: PromptCompleter, text: str) -> list[str]:
    """The whole line as each choice would make it."""
    document, event = Document(text), CompleteEvent(completion_requested=True)
    return [text[: len(text) + one.start_position] + one.text async for one in completer.get_completions_async(document, event)]


async def test_commands_by_prefix(place: Path) -> None:
    async with prompt_over(place) as prompt:
        tab = completer(prompt, place)
        assert await offered(tab, "/st") == ["/status"]
        assert "/s" in await offered(tab, "/s")
        assert await offered(tab, "/Q") == ["/q", "/quit"]
        assert len(await offered(tab, "/")) == sum(len(command.names) for command in all_commands().commands)
        for text in ("/zz", "/etc/h", " /s", "hello /s", "!/s", "hello", ""):
            assert await offered(tab, text) == []


async def test_arguments_by_each_command(place: Path) -> None:
    async with prompt_over(place) as prompt:
        tab = completer(prompt, place)
        assert await offered(tab, "/copy ") == ["/copy code"]
        assert await offered(tab, "/copy code ") == []
        assert await offered(tab, "/set m") == ["/set max_tokens"]
        assert await offered(tab, "/set max_tokens ") == ["/set max_tokens default"]
        assert await offered(tab, "/set max_tokens 5 ") == []
        assert await offered(tab, "/trust ") == ["/trust show", "/trust yes", "/trust no"]
        assert await offered(tab, "/vim o") == ["/vim on", "/vim off"]
        assert await offered(tab, "/help us") == ["/help usage"]
        assert await offered(tab, "/help usage ") == []
        assert await offered(tab, "/sys r") == ["/sys reset"]
        assert await offered(tab, "/system reset ") == []
        for text in ("/zz x", "/retry x", "/h x", "/ x"):
            assert await offered(tab, text) == []


async def test_models_are_fetched_once(place: Path) -> None:
    async with prompt_over(place) as prompt:
        tab = completer(prompt, place)
        assert await offered(tab, "/mod") == ["/model"]
        assert prompt.models.asked == 0
        assert await offered(tab, "/model n") == ["/model near:one", "/model near:two:latest"]
        assert await offered(tab, "/model tw") == ["/model two:latest"]
        assert await offered(tab, "/model d") == ["/model default"]
        assert "/model locked:big" not in await offered(tab, "/model ")
        assert await offered(tab, "/model near:one ") == []
        assert prompt.models.asked == 1


async def test_paths(place: Path) -> None:
    async with prompt_over(place) as prompt:
        tab = completer(prompt, place)
        assert await offered(tab, "see @") == ["see @src/", 'see @"a b.txt"', "see @nonsense", "see @notes.txt"]
        assert await offered(tab, "see @src/") == ["see @src/deep/", "see @src/main.py"]
        assert await offered(tab, "(@no") == ["(@nonsense", "(@notes.txt"]
        assert await offered(tab, "@.h") == ["@.hidden"]
        assert await offered(tab, '@"a') == ['@"a b.txt"']
        assert await offered(tab, "one\n@src/m") == ["one\n@src/main.py"]
        assert await offered(tab, f"@{place}/src/ma") == [f"@{place}/src/main.py"]
        for text in ("a@no", "!cat @no", "/system @no", "@nowhere/", "@src/main.py/", "@\0", "@no tes"):
            assert await offered(tab, text) == []


async def test_home(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(place))
    async with prompt_over(place) as prompt:
        assert await offered(completer(prompt, place / "src"), "@~/s") == ["@~/src/"]


async def test_a_huge_directory_offers_a_part(tmp_path: Path) -> None:
    for number in range(MOST_OFFERED + 50):
        (tmp_path / f"f{number}").touch()
    async with prompt_over(tmp_path) as prompt:
        assert len(await offered(completer(prompt, tmp_path), "@")) == MOST_OFFERED


async def test_what_is_offered_can_be_attached(place: Path) -> None:
    async with prompt_over(place) as prompt:
        tab = completer(prompt, place)
        files = [line for text in ("@", "@src/", "@.") for line in await offered(tab, text) if not line.endswith("/")]
        assert len(files) >= 4
        for line in files:
            assert len(read_attachments(line, str(place))) == 1


@given(text=st.text(st.sampled_from("/@!\"'~. \nabs\0\ud800é"), max_size=12))
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
async def test_no_text_makes_completion_fail(text: str, place: Path) -> None:
    async with prompt_over(place) as prompt:
        for line in await offered(completer(prompt, place), text):
            assert "\x1b" not in line
