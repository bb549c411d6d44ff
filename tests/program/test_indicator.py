"""Who waits, told at every width while an answer streams, in tmux, whose windows reflow: nothing of it stays behind."""

from __future__ import annotations

import shlex

from tests.program.many import write_script
from tests.program.running import PLAIT, Place
from tests.repl.harness import Tmux, needs_tmux

WIDTHS = {
    20: "[asks ?] +5 more",
    40: "[asks ?] [answer-two] +4 more",
    80: "[asks ?] [answer-two] [answer-three] [answer-four] [answer-five] +1 more",
    200: "[asks ?] [answer-two] [answer-three] [answer-four] [answer-five] +1 more",
    300: "[asks ?] [answer-two] [answer-three] [answer-four] [answer-five] +1 more",
}
NAMES = ("answer-two", "answer-three", "answer-four", "answer-five", "answer-six")
WORDS = 300


def indicator(tmux: Tmux) -> str:
    """The row above the prompt, as wide as it is."""
    rows = tmux.text.splitlines()
    return next((rows[place - 1] for place in range(len(rows) - 1, 0, -1) if rows[place].startswith("(here) >")), "")


@needs_tmux
def test_it_is_right_at_every_width_while_an_answer_streams(place: Place) -> None:
    paragraphs = "\\n\\n".join(" ".join(f"word{number:03}" for number in range(start, start + 12)) for start in range(0, WORDS, 12))
    write_script(place, f'[[reply]]\nmatch = "go"\ntext = "{paragraphs}"\nchunk = 8\nper_second = 60\n')
    environ = [f"{name}={value}" for name, value in place.environ(TERM="tmux-256color").items()]
    (place.root / "start.sh").write_text(
        f'exec env TMUX="$TMUX" {shlex.join(["env", "-i", *environ, *PLAIT, "--model", place.model, "-C", str(place.work)])}\n'
    )
    with Tmux("indicator", 100, 24) as tmux:
        tmux.keys(f"seq 1000 1040; sh {place.root / 'start.sh'}", "Enter")
        tmux.until(lambda: "(default) >" in tmux.text)

        def enter(line: str, sign: str) -> None:
            tmux.keys("-l", line)
            tmux.until(lambda: line[-12:] in tmux.text)
            tmux.keys("Enter")
            tmux.until(lambda: sign in tmux.text)

        enter("/rename asks", "(asks) >")
        enter("ask me", "(asks ?) >")
        for name in NAMES:
            enter(f"/new {name}", f"({name}) >")
        enter("/new here", "(here) >")
        for count, name in enumerate(NAMES, 2):
            enter(f"/say {name} hi", f"[{name}]" if count < 6 else "+1 more")
        enter("go", "word003")
        for columns in (*WIDTHS, *reversed(WIDTHS)):
            tmux.resize(columns, 24)
            tmux.until(lambda columns=columns: indicator(tmux) == WIDTHS[columns].rjust(columns))  # type: ignore[misc]  # a lambda's default
        tmux.resize(100, 24)
        tmux.until(lambda: f"word{WORDS - 1}" in tmux.everything and "answering" not in tmux.text)
        tmux.keys("/exit", "Enter")
        tmux.until(lambda: "To resume: plait -r" in tmux.everything.replace("\n", " "))
        text = tmux.everything
    after = text[text.index("▌ go") :]
    assert "(here) >" not in after, after
    assert "+1 more" not in after
    assert "[asks" not in after
    assert [f"word{number:03}" for number in range(WORDS) if after.count(f"word{number:03}") != 1] == [], after
