"""What was typed and not sent: it belongs to its session, outlives the program, and is never sent by plait."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Sequence

import anyio
import pytest

from plait.core import commands as c, events as e
from plait.core.messages import SessionId
from plait.core.ports import Client
from plait.repl.style import Look
from tests.repl.stand import Page, Taps, standing
from tests.repl.test_switching import tap_world
from tests.runtime.failing import FailingStore
from tests.runtime.test_drafts import DraftStore
from tests.runtime.waiting import until
from tests.runtime.world import World, ask, scripted
from tests.timing import keep

pytestmark = pytest.mark.anyio


async def test_text_and_cursor_come_back_with_their_session_and_after_a_restart() -> None:
    """F25."""
    world = World(scripted())
    async with standing(world, "a", "b") as stand:
        stand.page.type("for a")
        stand.page.cursor = 3
        stand.key("switch", "2")
        await stand.on("b")
        assert (stand.page.draft, stand.page.cursor) == ("", 0)
        stand.page.type("two\nlines of b")
        stand.page.cursor = 5
        stand.key("switch", "1")
        await stand.on("a")
        assert (stand.page.draft, stand.page.cursor) == ("for a", 3)
        stand.key("back")
        await stand.on("b")
        assert (stand.page.draft, stand.page.cursor) == ("two\nlines of b", 5)
    async with standing(world, "a", "b") as stand:
        await until(lambda: stand.page.draft == "for a")
        assert stand.page.cursor == 3
        stand.key("switch", "2")
        await stand.on("b")
        assert (stand.page.draft, stand.page.cursor) == ("two\nlines of b", 5)
        assert stand.said("a") == stand.said("b") == []


async def test_what_is_typed_is_saved_within_a_second_of_the_last_key() -> None:
    world = World(scripted())
    async with standing(world, "a") as stand:
        stand.page.type("half a thou")
        typed = time.monotonic()
        await until(lambda: [one.text for one in world.store.drafts()] == ["half a thou"])
        keep(1.0, time.monotonic() - typed, "saving")
        stand.page.enter()
        await until(lambda: not world.store.drafts())
        await until(lambda: stand.said("a") == ["half a thou"])


async def test_a_message_that_was_sent_leaves_no_draft_behind() -> None:
    world = World(scripted())
    async with standing(world, "a", "b") as stand:
        stand.page.type("sent")
        await until(lambda: bool(world.store.drafts()))
        stand.page.enter()
        stand.key("switch", "2")
        await stand.on("b")
        await until(lambda: not world.store.drafts())
        stand.page.type("sent too")
        stand.page.enter()
    assert [one.text for one in world.store.drafts()] == []


async def test_leaving_without_having_typed_overwrites_no_draft_of_another_terminal() -> None:
    world = World(scripted())
    async with standing(world, "a", "b") as stand:
        await ask(stand.coordinator, c.KeepDraft(stand.sessions["a"], "typed in the other terminal", 5), c.Done)
        stand.key("switch", "2")
        await stand.on("b")
        stand.key("switch", "1")
        await stand.on("a")
        assert (stand.page.draft, stand.page.cursor) == ("typed in the other terminal", 5)
        stand.page.draft = ""
        stand.key("switch", "2")
        await stand.on("b")
        await until(lambda: not world.store.drafts())


async def test_what_stands_in_the_line_is_kept_though_another_terminal_wrote_over_it() -> None:
    world = World(scripted())
    async with standing(world, "a", "b") as stand:
        stand.page.type("of a")
        await until(lambda: bool(world.store.drafts()))
        await ask(stand.coordinator, c.KeepDraft(stand.sessions["a"], "", 0), c.Done)
        stand.key("switch", "2")
        await stand.on("b")
        await until(lambda: [one.text for one in world.store.drafts()] == ["of a"])
        stand.page.type("of b")
        await until(lambda: len(world.store.drafts()) == 2)
        await ask(stand.coordinator, c.KeepDraft(stand.sessions["b"], "/swi", 4), c.Done)
    assert sorted(one.text for one in world.store.drafts()) == ["of a", "of b"]


async def test_what_is_typed_during_a_switch_is_for_the_session_that_comes() -> None:
    async with standing(World(scripted()), "a", "b", "c") as stand:
        await ask(stand.coordinator, c.KeepDraft(stand.sessions["b"], "kept in b", 4), c.Done)
        stand.page.type("of a")
        stand.key("switch", "2")
        stand.page.type("and more")  # the switch has not even begun
        await stand.on("b")
        assert (stand.page.draft, stand.page.cursor) == ("kept in b\nand more", 18)
        assert (await stand.draft("a")).text == "of a"
        stand.page.enter()
        stand.page.enter("/switch c")
        stand.page.type("typed ahead")
        await stand.on("c")
        assert stand.page.draft == "typed ahead"
        await until(lambda: stand.said("b") == ["kept in b\nand more"])
        assert (await stand.draft("b")).text == ""


async def test_two_keys_at_once_mix_no_drafts_up() -> None:
    async with standing(World(scripted()), "a", "b", "c") as stand:
        await ask(stand.coordinator, c.KeepDraft(stand.sessions["b"], "kept in b", 4), c.Done)
        stand.page.type("of a")
        stand.key("switch", "2")
        stand.page.type("of b")
        stand.key("switch", "3")
        stand.page.type("of c")
        await stand.on("c")
        assert stand.page.draft == "of c"
        assert ((await stand.draft("a")).text, (await stand.draft("b")).text) == ("of a", "kept in b\nof b")


async def test_a_key_that_leads_nowhere_leaves_the_line_as_it_was() -> None:
    async with standing(World(scripted()), "a", "b") as stand:
        stand.page.type("of a")
        stand.page.cursor = 2
        stand.key("switch", "7")
        await stand.shows("7")
        await until(lambda: (stand.page.draft, stand.page.cursor) == ("of a", 2))
        stand.key("switch", "9")
        stand.page.type(" more")
        await stand.shows("9")
        await until(lambda: stand.page.draft == "of a\n more")
        stand.key("switch", "8")
        stand.key("switch", "2")
        await stand.on("b")
        assert stand.page.draft == ""
        assert (await stand.draft("a")).text == "of a\n more"


async def test_where_the_terminal_edits_the_line_a_draft_is_told_and_kept() -> None:
    world = World(scripted())
    async with standing(world, "a", "b") as stand:
        await ask(stand.coordinator, c.KeepDraft(stand.sessions["b"], "from elsewhere", 4), c.Done)
    for _ in range(2):
        async with standing(world, "a", "b", page=Page(keeps_draft=False), look=Look(colour=False, plain=True, width=80)) as stand:
            await stand.go("b")
            await stand.shows("Typed here before and not sent: from elsewhere")
            stand.page.enter("a message")
            await stand.go("a")
            assert (await stand.draft("b")).text == "from elsewhere"


async def test_a_message_that_is_refused_comes_back_before_what_was_typed_meanwhile() -> None:
    async with standing(tap_world(Taps()), "a") as stand:
        await ask(stand.coordinator, c.CloseSession(stand.sessions["a"]), c.Done)
        stand.page.enter("refused")
        stand.page.type("meanwhile")
        await until(lambda: stand.page.draft == "refused\nmeanwhile")
        stand.page.enter()
        stand.page.enter("see @./not-there.txt")
        await stand.shows("does not exist")
        await until(lambda: stand.page.draft.count("refused\nmeanwhile") == 1 and "see @./not-there.txt" in stand.page.draft)
        assert not any(isinstance(event, e.UserSaid) for event in stand.log("a"))


class Refusing:
    """A client that refuses messages, or other commands, as the test says, once `go` is set."""

    def __init__(self, client: Client, error: str, kind: type[c.Command] = c.Say) -> None:
        self._client = client
        self._error = error
        self._kind = kind
        self.go = anyio.Event()
        self.refused = 0

    async def submit(self, command: c.Command) -> c.Reply:
        """See `Client`."""
        if not isinstance(command, self._kind):
            return await self._client.submit(command)
        await self.go.wait()
        self.refused += 1
        return c.Refused("The disk is full. Make room.", self._error)

    def follow(self, session: SessionId, after: e.Cursor | None = None) -> AsyncGenerator[e.Stamped, None]:
        """See `Client`."""
        return self._client.follow(session, after)

    async def sessions(self) -> Sequence[c.SessionInfo]:
        """See `Client`."""
        return await self._client.sessions()


@pytest.mark.parametrize(("error", "draft"), [("StoreError", "dear\nmore"), ("NotSaved", "more")])
@pytest.mark.parametrize("elsewhere", [False, True])
async def test_a_message_that_was_not_taken_is_a_draft_of_its_session_again(error: str, draft: str, *, elsewhere: bool) -> None:
    clients: list[Refusing] = []

    def refusing(coordinator: Client) -> Client:
        clients.append(Refusing(coordinator, error))
        return clients[0]

    async with standing(World(scripted()), "a", "b", client=refusing) as stand:
        stand.page.enter("dear")
        stand.page.type("more")
        if elsewhere:
            stand.key("switch", "b")
            await stand.on("b")
        clients[0].go.set()
        await stand.shows("The disk is full")
        await stand.settle()
        if elsewhere:
            assert stand.page.draft == ""
            stand.key("switch", "a")
            await stand.on("a")
        await until(lambda: stand.page.draft == draft)
        assert clients[0].refused == 1


async def test_what_was_sent_stays_a_draft_until_it_is_on_disk_as_a_message() -> None:
    store = FailingStore()
    world = World(scripted(), store)
    async with standing(world, "a") as stand:
        stand.page.type("dear")
        await until(lambda: [one.text for one in store.drafts()] == ["dear"])
        await stand.settle()
        store.hold()
        stand.page.enter()
        await until(lambda: bool(stand.coordinator.journal.waiting))
        await anyio.wait_all_tasks_blocked()
        assert [one.text for one in store.drafts()] == ["dear"]
        store.recover()
        await until(lambda: not store.drafts())
        assert stand.said("a") == ["dear"]


async def test_a_draft_that_was_refused_is_kept_when_its_disk_works_again() -> None:
    store = DraftStore()
    async with standing(World(scripted(), store), "a") as stand:
        store.fails = True
        stand.page.type("dear")
        await until(lambda: bool(store.given))
        await stand.settle()
        store.fails = False
    assert [one.text for one in store.drafts()] == ["dear"]
