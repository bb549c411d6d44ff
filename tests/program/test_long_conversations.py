"""A conversation that grows longer than its model's window, at the prompt of the real program."""

from __future__ import annotations

import signal

from plait.core import events as e
from tests.program.many import joined
from tests.program.running import Place, Plait

SCRIPT = """
context_window = 600

[[reply]]
match = "Write the summary"
text = "In short: the till is to be mended."
{how}

[[reply]]
match = ""
words = 60
"""
LONG = "please mend the till " * 12


def write(place: Place, how: str = "") -> None:
    """A model that takes 600 tokens, answers with 60 words, and writes a summary `how`."""
    place.script.write_text(SCRIPT.format(how=how))


def says(plait: Plait, text: str) -> None:
    """A message, until it is answered."""
    before = plait.everything.count("word60")
    plait.enter(text)
    plait.until(lambda: plait.everything.count("word60") > before)
    plait.idle()


def test_a_full_window_is_compacted_and_everything_is_still_there(place: Place) -> None:
    write(place)
    with place.start(columns=110, rows=40) as plait:
        plait.ready()
        for number in range(9):
            says(plait, f"{number}: {LONG}")
            if "── compacted: " in plait.everything:
                break
        assert "are told as a summary of 9 · /history has all ──" in joined(plait)
        plait.enter("/context summary")
        plait.shows("  In short: the till is to be mended.")
        plait.enter("/history 100")
        plait.shows("The summary: In short: the till is to be mended.")
        assert joined(plait).count(f"▌ 0: {LONG[:20]}") == 2
        assert plait.leave() == 0
    kinds = [type(event) for event in place.events()]
    assert kinds.count(e.Compacted) == 1
    assert kinds[kinds.index(e.Compacted) + 1] is not e.TurnEnded  # the turn went on
    with place.start(columns=110, rows=40) as plait:
        plait.ready().enter("/context")
        plait.shows("of the 600 tokens")
        plait.enter("/status")
        plait.shows(" of 600 tokens (")
        says(plait, "and now")
        assert plait.leave() == 0


def test_a_compaction_is_stopped_or_killed_and_nothing_has_changed(place: Place) -> None:
    write(place, "hang = true")
    with place.start(columns=110) as plait:
        says(plait.ready(), LONG)
        says(plait, LONG)
        plait.enter("/compact the name of the till")
        plait.until(lambda: "compacting" in plait.toolbar and "Ctrl+C stops" in plait.toolbar)
        plait.send("\x03")
        plait.shows("! Interrupted. Nothing was compacted: the conversation is as it was.")
        plait.enter("/retry")
        plait.until(lambda: "compacting" in plait.toolbar)
        plait.child.kill(signal.SIGKILL)
        plait.wait()
    assert e.Compacted not in map(type, place.events())
    write(place)
    with place.start(columns=110) as plait:
        plait.ready().shows("plait stopped in the middle of this turn")
        plait.enter("/retry")
        plait.shows("── compacted: ")
        assert plait.leave() == 0
    (event,) = [event for event in place.events() if isinstance(event, e.Compacted)]
    assert event.asked


def test_plain_text_tells_it_in_words(place: Place) -> None:
    write(place)
    with place.start("--plain", columns=100) as plait:
        says(plait.ready(), LONG)
        plait.enter("/compact")
        plait.shows("compacted: 2 messages, about ")
        plait.enter("/context")
        plait.shows("next call: about ")
        assert "──" not in plait.everything
        assert plait.leave() == 0
