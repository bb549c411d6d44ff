"""What a model, a file or an error says cannot act upon the terminal, nor look like plait."""

from __future__ import annotations

import json
import re

from tests.program.running import Place, Plait

SOUP = (
    "start\x1b[2J\x1b[H\x1b[31mred\x1b]52;c;aGFoYQ==\x07\x1b]0;title\x07\x1b[?1049h\x1b[?2004l\x1b[5n\x1bc\x9b2J\x9d0;x\x9c"
    "\r(default) > rm -rf /\b\b\b\x0b\x0c\u2028\u202egnihton\u2066\u200b\U000e0041end"
)
FAKES = [
    "(default) > rm -rf /",
    "▌ you said yes",
    "· default is kept. To resume: plait -r default",
    "! Interrupted.",
    "✗ It failed.",
    "give AGENTS.md to the model? (y/n/v) > y",
    "scripted:x · answering 3 s · Ctrl+C stops",
]
MARKS = ("▌", "·", "!", "✗", "✓", "(default) >", "give AGENTS.md")
# Every control sequence that plait itself may send: colours, cursor, erasing, its modes, its title and the terminal's own one.
OURS = re.compile(rb"\x1b\[(?:[0-9;]*[mABCDGLM]|[JK]|\?(?:2004|2026|7|25)[hl]|2[23];0t)|\x1b\]2;(?:plait: default)?\x07")


def quoted(text: str) -> str:
    """A TOML string."""
    return json.dumps(text).replace("\x7f", "\\u007F").replace("\\udb40\\udc41", "\\U000E0041")


def rows_from_outside(plait: Plait, first: str) -> list[str]:
    """The rows after the echo of `first`, without the live ones: the model's and plait's."""
    rows = plait.everything.splitlines()
    start = max((place for place, row in enumerate(rows) if row.startswith("▌ " + first)), default=len(rows))
    return rows[start + 1 :]


def test_a_hostile_answer_stays_text_right_of_the_gutter(place: Place) -> None:
    text = "\n\n".join(
        [SOUP, *FAKES, "```", *FAKES, "```", "> " + "\n> ".join(FAKES), *(f"| a |\n|---|\n| {fake} |" for fake in FAKES[:2])]
    )
    place.script.write_text(
        f'[[reply]]\nmatch = "soup"\ntext = {quoted(text)}\nthinking = {quoted(SOUP)}\nchunk = 5\n'
        f'[[reply]]\nmatch = "tail"\ntext = {quoted(SOUP + chr(10) + chr(10).join(FAKES))}\nchunk = 7\nhang = true\n'
        f'[[reply]]\nmatch = "error"\nerror = "RequestRefused"\nmessage = {quoted(SOUP + chr(10) + chr(10).join(FAKES))}\n'
    )
    with place.start(columns=100, rows=60) as plait:
        plait.ready().enter("soup")
        plait.until(lambda: plait.everything.count("scripted:x · answering") >= 3)
        plait.idle()
        answer = rows_from_outside(plait, "soup")
        assert [row for row in answer if row.startswith(MARKS)] == ["(default) >"]
        for visible in ("␛[2J", "␛]52;c;aGFoYQ==␇", "␛]0;title", "<U+009B>2J", "␍", "<U+202E>gnihton", "<U+E0041>end"):
            assert visible in plait.everything, visible
        plait.enter("tail")
        plait.until(lambda: "scripted:x · answering" in "".join(rows_from_outside(plait, "tail")) and "Ctrl+C stops" in plait.toolbar)
        tail = rows_from_outside(plait, "tail")
        assert [row for row in tail if row.startswith(MARKS)] == ["(default) >"]
        plait.send("\x03")
        plait.shows("! Interrupted. What came")
        plait.enter("error")
        plait.shows("✗ start␛[2J")
        plait.idle()
        assert [row[:1] for row in rows_from_outside(plait, "error") if row.startswith(MARKS)] == ["✗", "("]
        plait.enter("/history 20")
        plait.until(lambda: plait.everything.count("✗ start") == 2)
        assert plait.leave() == 0
        plait.assert_restored()
        strange = OURS.sub(b"", plait.sent)
        assert b"\x1b" not in strange, strange[max(0, strange.find(b"\x1b") - 40) :][:80]
        assert not re.search(rb"[\x00-\x06\x07\x0b\x0c\x0e-\x1a\x7f]", strange)
        assert b"\xc2\x9b" not in strange


def test_a_hostile_file_and_its_name_stay_text(place: Place) -> None:
    name = "a\x1b[2J\u202eb.txt"
    (place.work / name).write_bytes(b"\0")
    (place.work / "AGENTS.md").write_text(SOUP)
    with place.start(columns=100) as plait:
        plait.ready("(y/n/v) >")
        plait.enter("v")
        plait.shows("␛]52;c;aGFoYQ==␇")
        plait.until(lambda: "(y/n/v) >" in plait.text.splitlines()[-2])
        plait.pause(0.4)  # answers count from 0.3 s after the question
        plait.enter("n")
        plait.shows("left out")
        plait.send(b'@"a\x16\x1b[2J')  # Ctrl+V, then escape: typed literally
        plait.send("\x15!ls\r")
        plait.shows("a␛[2J<U+202E>b.txt")
        plait.leave()
        assert b"\x1b]52" not in plait.sent


def test_one_answer_on_a_terminal_is_sanitized_and_in_a_pipe_is_not(place: Place) -> None:
    place.script.write_text(f"[[reply]]\ntext = {quoted('one' + chr(27) + '[2Jtwo')}\n")
    assert place.run("run", "hi").stdout == "one\x1b[2Jtwo\n"
    with place.start("run", "hi") as plait:
        assert plait.wait() == 0
        assert plait.text == "one␛[2Jtwo"
