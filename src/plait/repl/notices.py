"""Firing notices: the bell, the desktop through the terminal, or the user's command. `core.notices` says which kind comes how.

Rules:
1. A session gives one notice of a kind within the cool-down, whatever way it comes; questions and approvals always come, for somebody
   has to answer them.
2. Nothing untrusted reaches the terminal or a command line as it is: a notice's text passes the sanitizer and is cut, a command gets
   JSON on its standard input.
3. A terminal that cannot tell the desktop rings instead.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final

from plait.core.commands import SessionInfo
from plait.core.messages import SessionId
from plait.core.notices import DEFAULT_RULES, NoticeKind, Rules
from plait.core.sanitize import sanitize_line

BELL: Final = "\a"
LONGEST = 120
"""Characters of a desktop's notice."""
LONGEST_DETAIL = 4000
"""Characters of the detail that a command gets."""
_ALWAYS: Final[tuple[NoticeKind, ...]] = ("question", "approval")
_WORDS: Final[Mapping[NoticeKind, str]] = {
    "done": "the answer is finished",
    "approval": "asks for approval",
    "question": "asks a question",
    "failed": "the turn failed",
    "budget": "the budget is reached",
}
# Known by TERM; terminals built on VTE say so in VTE_VERSION.
_KNOW_777 = ("rxvt", "foot", "contour")
_KNOW_NEITHER = ("", "dumb", "linux", "vt100", "vt220")


class Notifier:
    """Decides about notices and fires them.

    `cooldown` is in seconds of `now`. `forward` sends a control sequence to the terminal as it is. `run` starts a shell command in the
    background with these bytes as its input; `Hooks.run` is one.
    """

    def __init__(
        self,
        rules: Rules,
        command: str,
        cooldown: float,
        now: Callable[[], float],
        forward: Callable[[str], None],
        run: Callable[[str, bytes], None],
        environ: Mapping[str, str],
    ) -> None:
        self._rules = rules.over(DEFAULT_RULES)
        self._command = command
        self._cooldown = cooldown
        self._now = now
        self._forward = forward
        self._run = run
        self._environ = environ
        self._told: dict[tuple[SessionId, NoticeKind], float] = {}

    def __repr__(self) -> str:
        return f"<Notifier [{len(self._told)} cooling down]>"

    def rules(self, own: Rules | None = None) -> Rules:
        """What holds for a session with these rules of its own: every kind with its ways."""
        return own.over(self._rules) if own else self._rules

    def tell(self, kind: NoticeKind, row: SessionInfo, detail: str, own: Rules | None = None, muted: bool = False) -> None:
        """Give a notice of a session that is not the one shown; `detail` is a sentence, or the question. Returns at once."""
        ways = self.rules(own).of(kind)
        if muted or not ways or self._is_cooling(row.id, kind):
            return
        sequences = []
        if "desktop" in ways:
            sequences.append(desktop_notice(row.name, _words(kind, detail), self._environ) or BELL)
        if "bell" in ways and BELL not in sequences:
            sequences.append(BELL)
        if sequences:
            self._forward("".join(sequences))
        if "command" in ways and self._command.strip():
            self._run(self._command, hook_input(kind, row, detail))

    def _is_cooling(self, session: SessionId, kind: NoticeKind) -> bool:
        """Whether the last notice of this kind is too near; if not, this one counts from now on."""
        if kind in _ALWAYS:
            return False
        now = self._now()
        self._told = {key: at for key, at in self._told.items() if now - at < self._cooldown}
        if (session, kind) in self._told:
            return True
        self._told[session, kind] = now
        return False


def _words(kind: NoticeKind, detail: str) -> str:
    return f"{_WORDS[kind]}: {detail}" if detail.strip() else _WORDS[kind]


def hook_input(kind: NoticeKind, row: SessionInfo, detail: str) -> bytes:
    """What a notice's command reads: one line of JSON, ASCII. `at` is the time of the session's last event, in seconds since 1970."""
    plain = {
        "kind": kind,
        "session": row.id,
        "name": row.name,
        "project": row.project,
        "directory": row.directory,
        "state": row.state,
        "waiting_for": row.waiting_for,
        "detail": detail[:LONGEST_DETAIL],
        "at": row.last_at,
    }
    return json.dumps(plain).encode() + b"\n"


def desktop_notice(title: str, words: str, environ: Mapping[str, str]) -> str:
    """The sequence that asks this terminal for a notice of the desktop; empty if it knows none.

    OSC 9 takes one text; OSC 777 a title and a text, with ';' between them. In tmux the terminal is the one around it, about which nothing
    is known, so OSC 9 is passed through; tmux lets it out where `allow-passthrough` is on.
    """
    title, words = _one_line(title), _one_line(words)
    if environ.get("TMUX"):
        inner = _osc9(title, words).replace("\x1b", "\x1b\x1b")
        return f"\x1bPtmux;{inner}\x1b\\"
    term = environ.get("TERM", "")
    if term in _KNOW_NEITHER or environ.get("TERM_PROGRAM") == "Apple_Terminal":
        return ""
    if term.startswith(_KNOW_777) or environ.get("VTE_VERSION"):
        return f"\x1b]777;notify;{title.replace(';', ',')};{words.replace(';', ',')}\x07"
    return _osc9(title, words)


def _osc9(title: str, words: str) -> str:
    # Some terminals read `9;4;…` as progress: a title and a colon are never a number and ';'.
    return f"\x1b]9;{title.replace(';', ',')}: {words}\x07"


def _one_line(text: str) -> str:
    """Untrusted text as one short line without control characters, its blanks joined."""
    text = sanitize_line(" ".join(text[: 4 * LONGEST].split()))
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
