"""The real program in tmux, whose windows reflow: whatever the width does during an answer, nothing of the prompt stays behind."""

from __future__ import annotations

import random
import shlex

from tests.program.running import PLAIT, Place
from tests.repl.harness import Tmux, needs_tmux

WORDS = 240


@needs_tmux
def test_an_answer_survives_resizes_without_ghosts(place: Place) -> None:
    paragraphs = "\\n\\n".join(" ".join(f"word{number:03}" for number in range(start, start + 12)) for start in range(0, WORDS, 12))
    place.script.write_text(f'[[reply]]\nmatch = "go"\ntext = "{paragraphs}"\nchunk = 8\nper_second = 100\n')
    environ = [f"{name}={value}" for name, value in place.environ(TERM="tmux-256color").items()]
    command = shlex.join(["env", "-i", *environ, *PLAIT, "--model", place.model, "-C", str(place.work)])
    sizes = random.Random(2)
    with Tmux("program", 80, 24) as tmux:
        (place.root / "start.sh").write_text(f'exec env TMUX="$TMUX" {command} "$@"\n')
        # With earlier lines on the screen: from a nearly empty one tmux moves broken rows into its history although there is room below.
        tmux.keys(f"seq 1000 1040; sh {place.root / 'start.sh'}", "Enter")
        tmux.until(lambda: "(default) >" in tmux.text)
        tmux.keys("go", "Enter")
        tmux.until(lambda: "word003" in tmux.everything)
        seen = 3
        while seen < WORDS - 40:
            tmux.resize(sizes.choice((20, 33, 47, 80, 120, 200)), sizes.randint(8, 40))
            wanted = seen + 15
            tmux.until(lambda wanted=wanted: f"word{wanted:03}" in tmux.everything)  # type: ignore[misc]  # a lambda's default
            seen = wanted
        tmux.resize(100, 30)
        tmux.until(lambda: f"word{WORDS - 1}" in tmux.everything and "answering" not in tmux.text)
        tmux.keys("/exit", "Enter")
        tmux.until(lambda: "To resume: plait -r" in tmux.everything.replace("\n", " "))
        text = tmux.everything
    assert text.count("(default) >") == 0, text
    assert "Ctrl+C stops" not in text
    assert [f"word{number:03}" for number in range(WORDS) if text.count(f"word{number:03}") != 1] == [], text
