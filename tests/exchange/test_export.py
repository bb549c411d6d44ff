"""Documents of sessions: what goes out comes back alike, and nobody's text becomes a part of the document."""

from __future__ import annotations

import json
import re
import stat
import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import example, given, settings, strategies as st
from markdown_it import MarkdownIt

from plait.core import events as e
from plait.core.codec import CodecError
from plait.core.commands import Draft, SessionInfo
from plait.core.errors import PlaitError, UsageError
from plait.core.messages import AssistantMessage, Attachment, CallId, ProjectId, SessionId, ToolCall, ToolResult, Turn
from plait.core.ports import Project
from plait.core.secrets import MARK, Secrets
from plait.core.session import SessionState
from plait.exchange.document import Kept, to_json as json_pieces
from plait.exchange.export import Exported, Format, file_name, pieces, render
from plait.exchange.html import to_html as html_pieces
from plait.exchange.markdown import to_markdown as markdown_pieces
from plait.exchange.new_file import unused, write_new
from plait.exchange.redact import redacted
from plait.exchange.story import Story, story_of
from tests.exchange.read_back import from_json
from tests.strategies import TEXTS, durable_events, moments, values

ID = SessionId("aaaa1111")
PROJECT = Project(ProjectId("shop-a7b3c2d1"), "shop", "/home/ada/shop", 1.5)
ROW = SessionInfo(ID, "auth-fix", "debug", SessionState.ACTIVE, PROJECT.id, "/home/ada/shop", 2, 0.5, 9.0, 9, title="The way in")
PIECES = [
    "`",
    "``",
    "```",
    "~~~",
    "<b>",
    "<!--",
    "<script>",
    "</pre>",
    "]]>",
    "\n",
    "\n\n",
    "> ",
    "- ",
    "1. ",
    "    ",
    " ",
    "\t",
    "\\",
    "|",
    "# ",
]
HOSTILE = st.lists(
    st.sampled_from([*PIECES, "a", "<", "&lt;", "[x]: <y>", "(", "](", "\x1b[2J", "\r", "\u2028", "---", "$$", "<?", "="]), max_size=14
)


def stamped(*events: e.Durable) -> tuple[e.Stamped, ...]:
    return tuple(e.Stamped(ID, seq, 1000.0 + seq, event) for seq, event in enumerate(events, 1))


def to_json(kept: Sequence[Kept], *, program: str, at: float, redacted: bool) -> str:
    return "".join(json_pieces(kept, program=program, at=at, redacted=redacted))


def to_markdown(stories: Sequence[Story]) -> str:
    return "".join(markdown_pieces(stories))


def to_html(stories: Sequence[Story]) -> str:
    return "".join(html_pieces(stories, len(stories)))


def story(text: str) -> Story:
    """A session in which everything that can hold a text holds this one."""
    call, turn = ToolCall(CallId(text), text, text), Turn(2)
    events = stamped(
        e.SessionOpened(text, "debug", PROJECT.id, text),
        e.UserSaid(text, (Attachment(text, text),)),
        e.TurnStarted(turn),
        e.AssistantSaid(turn, AssistantMessage(text, text, (call,)), "tool_calls", text, complete=False),
        e.ToolStarted(turn, call),
        e.QuestionAsked(turn, call.id, text, (text,)),
        e.QuestionAnswered(turn, ToolResult(call.id, text, text)),
        e.ToolReturned(turn, ToolResult(call.id, text, text)),
        e.TurnEnded(turn, "failed", seen=True, detail=text),
        e.Titled(text),
        e.Renamed(text, by_hand=True),
        e.Noted(text),
        e.CompactionAsked(text),
        e.Compacted(turn, 3, text, text),
        e.Rewound(turn, text, 2),
        e.Redone(text, 2),
        e.Forked(ID, 3, text),
        e.Imported(text, text, text),
        e.DirectoryChanged(text),
        e.Tagged((text,)),
        e.UnknownEvent(text, text),
        e.UserSaid("the last word"),
    )
    return story_of(replace(ROW, name=text, title=text, directory=text, project=text, tags=(text,)), events)


# Going out and coming back


@given(
    st.lists(
        st.tuples(st.lists(st.tuples(durable_events(), moments(), st.integers(1, 3)), max_size=5), st.none() | values(Draft)), max_size=3
    )
)
@settings(max_examples=60)
def test_json_comes_back_alike(sessions: list[tuple[list[tuple[e.Durable, float, int]], Draft | None]]) -> None:
    kept = [
        Kept(ID, PROJECT, tuple(e.Stamped(ID, seq, at, event, thread) for seq, (event, at, thread) in enumerate(events, 1)), draft)
        for events, draft in sessions
    ]
    text = to_json(kept, program="1.0", at=5.0, redacted=False)
    assert text.isascii()
    assert from_json(text) == kept


@given(st.lists(durable_events(), max_size=5), st.sampled_from(["development", "end", "done", "failed", "shop-a7"]))
@settings(max_examples=60)
def test_what_was_redacted_can_be_read(events: list[e.Durable], secret: str) -> None:
    """Also where a secret is spelled like a word that the events use themselves."""
    kept = redacted(Kept(ID, PROJECT, stamped(*events)), Secrets({"MY_TOKEN": secret}).cut)
    assert [len(one.events) for one in from_json(to_json([kept], program="1.0", at=5.0, redacted=True))] == [len(events)]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda plain: plain.update(format="other"), "is not a JSON document of plait"),
        (lambda plain: plain.update(version=2), "It is of version 2"),
        (lambda plain: plain.pop("sessions"), "is broken"),
        (lambda plain: plain["sessions"][0]["events"].pop(0), "Event 1 of session 'aaaa1111' is missing"),
        (lambda plain: plain["sessions"][0]["events"][0].update(session="b"), "out of place"),
        (lambda plain: plain["sessions"][0]["events"][0]["event"].pop("text"), "lacks text"),
        (lambda plain: plain["sessions"][0].update(project={"id": 1, "createdAt": 1}), "is no text"),
        (lambda plain: plain["sessions"][0].update(draft={"type": "Paused"}), "draft"),
        (lambda plain: plain["sessions"].append(None), "is broken"),
    ],
)
def test_what_is_no_document_is_refused(change: object, told: str) -> None:
    plain = json.loads(to_json([Kept(ID, PROJECT, stamped(e.UserSaid("a"), e.Paused()))], program="1", at=1.0, redacted=False))
    assert callable(change)
    change(plain)
    with pytest.raises(PlaitError, match=re.escape(told)):
        from_json(json.dumps(plain))


def test_what_is_cut_short_is_refused() -> None:
    text = to_json([Kept(ID, PROJECT, stamped(e.UserSaid("a")))], program="1", at=1.0, redacted=False)
    for end in range(len(text.rstrip())):
        with pytest.raises(CodecError):
            from_json(text[:end])


# Markdown


@given(HOSTILE.map("".join) | TEXTS)
@example("  ```\n```\n<b>\n```")  # a block that begins indented: what looks like its beginning ends it
@example("- ```\n  ```\n```\n<b>")
@example("`` a ` `` <b> `")  # code in code
@example("\\` <b> `")  # what looks like code is none
@example("| a ` | <b> ` |\n| - | - |\n")  # a cell ends inside of what looks like code
@settings(max_examples=300)
def test_nobodys_text_becomes_markdown_of_the_document(text: str) -> None:
    document = to_markdown([story(text), story("calm")])
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(document)
    assert not [token for token in tokens if token.type == "html_block"]
    assert not [child for token in tokens for child in token.children or () if child.type == "html_inline"]
    at_top = [tokens[place + 1].content for place, token in enumerate(tokens) if token.type == "heading_open" and token.level == 0]
    assert len(at_top) == 2 * (1 + 6)
    assert sum(heading.startswith("You, ") for heading in at_top) == 4
    assert at_top[-1].startswith("You, ")
    fences = [token.content for token in tokens if token.type == "fence" and token.level == 0]
    assert len(fences) == 8  # of each story: the file, the call, the result, the summary
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028]", document)


def test_code_stays_as_it_was_written() -> None:
    text = "Use `Vec<T>`, not <T>:\n```c\n#include <stdio.h>\n```\nor <b>."
    assert "> Use `Vec<T>`, not &lt;T>:\n> ```c\n> #include <stdio.h>\n> ```\n> or &lt;b>.\n" in to_markdown([story(text)])


def test_a_fence_is_longer_than_any_in_it() -> None:
    assert "\n`````text\n````\nx\n`````\n" in to_markdown([story("````\nx")])


# HTML


class Tags(HTMLParser):
    """Which elements a page has, and what it says."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag != "meta":
            self.open.append(tag)
        assert {name for name, _ in attrs} <= {"lang", "charset", "http-equiv", "content", "name", "class"}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


KNOWN = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "article",
    "h1",
    "h2",
    "dl",
    "dt",
    "dd",
    "section",
    "time",
    "p",
    "pre",
    "details",
    "summary",
}


@given(HOSTILE.map("".join) | TEXTS)
def test_nobodys_text_becomes_html_of_the_page(text: str) -> None:
    page = Tags(to_html([story(text), story("calm")]))
    assert set(page.tags) <= KNOWN
    assert page.open == []
    assert page.tags.count("section") == 2 * 6
    assert page.text.count("the last word") == 2
    assert Tags(to_html([])).tags[:2] == ["html", "head"], "also of nothing"


def test_a_page_loads_and_runs_nothing() -> None:
    page = to_html([story("<script>alert(1)</script>")])
    assert "default-src 'none'" in page
    assert "color-scheme: light dark" in page
    assert "<script" not in page
    assert "http:" not in page


# What is told


def test_everything_that_was_said_is_in_each_form() -> None:
    turn = Turn(2)
    events = stamped(
        e.SessionOpened("auth-fix", "debug", PROJECT.id, PROJECT.directory),
        e.UserSaid("first question", (Attachment("notes.txt", "in the file"),)),
        e.UserSaid("second question"),
        e.TurnStarted(turn),
        e.AnswerProgress(turn, "superseded"),
        e.AssistantSaid(
            turn, AssistantMessage("the answer", "the thought", (ToolCall(CallId("c"), "ask", '{"a": 1}'),)), "tool_calls", "a:b"
        ),
        e.QuestionAsked(turn, CallId("c"), "which one?", ("left", "right")),
        e.QuestionAnswered(turn, ToolResult(CallId("c"), "ask", "left one")),
        e.ToolReturned(turn, ToolResult(CallId("d"), "read", "the result")),
        e.TurnEnded(turn, "failed", seen=True, detail="The model is gone."),
        e.TurnStarted(Turn(3)),
        e.AnswerProgress(Turn(3), "not yet ", "hm "),
        e.AnswerProgress(Turn(3), "finished"),
    )
    said = ["The way in", "first question", "in the file", "the thought", "the answer", "which one?", "left one", "the result"]
    said += ["The turn failed: The model is gone.", "second question", "not yet finished", "This answer is not finished."]
    forms: tuple[Format, ...] = ("markdown", "html")
    for form in forms:
        text = render([Exported(ROW, Kept(ID, PROJECT, events))], form, program="1", at=1.0, cut=None)
        places = [text.index(one) for one in said]
        assert places == sorted(places), "in the order of the conversation"
        assert "superseded" not in text


def test_what_was_taken_back_is_marked_and_a_summary_is_told() -> None:
    turns = [Turn(2), Turn(6), Turn(12)]
    events = stamped(
        e.SessionOpened("auth-fix", "debug", PROJECT.id, PROJECT.directory),
        *(e.UserSaid("kept"), e.TurnStarted(turns[0]), e.AssistantSaid(turns[0], AssistantMessage("right"), "end")),
        e.TurnEnded(turns[0], "done", seen=True),
        *(e.UserSaid("gone"), e.TurnStarted(turns[1]), e.AssistantSaid(turns[1], AssistantMessage("wrong"), "end")),
        e.TurnEnded(turns[1], "failed", seen=True),
        e.Rewound(turns[1], "gone", 2),
        e.DirectoryChanged("/home/ada/mill"),
        e.CompactionAsked("the names"),
        *(e.TurnStarted(turns[2]), e.Compacted(turns[2], 5, "in short", messages=2), e.TurnEnded(turns[2], "done", seen=True)),
    )
    row = replace(ROW, tags=("login", "urgent"), pinned=True)
    text = render([Exported(row, Kept(ID, PROJECT, events))], "markdown", program="1", at=1.0, cut=None)
    marked = [line.partition(",")[0] for line in text.splitlines() if line.endswith("(taken back)")]
    assert marked[:2] == ["## You", "## Assistant"]
    assert marked[2].endswith("The turn failed (taken back)")
    assert "Went back to before: gone (2 messages taken back)\n" in text
    assert "Asked for a summary that keeps: the names\n" in text
    assert "Compacted: 2 messages are told as a summary of 2\n\nSummary:\n\n```text\nin short\n```\n" in text
    assert "- tags: login, urgent\n- filed: pinned\n" in text
    assert "Went on in /home/ada/mill\n" in text
    page = render([Exported(row, Kept(ID, PROJECT, events))], "html", program="1", at=1.0, cut=None)
    assert [page.count(f'<section class="{kind}">') for kind in ("user", "user gone", "assistant", "assistant gone")] == [1, 1, 1, 1]
    assert "<details><summary>Summary</summary>\n<pre>in short</pre>" in page
    again = (*events[:10], e.Stamped(ID, 11, 2000.0, e.Redone("gone", 2)))
    assert "(taken back)" not in to_markdown([story_of(row, again)])


def test_secrets_are_cut_out_of_every_form() -> None:
    secrets = Secrets({"MY_TOKEN": "hunter2-hunter2"})
    events = stamped(
        e.UserSaid("hunter2-hunter2", (Attachment("f", "Bearer abc.def.ghi1"),)),
        e.ToolReturned(Turn(1), ToolResult(CallId("c"), "t", "sk-proj-abcdef123456")),
        e.UnknownEvent("Later", '{"a": ["hunter2-hunter2"]}'),
        e.UnknownEvent("Later", "broken hunter2-hunter2"),
    )
    sessions = [Exported(replace(ROW, title="hunter2-hunter2"), Kept(ID, PROJECT, events, Draft(ID, "hunter2-hunter2", 0)))]
    forms: tuple[Format, ...] = ("markdown", "json", "html")
    for form in forms:
        text = render(sessions, form, program="1", at=1.0, cut=secrets.cut)
        assert "hunter2" not in text
        assert "abc.def" not in text
        assert "sk-proj" not in text
        assert "hunter2-hunter2" in render(sessions, form, program="1", at=1.0, cut=None)
    assert secrets.found >= 12
    kept = from_json(render(sessions, "json", program="1", at=1.0, cut=secrets.cut))
    assert kept[0].events[2].event == e.UnknownEvent("Later", f'{{"a": ["{MARK}"]}}')


def test_no_more_than_one_session_is_in_memory() -> None:
    def many() -> Iterator[Exported]:
        for number in range(40):
            yield Exported(ROW, Kept(ID, PROJECT, stamped(e.UserSaid(f"{number}" + "word " * 200_000))))

    forms: tuple[Format, ...] = ("markdown", "json", "html")
    for form in forms:
        tracemalloc.start()
        try:
            length = sum(len(piece) for piece in pieces(many(), 40, form, program="1", at=1.0, cut=None))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert length > 40_000_000
        assert peak < 16_000_000


# Files


def test_a_new_file_is_private_and_no_other_is_touched(tmp_path: Path) -> None:
    path = tmp_path / "talk.md"
    write_new(path, "one\ud800\n")
    assert path.read_text(encoding="utf-8") == "one?\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(UsageError, match=re.escape(f"Give another name, such as {tmp_path / 'talk-2.md'}.")):
        write_new(path, "two")
    (tmp_path / "link.md").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageError):
        write_new(tmp_path / "link.md", "two")
    for impossible in (tmp_path / "none" / "a.md", path / "a.md", tmp_path / ("x" * 300), tmp_path / "a\0b"):
        with pytest.raises(PlaitError, match="cannot be written"):
            write_new(impossible, "two")
    assert path.read_text(encoding="utf-8") == "one?\n"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["link.md", "talk.md"]
    assert unused(path) == tmp_path / "talk-2.md"


@given(TEXTS, TEXTS)
def test_a_file_name_is_one(name: str, session: str) -> None:
    made = file_name(replace(ROW, name=name, id=SessionId(session)), "html")
    assert re.fullmatch(r"[\w-]+\.html", made)
    assert len(made) <= 60
