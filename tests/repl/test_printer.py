"""What the printer puts on a surface: harmless while it grows, and no more work the longer it gets."""

from __future__ import annotations

from plait.core import events as e
from plait.core.messages import AssistantMessage, CallId, SessionId, ToolResult, Turn
from plait.repl.printer import ASKING, Printer
from plait.repl.style import Look


class Page:
    """A surface that keeps what it is given."""

    columns = 80

    def __init__(self) -> None:
        self.text = ""
        self.tail = ""

    def write(self, text: str) -> None:
        """See `Surface`."""
        self.text += text

    def set_tail(self, text: str) -> None:
        """See `Surface`."""
        self.tail = text


def thought(printer: Printer, text: str) -> None:
    """More thinking has come."""
    printer.show(e.Stamped(SessionId("a"), None, 0.0, e.AnswerDelta(Turn(1), "", text)))


def plain_printer(page: Page) -> Printer:
    """A printer without colours, so that no control character is its own."""
    return Printer(page, Look(colour=False, width=80), 0)


def test_thinking_under_way_cannot_act_upon_the_terminal() -> None:
    page = Page()
    printer = plain_printer(page)
    for chunk in ("hm\x1b", "[2J\x1b]52;c;aGk=\x07\x9b", "2J\u202egnihton\r", "\tend"):
        thought(printer, chunk)
        assert not set(page.tail) & set(map(chr, (*range(10), *range(11, 32), *range(127, 160), 0x202E)))
    assert "␛[2J␛]52;c;aGk=␇<U+009B>2J<U+202E>gnihton␍" in page.tail.replace("\n  ", "")


def test_the_end_of_thinking_under_way_is_shown_and_its_layout_does_not_grow() -> None:
    page = Page()
    printer = plain_printer(page)
    for number in range(1_000):
        thought(printer, f"{number} ")
    assert page.tail.startswith("  thinking: ")
    assert page.tail.endswith(" 998 999")
    assert len(page.tail) < 500


def test_a_pause_lies_between_two_messages_whoever_looked_meanwhile() -> None:
    page = Page()
    printer = Printer(page, Look(colour=False, width=80), 3600)
    hours = 3600.0
    for seq, at, event in (
        (1, 1.0, e.UserSaid("before")),
        (2, 1.0, e.TurnStarted(Turn(1))),
        (3, 1.0, e.TurnEnded(Turn(1), "done", seen=True)),
        (4, 6 * hours, e.Seen(3)),
        (5, 6 * hours, e.UserSaid("after")),
        (6, 6 * hours, e.TurnStarted(Turn(5))),
    ):
        printer.show(e.Stamped(SessionId("a"), seq, at, event))
    assert page.text.index("before") < page.text.index("5 hours later") < page.text.index("after")


def stamped(seq: int | None, event: e.Event) -> e.Stamped:
    """An event of a session, a second after the one before."""
    return e.Stamped(SessionId("a"), seq, float(seq or 0), event)


def test_a_message_is_echoed_where_its_turn_starts() -> None:
    page = Page()
    printer = plain_printer(page)
    printer.show(stamped(1, e.UserSaid("first")))
    printer.show(stamped(2, e.TurnStarted(Turn(1))))
    printer.show(stamped(3, e.UserSaid("second")))
    assert printer.queued == ("second",)
    printer.show(stamped(4, e.AssistantSaid(Turn(1), AssistantMessage("An answer."), "end")))
    printer.show(stamped(5, e.TurnEnded(Turn(1), "done", True)))
    assert "second" not in page.text
    printer.show(stamped(6, e.TurnStarted(Turn(3))))
    assert [line for line in page.text.splitlines() if line] == ["▌ first", "  An answer.", "▌ second"]
    assert not printer.queued


def test_a_message_that_never_ran_is_told_and_not_echoed() -> None:
    page = Page()
    printer = plain_printer(page)
    printer.show(stamped(1, e.UserSaid("never sent")))
    printer.show(stamped(2, e.TurnEnded(Turn(1), "interrupted", True)))
    assert page.text == "! Not sent any more: never sent\n\n"
    assert not printer.queued


def test_a_question_whose_turn_was_stopped_is_told_once() -> None:
    page = Page()
    printer = plain_printer(page)
    printer.show(stamped(2, e.TurnStarted(Turn(1))))
    printer.show(stamped(3, e.ToolReturned(Turn(1), ToolResult(CallId("q"), ASKING, "Not answered.", "interrupted"))))
    printer.show(stamped(4, e.ToolReturned(Turn(1), ToolResult(CallId("b"), "bash", "Not run.", "interrupted"))))
    printer.show(stamped(5, e.TurnEnded(Turn(1), "interrupted", True)))
    assert page.text == "! bash: Not run.\n! Interrupted. /retry asks again.\n\n"


def test_going_on_in_the_middle_of_an_answer_shows_its_unfinished_block_from_the_beginning() -> None:
    page = Page()
    printer = plain_printer(page)
    whole = "A paragraph.\n\nA second one, of which some was seen.\n"
    printer.go_on_from(whole.index("of which"), Turn(1), ())
    printer.show(stamped(None, e.InProgress(Turn(1), whole[:-10], "Thought before.")))
    assert "Thought" not in page.text + page.tail
    assert "A second one, of which" in page.tail
    printer.show(stamped(9, e.AssistantSaid(Turn(1), AssistantMessage(whole, "Thought before."), "end")))
    assert page.text.split() == ["A", "second", "one,", "of", "which", "some", "was", "seen."]
