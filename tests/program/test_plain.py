"""Terminals that can do less: no colours, no redraw, no Unicode, hardly any columns; and none at all."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.program.running import PLAIT, Place, Plait
from tests.timing import LIMIT

SAID = '''
[[reply]]
match = "say"
text = """# Title

Some **bold** text — and `code`.

- one
- two

| a | b |
|---|---|
| 1 | 2 |

```python
x = 1
```
"""
'''
COLOURS = re.compile(rb"\x1b\[(?!0?m)[0-9;]*m")


def conversation(plait: Plait) -> None:
    """A message, its answer, a notice, an error, and the way out."""
    plait.ready().enter("say it")
    plait.until(lambda: "x = 1" in plait.everything)
    plait.enter("/set temperature 9")
    plait.shows("from 0 to 2")
    plait.enter("/exit")
    assert plait.wait() == 0


def test_no_color(place: Place) -> None:
    place.script.write_text(SAID)
    with place.start(NO_COLOR="1") as plait:
        conversation(plait)
        assert not COLOURS.search(plait.sent)
        assert "▌ say it" in plait.everything
    with place.start() as plait:
        conversation(plait)
        assert COLOURS.search(plait.sent)


@pytest.mark.parametrize(
    ("arguments", "environ"), [(("--plain",), {}), ((), {"TERM": "dumb"}), ((), {"PLAIT_PLAIN": "true"})], ids=["flag", "dumb", "setting"]
)
def test_linear_text_has_no_escape_and_words_for_marks(place: Place, arguments: tuple[str, ...], environ: dict[str, str]) -> None:
    place.script.write_text(SAID)
    with place.start(*arguments, columns=80, rows=24, model=None, **environ) as plait:
        conversation(plait)
        assert b"\x1b" not in plait.sent
        assert not re.search("[▌·✗✓│─]", plait.everything)
        assert plait.everything.count("/exit") == 1  # the terminal has shown what was typed
        for words in ("you: say it", "Some", "error: "):
            assert words in plait.everything, words


def test_linear_text_asks_for_the_next_line_and_stops_on_control_c(place: Place) -> None:
    place.script.write_text('[[reply]]\nmatch = "endless"\ntext = "A paragraph.\\n\\nAnd anoth"\nhang = true\n')
    with place.start("--plain") as plait:
        plait.ready().send("endless\n")
        plait.shows("  A paragraph.")
        assert "And anoth" not in plait.text  # what is not finished cannot be taken back
        plait.send("\x03")
        plait.shows("Interrupted.", promised=2)
        assert "  And anoth" in plait.text
        plait.until(lambda: plait.text.splitlines()[-1].startswith("(default) >"))
        plait.send("again\n")
        plait.until(lambda: "you: again" in plait.everything)
        plait.until(lambda: plait.text.splitlines()[-1].startswith("(default) >"))
        plait.send("\x03")
        plait.shows("Ctrl+C again to leave")
        plait.send("\x03")
        assert plait.wait() == 0


def test_linear_text_asks_about_agents_md(place: Place) -> None:
    (place.work / "AGENTS.md").write_text("Use tabs.")
    with place.start("--plain") as plait:
        plait.ready("(y/n/v) >")
        plait.pause(0.4)
        plait.send("y\n")
        plait.shows("They are given to the model.")
        plait.ready()


def test_linear_text_shows_the_answers_of_a_question_also_while_a_turn_runs(place: Place) -> None:
    place.script.write_text('[[reply]]\nmatch = "endless"\ntext = "A paragraph.\\n\\nAnd anoth"\nhang = true\n')
    with place.start("--plain") as plait:
        plait.ready().send("endless\n")
        plait.shows("A paragraph.")
        plait.send("/delete default\n")
        plait.until(lambda: plait.text.splitlines()[-1].startswith("(y/n) >"))
        assert "into the trash?" in " ".join(plait.text.split())
        plait.pause(0.4)
        plait.send("n\n")
        plait.shows("stays where it is.")


def test_ascii_alone(place: Place) -> None:
    place.script.write_text(SAID + '[[reply]]\nmatch = "no tool"\ntext = "No."\n[[reply]]\nmatch = "dance"\ncalls = [{ name = "dance" }]\n')
    with place.start(LANG="C", LC_ALL="C") as plait:
        plait.ready().enter("dance")
        plait.shows("  No.")
        conversation(plait)
        assert "- dance {}" in plait.everything
        assert "! dance: There is no tool" in plait.everything
        assert plait.sent.isascii()
        assert "> say it" in plait.everything
        assert r"\u2014" in plait.everything  # the dash, visibly


def test_twenty_columns(place: Place) -> None:
    place.script.write_text(SAID)
    (place.work / "AGENTS.md").write_text("Use tabs.")
    with place.start(columns=20, rows=12) as plait:
        plait.until(lambda: "(y/n/v) >" in " ".join(plait.text.split()))
        plait.pause(0.4)
        plait.send("n")
        plait.pause()
        plait.send("\r")
        plait.ready().send("say it\r")
        plait.until(lambda: "x = 1" in plait.everything)
        plait.until(lambda: plait.toolbar != "" and "(default) >" in plait.text)
        assert "▌ say it" in plait.everything
        assert plait.leave() == 0


def test_a_terminal_of_no_size(place: Place) -> None:
    with place.start() as plait:
        plait.child.setwinsize(0, 0)
        plait.ready().enter("hello")
        plait.until(lambda: plait.text.count("hello") == 2)
        plait.leave()


@pytest.mark.parametrize("which", ["stdin", "stdout"])
def test_the_prompt_needs_a_terminal(place: Place, which: str) -> None:
    done = subprocess.run(
        [*PLAIT], cwd=place.work, env=place.environ(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "plait run" in done.stderr
    redirect = "< /dev/null" if which == "stdin" else "| cat; echo"
    with Plait(["sh", "-c", f"{' '.join(PLAIT)} {redirect}"], place, 80, 24, {}) as plait:
        plait.wait()
        assert "plait run" in plait.text


def test_without_a_home_it_says_so(place: Place) -> None:
    environ = {name: value for name, value in place.environ().items() if name not in ("HOME", "PLAIT_HOME")}
    for arguments in (["run", "hello"], ["config", "path"]):
        done = subprocess.run(
            [*PLAIT, *arguments],
            cwd=place.work,
            env=environ,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=LIMIT,
            check=False,
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert "HOME is not set" in done.stderr
