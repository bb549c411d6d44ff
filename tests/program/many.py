"""What tests of many sessions do at the prompt, and the model's script that they do it with."""

from __future__ import annotations

from collections import Counter

from tests.program.running import Place, Plait

READABLE = 0.4
"""Seconds after which a key is surely meant for a question: answers count from 0.3 s after it."""
NAMES = {"PLAIT_AUTO_NAMES": "1"}
"""The environment of a program that names its sessions, as it does by itself."""

TALK = """
[[reply]]
match = "fail"
error = "AccessRefused"
message = "The door is closed. Ask for the key."

[[reply]]
match = "ask me"
text = "One thing first."
calls = [{ name = "ask_user", arguments = { question = "Which database shall it be?", choices = ["sqlite", "postgres"] } }]

[[reply]]
match = "sqlite"
text = "Then it is sqlite."

[[reply]]
match = "postgres"
text = "Then it is postgres."

[[reply]]
match = "endless"
words = 100000
per_second = 50
"""
QUESTION = "Which database shall it be?"


def words(stem: str, count: int) -> list[str]:
    """Words that occur nowhere else: `auth-000` and so on."""
    return [f"{stem}-{number:03}" for number in range(count)]


def streamed(stem: str, count: int, per_second: int = 50) -> str:
    """A reply to what contains "tell STEM": the words, ten to a paragraph, each a piece of its own."""
    told = words(stem, count)
    text = "\\n\\n".join(" ".join(told[start : start + 10]) for start in range(0, count, 10))
    return f'[[reply]]\nmatch = "tell {stem}"\ntext = "{text}"\nchunk = {len(stem) + 5}\nper_second = {per_second}\n'


def write_script(place: Place, *replies: str) -> None:
    """What the model plays: the replies, then those that every test may use. Anything else it repeats."""
    place.script.write_text("\n".join((*replies, TALK)))


def at(plait: Plait, name: str) -> None:
    """Wait until that session is the shown one."""
    plait.until(lambda: plait.name == name)


def alt(plait: Plait, key: str, name: str) -> None:
    """Alt with a key, and wait for the session that it goes to."""
    plait.send(f"\x1b{key}")
    at(plait, name)
    plait.pause()


def goes(plait: Plait, line: str, name: str) -> None:
    """A line that goes to another session."""
    plait.enter(line)
    at(plait, name)


def shows_more(plait: Plait, text: str) -> None:
    """Wait until the text has been shown once more than before."""
    before = plait.everything.count(text)
    plait.until(lambda: plait.everything.count(text) > before)


def told(plait: Plait, line: str, text: str) -> None:
    """Enter a line, and wait for words of its answer that were not there; of a long line they need not stand in one row."""
    before = joined(plait).count(text)
    plait.enter(line)
    plait.until(lambda: joined(plait).count(text) > before)


def joined(plait: Plait) -> str:
    """Scrollback and screen as one line, its blanks joined."""
    return " ".join(plait.everything.split())


def chooses(plait: Plait, answers: str, answer: str) -> None:
    """Answer a question of plait's own, such as (y/n), once it can have been read."""
    plait.until(lambda: plait.input_row.startswith(f"({answers}) >"))
    plait.pause(READABLE)
    plait.enter(answer)


def answers(plait: Plait, name: str, answer: str) -> None:
    """Answer the question of the shown session."""
    plait.until(lambda: plait.input_row.startswith(f"({name} ?) >"))
    plait.pause(READABLE)
    plait.enter(answer)


def waiting(plait: Plait) -> str:
    """The line of those who wait, which stands right above the prompt; empty if there is none."""
    rows = plait.text.splitlines()
    place = next((number for number, row in enumerate(rows) if row == plait.input_row), 0)
    row = rows[place - 1] if place else ""
    return row.strip() if row.startswith(" ") and row.strip().startswith("[") else ""


def assert_once(plait: Plait, *stems: tuple[str, int]) -> None:
    """Each word of these answers stands in the scrollback exactly once, and in order."""
    shown = plait.everything.split()
    for stem, count in stems:
        mine = [word for word in shown if word.startswith(f"{stem}-") and word[len(stem) + 1 :].isdigit()]
        twice = [word for word, times in Counter(mine).items() if times > 1]
        assert mine == words(stem, count), (twice, sorted(set(words(stem, count)) - set(mine)), plait.everything)
