"""Going from session to session: nothing is lost, nothing is shown twice, and the prompt names what is shown."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

import anyio
import pytest
from hypothesis import given, settings, strategies as st

from plait.core import commands as c, events as e
from plait.core.defaults import Defaults
from plait.core.messages import CallId, Finished, SessionId, TextDelta, ThinkingDelta, ToolCall, Usage
from plait.core.ports import Client
from plait.core.session import SessionState
from plait.models.scripted import Reply
from plait.repl.printer import Printer
from plait.repl.style import Look
from tests.repl.stand import Page, Stand, Taps, standing
from tests.runtime.failing import FailingStore
from tests.runtime.waiting import until
from tests.runtime.world import Bench, Recorder, World, ask, fine, said, scripted

pytestmark = pytest.mark.anyio

PIECES = (
    "A paragraph with *emphasis*, `code` and a [link](https://example.org/a/long/address).\n\n",
    "Two lines\nof one paragraph — läuft, 日本語, 🙂.\n\n",
    "```python\ndef first():\n    return 1\n\n\ndef second():\n    return 2\n```\n",
    "~~~\nan open fence\n",
    "- one\n- two\n  - nested\n\n  and more\n- three\n\n",
    "1. first\n2. second\n   ```sh\n   ls\n   ```\n3. third\n",
    "| a | b |\n|---|--:|\n| 1 | 2 |\n| x | long cell |\n\n",
    "# A heading\n\nunder it\n---\n",
    "> quoted\n> twice\n\n",
    "word " * 60 + "\n\n",
    "\x1b[31mno colour\x1b[0m\ttab\r\n",
    "no end",
)
THOUGHTS = ("Hm.", "First this.\n\nThen that.\n\nAnd a third.\n\nAnd a fourth.\n", "x" * 900)


@dataclass(frozen=True)
class Call:
    """One call of a model: what it thinks and says, and whether it asks for a tool after it."""

    thinking: str
    text: str
    tool: bool


@dataclass(frozen=True)
class Step:
    """Something that happens: `what` to the session of `place`, `size` large."""

    what: str
    place: int
    size: int


def calls_of_a_turn() -> st.SearchStrategy[list[Call]]:
    texts = st.lists(st.sampled_from(PIECES), max_size=6).map("".join)
    call = st.builds(Call, st.sampled_from(("", *THOUGHTS)), texts, st.booleans())
    return st.lists(call, min_size=1, max_size=3)


STEPS = st.lists(
    st.builds(Step, st.sampled_from(("pour", "pour", "go", "breathe", "settle", "key")), st.integers(0, 2), st.integers(1, 60)), max_size=60
)


@dataclass
class Talk:
    """What the model of one session has still to say."""

    name: str
    events: list[TextDelta | ThinkingDelta | Finished] = field(default_factory=list)

    def fill(self, calls: Sequence[Call], chunks: random.Random) -> None:
        """Cut what the calls say at random places."""
        for number, call in enumerate(calls):
            last = number == len(calls) - 1
            self.events += [ThinkingDelta(part) for part in _cut(call.thinking, chunks)]
            self.events += [TextDelta(part) for part in _cut(call.text, chunks)]
            asked = (ToolCall(CallId(f"{self.name}{number}"), "read", "{}"),) if call.tool and not last else ()
            self.events.append(Finished("tool_calls" if asked else "end", Usage(1, 1), asked))
            if not asked:
                break

    def pour(self, taps: Taps, most: int) -> None:
        """Let some of it come."""
        now, self.events = self.events[:most], self.events[most:]
        taps.pour(self.name, *now)


def _cut(text: str, chunks: random.Random) -> list[str]:
    parts = []
    while text:
        size = chunks.choice((1, 3, 10, 40, 200, 1000))
        parts.append(text[:size])
        text = text[size:]
    return parts


def as_told_at_once(world: World, stand: Stand, name: str) -> str:
    """What a scrollback holds where nobody ever turned away: the whole log through a printer."""
    page = Page()
    printer = Printer(page, Look(colour=False, width=page.columns), 3600.0)
    for stamped in world.store.read(stand.sessions[name]):
        printer.show(stamped)
    page.queue.close()
    return page.text


def without_headings(text: str) -> str:
    """The scrollback without the lines that tell of a switch, and what the user typed."""
    marks = ("──", "· /", "· '", "· 2 sessions", "· 3 sessions")
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(marks))


def tap_world(taps: Taps, capacity: int = 512) -> World:
    return World(
        Bench({"scripted:m": taps}),
        tools={"read": Recorder("read", fine)},
        defaults=Defaults(max_concurrent_calls=9, buffer_events=capacity),
    )


async def shown_to_the_end(stand: Stand, name: str) -> None:
    """Wait until the shown session has been shown to its last event that can be seen."""
    managed = await stand.coordinator.managed(stand.sessions[name])
    await until(lambda: stand.repl._stage._seq >= (managed.session.conversation[-1].seq or 0))


async def tell_it(talks: Sequence[Sequence[Call]], steps: Sequence[Step], seed: int) -> None:
    taps, chunks = Taps(), random.Random(seed)
    world = tap_world(taps)
    names = [f"s{number}" for number in range(len(talks))]
    async with standing(world, *names) as stand:
        left = [Talk(name) for name in names]
        for talk, calls in zip(left, talks, strict=True):
            talk.fill(calls, chunks)
            await said(stand.coordinator, stand.sessions[talk.name], talk.name)
        for step in steps:
            place = step.place % len(names)
            match step.what:
                case "pour":
                    left[place].pour(taps, step.size)
                case "go":
                    await stand.repl.switch(stand.sessions[names[place]])
                    assert stand.repl.prompt_text() == f"({names[place]}) > "
                case "key":
                    stand.key("switch", str(place + 1))
                case "settle":
                    await stand.settle()
                case _:
                    for _ in range(step.size % 7):
                        await anyio.lowlevel.checkpoint()
        for talk in left:
            talk.pour(taps, 10_000)
        for name in names:
            await until(lambda name=name: any(isinstance(event, e.TurnEnded) for event in stand.log(name)))  # type: ignore[misc]
        for name in [*names, *names]:
            await stand.repl.switch(stand.sessions[name])
            await shown_to_the_end(stand, name)
        await stand.settle()
        for name in names:
            assert without_headings(stand.page.of(stand.sessions[name])) == as_told_at_once(world, stand, name)


@settings(max_examples=60, deadline=None)
@given(st.lists(calls_of_a_turn(), min_size=2, max_size=3), STEPS, st.integers(0, 2**30))
def test_whatever_streams_while_one_goes_there_and_back_is_shown_once_and_in_order(
    talks: list[list[Call]], steps: list[Step], seed: int
) -> None:
    """F1, F7."""
    anyio.run(tell_it, talks, steps, seed)


def deltas(text: str) -> list[TextDelta | Finished]:
    """An answer, a word at a time."""
    return [*(TextDelta(word + " ") for word in text.split(" ")), Finished("end", Usage(1, 1))]


async def ended(stand: Stand, name: str, turns: int = 1) -> None:
    """Wait until so many turns of a session have ended, on disk."""
    await until(lambda: sum(isinstance(event, e.TurnEnded) for event in stand.log(name)) >= turns)


async def test_the_line_above_what_is_new_tells_how_much_and_since_when() -> None:
    taps = Taps()
    world = tap_world(taps)
    async with standing(world, "shop", "docs") as stand:
        docs = stand.sessions["docs"]
        await stand.go("docs")
        await stand.go("shop")
        await said(stand.coordinator, docs, "docs")
        taps.pour("docs", TextDelta("one\ntwo"), Finished("tool_calls", Usage(1, 1), (ToolCall(CallId("c"), "read", "{}"),)))
        taps.pour("docs", TextDelta("three"), Finished("end", Usage(1, 1)))
        await ended(stand, "docs")
        first = next(one for one in world.store.read(docs) if isinstance(one.event, e.UserSaid))
        since = time.strftime("%Y-%m-%d %H:%M", time.localtime(first.at))
        await stand.go("docs")
        (heading,) = [line for line in stand.page.of(docs).splitlines() if "new line" in line]
        assert heading == f"── docs: 3 new lines since {since} (1 tool) · /history 13 for more ──"
        await stand.go("shop")
        await stand.go("docs")
        assert stand.page.of(docs).count("three") == 1
        assert stand.page.of(docs).splitlines()[-1].startswith("── docs: nothing new · 3 messages")


async def test_what_the_buffer_could_not_hold_is_counted_exactly() -> None:
    taps = Taps()
    world = tap_world(taps, capacity=8)
    page = Page()
    page.columns = 140
    async with standing(world, "shop", "docs", page=page) as stand:
        docs = stand.sessions["docs"]
        await stand.go("docs")
        await stand.go("shop")
        for turn in range(6):  # of five events each: said, started, answered, ended, and the name that is not changed
            await said(stand.coordinator, docs, "docs")
            taps.pour("docs", *deltas(f"a{turn}\nb{turn}"))
            await ended(stand, "docs", turn + 1)
        await stand.go("docs")
        told = stand.page.of(docs)
        (heading,) = [line for line in told.splitlines() if "new lines" in line]
        shown = [number for number in range(6) if f"a{number}" in told]
        assert shown == [4, 5]
        assert "docs: 4 new lines since" in heading
        assert f"· {2 * (6 - len(shown))} lines before them are only in /history" in heading
        stand.page.enter("/history 100")
        await stand.shows("a0")


async def test_the_prompt_names_the_shown_session_at_every_moment() -> None:
    """F6: each thing that is written while a session is shown is written under its name."""
    world = tap_world(Taps())

    class Watching(Page):
        def __init__(self) -> None:
            super().__init__()
            self.named: list[tuple[str, str]] = []

        def write(self, text: str) -> None:
            super().write(text)
            self.refresh()

        def refresh(self) -> None:
            if self.repl is not None and self.repl.session:
                self.named.append((self.repl.session, self.repl.prompt_text()))

    page = Watching()
    async with standing(world, "a", "b", "c", page=page) as stand:
        page.named.clear()
        for name in "bcabacbca":
            stand.key("switch", str("abc".index(name) + 1))
            page.enter("/status")
        await until(lambda: page.text.count("· /status") == 9)
        await stand.on("a")
        await stand.settle()
        names: dict[str, str] = {session: f"({name}) > " for name, session in stand.sessions.items()}
        assert len(page.named) > 27
        assert [(session, prompt) for session, prompt in page.named if prompt != names[session]] == []
        await ask(stand.coordinator, c.RenameSession(stand.sessions["a"], "anew"), c.Done)
        await until(lambda: stand.repl.prompt_text() == "(anew) > ")


async def test_keys_and_lines_are_carried_out_in_the_order_in_which_they_were_typed() -> None:
    taps = Taps()
    async with standing(tap_world(taps), "a", "b", "c") as stand:
        stand.page.enter("for a")
        stand.key("switch", "2")
        stand.page.enter("for b")
        stand.page.enter("/switch c")
        stand.page.enter("for c")
        stand.key("back")
        stand.page.enter("for b too")
        stand.key("switch", "1")
        stand.page.type("draft of a")
        await until(lambda: stand.said("b") == ["for b", "for b too"])
        await stand.on("a")
        await stand.settle()
        assert (stand.said("a"), stand.said("c")) == (["for a"], ["for c"])
        assert stand.page.draft == "draft of a"


async def test_the_end_of_a_turn_that_comes_while_one_turns_away_is_news() -> None:
    """Whatever is recorded between the last drawing and the mark is shown on coming back, and once."""
    for pause in range(12):
        taps = Taps()
        async with standing(tap_world(taps), "a", "b") as stand:
            await said(stand.coordinator, stand.sessions["a"], "a")
            taps.pour("a", TextDelta("begun "))
            await until(lambda: "begun" in stand.page.tail)
            taps.pour("a", TextDelta("and done"), Finished("end", Usage(1, 1)))
            for _ in range(pause):
                await anyio.lowlevel.checkpoint()
            await stand.go("b")
            await ended(stand, "a")
            await stand.go("a")
            await shown_to_the_end(stand, "a")
            assert without_headings(stand.page.of(stand.sessions["a"])).count("begun and done") == 1
            await stand.go("b")
            assert not (await stand.row("a")).unread


async def test_closing_the_shown_session_while_it_streams_shows_the_one_used_last() -> None:
    taps = Taps()
    async with standing(tap_world(taps), "a", "b", "c") as stand:
        for name in "bca":
            await stand.go(name)
        await said(stand.coordinator, stand.sessions["a"], "a")
        taps.pour("a", TextDelta("half an "))
        await until(lambda: "half an" in stand.page.tail)
        stand.page.enter("/kill")
        await stand.on("c")
        assert stand.repl.prompt_text() == "(c) > "
        assert "half an" in stand.page.of(stand.sessions["a"])
        assert (await stand.row("a")).state is SessionState.COMPLETED
        stand.page.enter("/kill")
        await stand.on("b")
        stand.page.enter("/kill")
        await until(lambda: stand.repl.prompt_text() == "(default) > ")


async def test_a_session_that_is_completed_elsewhere_takes_nothing_and_loses_nothing() -> None:
    async with standing(tap_world(Taps()), "a", "b") as stand:
        await ask(stand.coordinator, c.CloseSession(stand.sessions["a"]), c.Done)
        stand.page.enter("lost?")
        await stand.shows("/reopen a opens it again.")
        await until(lambda: stand.page.draft == "lost?")
        assert stand.said("a") == []
        stand.key("switch", "1")  # the only one that is open
        await stand.on("b")
        assert (await stand.draft("a")).text == "lost?"


class Refusing:
    """A client that refuses to tell news."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.refuses = False

    async def submit(self, command: c.Command) -> c.Reply:
        """See `Client`."""
        if isinstance(command, c.ReadNews) and self.refuses:
            return c.Refused("The news cannot be read. Try again.", "StoreError")
        return await self._client.submit(command)

    def follow(self, session: SessionId, after: e.Cursor | None = None) -> AsyncGenerator[e.Stamped, None]:
        """See `Client`."""
        return self._client.follow(session, after)

    async def sessions(self) -> Sequence[c.SessionInfo]:
        """See `Client`."""
        return await self._client.sessions()


async def test_where_the_news_cannot_be_read_one_stays_where_one_is() -> None:
    taps, clients = Taps(), []

    def refusing(coordinator: Client) -> Client:
        clients.append(Refusing(coordinator))
        return clients[0]

    async with standing(tap_world(taps), "a", "b", client=refusing) as stand:
        await stand.go("b")
        await stand.go("a")
        await said(stand.coordinator, stand.sessions["b"], "b")
        taps.pour("b", *deltas("an answer"))
        await ended(stand, "b")
        clients[0].refuses = True
        stand.page.enter("/switch b")
        await stand.shows("The news cannot be read.")
        assert stand.repl.prompt_text() == "(a) > "
        clients[0].refuses = False
        await stand.go("b")
        await until(lambda: "an answer" in stand.page.of(stand.sessions["b"]))


async def test_a_round_of_next_comes_back_to_where_it_began() -> None:
    taps = Taps()
    async with standing(tap_world(taps), "a", "b", "c", "d") as stand:
        await stand.go("d")
        await stand.go("a")
        for name in "cb":
            await said(stand.coordinator, stand.sessions[name], name)
            taps.pour(name, *deltas("an answer"))
            await until(lambda name=name: stand.sessions[name] in [row.id for row in stand.repl.fleet.waiting])  # type: ignore[misc]
        for name in "cb":  # the one that has waited longest first
            stand.key("next")
            await stand.on(name)
            await until(lambda name=name: stand.sessions[name] not in [row.id for row in stand.repl.fleet.waiting])  # type: ignore[misc]
        stand.key("next")
        await stand.shows("Nobody else waits for you.")
        stand.key("back")
        await stand.on("a")
        stand.key("back")
        await stand.on("b")


async def test_a_line_that_follows_a_session_that_cannot_be_reached_stays_where_it_was_typed() -> None:
    async with standing(tap_world(Taps()), "a", "b") as stand:
        stand.key("switch", "7")
        stand.page.enter("for a")
        await until(lambda: stand.said("a") == ["for a"])
        assert stand.repl.prompt_text() == "(a) > "


class Claimed(FailingStore):
    """A store that remembers which sessions were read into memory."""

    def __init__(self) -> None:
        super().__init__()
        self.claims: list[str] = []

    def claim(self, session: SessionId, owner: str) -> bool:
        """See `Store.claim`."""
        self.claims.append(session)
        return super().claim(session, owner)


async def test_a_heavy_session_that_is_left_is_read_again_only_when_it_is_shown_again() -> None:
    """Its mark and its draft are written before it leaves the memory, not by reading it back."""
    store = Claimed()
    world = World(scripted(Reply(match="", text="A long answer. " * 400)), store, defaults=Defaults(unload_bytes=5_000))
    async with standing(world, "a", "b") as stand:
        store.claims.clear()
        stand.page.enter("hi")
        await ended(stand, "a")
        stand.page.type("draft")
        stand.key("switch", "b")
        await stand.on("b")
        await until(lambda: [one.session.id for one in stand.coordinator.loaded] == [stand.sessions["b"]])
        await stand.settle()
        assert [one.session.id for one in stand.coordinator.loaded] == [stand.sessions["b"]]
        assert store.claims == []
        stand.page.enter("/sessions --verbose")  # reads its last message
        await until(lambda: store.claims == [stand.sessions["a"]])
        await until(lambda: [one.session.id for one in stand.coordinator.loaded] == [stand.sessions["b"]])
        stand.key("back")
        await stand.on("a")
        assert stand.page.draft == "draft"
        assert "nothing new" in stand.page.of(stand.sessions["a"])
