"""What Tab offers."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from plait.core import commands as c
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
    return PromptCompleter(prompt.client, all_commands(), str(place), lambda: prompt.fleet)


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


async def noted(completer: PromptCompleter, text: str) -> dict[str, str]:
    """The words that are offered, each with what stands beside it."""
    event = CompleteEvent(completion_requested=True)
    return {one.text: one.display_meta_text async for one in completer.get_completions_async(Document(text), event)}


async def test_sessions_by_their_letters_with_number_and_state(place: Path) -> None:
    async with prompt_over(place) as prompt:
        for name in ("auth-fix", "traffic", "docs"):
            await prompt.open(name)
        await prompt.type("/pause docs")
        await prompt.look_around()
        tab = completer(prompt, place)
        others = {"auth-fix": "2 ready", "traffic": "3 ready", "docs": "4 paused"}
        assert await noted(tab, "/switch ") == others
        assert await noted(tab, "/close ") == {"default": "1 shown", **others}
        assert await offered(tab, "/switch af") == ["/switch auth-fix", "/switch traffic"]
        assert await offered(tab, "/s FIX") == ["/s auth-fix"]
        assert await offered(tab, "/close 3") == ["/close traffic"]
        assert await offered(tab, "/say dcs") == ["/say docs"]
        assert await offered(tab, f"/switch {(await prompt.row('docs')).id[:12]}") == ["/switch docs"]
        for command in ("kill", "peek", "pause", "mute", "notify", "rename", "session switch", "session close", "session rename"):
            assert await offered(tab, f"/{command} tra") == [f"/{command} traffic"], command
        assert await offered(tab, "/unpause ") == ["/unpause docs"]
        for text in ("/switch zz", "/switch docs ", "/say docs d", "/unpause a", "/interrupt d", "/inbox d", "/answer d", "/switch d d"):
            assert await offered(tab, text) == [], text


async def test_a_session_is_offered_from_its_first_moment_to_its_last(place: Path) -> None:
    async with prompt_over(place) as prompt:
        tab = completer(prompt, place)
        await prompt.open("docs")
        await prompt.type("/rename docs manual")
        await prompt.look_around()
        assert await offered(tab, "/switch m") == ["/switch manual"]
        assert await offered(tab, "/reopen ") == []
        await prompt.type("/kill manual")
        await prompt.look_around()
        assert await offered(tab, "/switch m") == []
        assert await noted(tab, "/reopen mn") == {"manual": str(place)}


async def test_what_is_offered_means_the_session_that_it_names(tmp_path: Path) -> None:
    async with prompt_over(tmp_path / "here") as prompt:
        await prompt.open("docs")
        far = [await prompt.open("docs", str(tmp_path / name)) for name in ("one", "two")]
        await prompt.open("alone", str(tmp_path / "one"))
        tab = PromptCompleter(prompt.client, all_commands(), str(tmp_path), lambda: prompt.fleet)
        await prompt.look_around()
        choices = await noted(tab, "/switch ")
        assert set(choices) == {"docs", "alone", *far}
        assert choices[far[0]] == f"3 ready, docs in {tmp_path / 'one'}"[:80]
        for text in choices:
            await prompt.type(f"/switch {text}")
            assert text in (prompt.session, (await prompt.status()).info.name)
        assert "default" in await noted(tab, "/close ")  # the shown one too: it can be closed


async def test_types_flags_and_words_of_the_family(place: Path) -> None:
    async with prompt_over(place) as prompt:
        tab = completer(prompt, place)
        assert await offered(tab, "/new de") == ["/new debug", "/new development", "/new dev"]
        assert (await noted(tab, "/new pl"))["plan"] == "is planning"
        assert await offered(tab, "/new debug d") == []
        assert await offered(tab, "/sessions --") == [
            f"/sessions --{flag}" for flag in ("all", "archived", "trash", "waiting", "verbose", "json")
        ]
        assert await offered(tab, "/sessions --all --v") == ["/sessions --all --verbose"]
        assert "/sessions --all --all" not in await offered(tab, "/sessions --all --")
        assert await offered(tab, "/sessions state:w") == ["/sessions state:waiting", "/sessions state:working"]
        assert await offered(tab, "/session list --j") == ["/session list --json"]
        assert await offered(tab, "/session s") == ["/session switch", "/session save"]
        assert await offered(tab, "/debug g") == ["/debug gate"]
        assert await offered(tab, "/mute default o") == ["/mute default on", "/mute default off"]
        assert await offered(tab, "/notify default question=d") == ["/notify default question=desktop"]


async def test_directories_for_a_session(place: Path) -> None:
    (place / "a place").mkdir()
    async with prompt_over(place) as prompt:
        tab = completer(prompt, place)
        assert await offered(tab, "/session new ") == ['/session new "a place/', "/session new src/"]
        assert await offered(tab, "/session new s") == ["/session new src/"]
        assert await offered(tab, "/session new src/") == ["/session new src/deep/"]
        assert await offered(tab, '/session new "a p') == ['/session new "a place/']
        assert await offered(tab, "/session new --name=x s") == ["/session new --name=x src/"]
        assert await offered(tab, "/session new src ") == []
        assert await offered(tab, f"/session new {place}/s") == [f"/session new {place}/src/"]


async def test_paths_are_those_of_the_session_that_is_shown(place: Path) -> None:
    async with prompt_over(place) as prompt:
        tab = PromptCompleter(prompt.client, all_commands(), "/nowhere", lambda: prompt.fleet)
        assert await offered(tab, "@no") == []
        await prompt.open("deep", str(place / "src"))
        await prompt.type("/switch deep")
        await prompt.look_around()
        assert await offered(tab, "@ma") == ["@main.py"]


async def test_a_thousand_sessions_are_completed(place: Path) -> None:
    async with prompt_over(place) as prompt:
        for number in range(1000):
            session = await prompt.open(f"work-{number}")
            if number % 2:
                await prompt.client.submit(c.CloseSession(session))
        await prompt.look_around()
        tab = completer(prompt, place)
        assert len(await offered(tab, "/switch ")) >= 200
        assert {"/switch work-990", "/switch work-998"} <= set(await offered(tab, "/switch w99"))
        assert await offered(tab, "/switch zzz") == []
        assert {"/reopen work-991", "/reopen work-999"} <= set(await offered(tab, "/reopen w99"))


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
