"""The real program in a process of its own: at a prompt on a pseudo-terminal, or answering once through pipes.

Each test has a `Place`: a home of its own (`PLAIT_HOME`), a working directory, and a script for the scripted model. Nothing is patched,
and nothing waits for a fixed time.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from plait.core import events as e
from plait.core.commands import SessionInfo
from plait.store.sqlite import open_store
from tests.repl.harness import Pty
from tests.timing import LIMIT

PLAIT = [sys.executable, "-m", "plait"]
_LEFT_OUT = (
    "PLAIT_",
    "OPENAI_",
    "ANTHROPIC_",
    "GOOGLE_",
    "GEMINI_",
    "XDG_",
    "NO_COLOR",
    "LC_",
    "LANG",
    "COLUMNS",
    "LINES",
    "TMUX",
    "EDITOR",
    "VISUAL",
)
ENTER = 'cd "$1" && shift && exec env -i "$@"'
"""What a shell does to start a program in a directory with an environment and nothing else; the process is that of the shell."""
PROMPT = "(default) >"
PROMPTS = re.compile(r"\(([^ ()]+)( \?)?\) >")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a program runs: `root/home` is its home, `root/work` its directory, `root/script.toml` what its model plays."""

    root: Path

    @property
    def work(self) -> Path:
        """The working directory."""
        return self.root / "work"

    @property
    def home(self) -> Path:
        """`PLAIT_HOME`."""
        return self.root / "home"

    @property
    def script(self) -> Path:
        """The script of the model."""
        return self.root / "script.toml"

    @property
    def database(self) -> Path:
        """The database."""
        return self.home / "data" / "plait.db"

    @property
    def model(self) -> str:
        """The name of the scripted model."""
        return f"scripted:{self.script}"

    def settings(self, text: str) -> None:
        """Write the settings file."""
        file = self.home / "config" / "config.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def environ(self, **changes: str) -> dict[str, str]:
        """The program's environment: nothing of the user's that it would act upon, and names that stay unless a test wants them given."""
        base = {name: value for name, value in os.environ.items() if not name.startswith(_LEFT_OUT)}
        own = {"PLAIT_HOME": str(self.home), "OLLAMA_HOST": "127.0.0.1:1", "LANG": "C.UTF-8", "TERM": "xterm-256color"}
        at_home = {"HOME": str(self.root), "XDG_RUNTIME_DIR": str(self.root / "run")}
        return {**base, **own, "PLAIT_AUTO_NAMES": "0", **at_home, **changes}

    def start(
        self, *arguments: str, columns: int = 80, rows: int = 24, model: str | None = None, through: Sequence[str] = (), **environ: str
    ) -> Plait:
        """Start the prompt; `model` is the scripted one unless it is given. `through` is what runs a command line somewhere else."""
        name = self.model if model is None else model
        chosen = ["--model", name] if name else []
        return Plait([*PLAIT, *chosen, *arguments], self, columns, rows, environ, through)

    def run(self, *arguments: str, stdin: str | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run `plait ARGUMENTS` with the scripted model to its end."""
        with self.process("--model", self.model, *arguments, stdin=stdin is not None, **environ) as process:
            out, err = process.communicate(stdin, timeout=LIMIT)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def process(self, *arguments: str, stdin: bool = False, command: Sequence[str] = PLAIT, **environ: str) -> subprocess.Popen[str]:
        """Start `plait ARGUMENTS` with pipes."""
        return subprocess.Popen(
            [*command, *arguments],
            cwd=self.work,
            env=self.environ(**environ),
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def sessions(self) -> list[SessionInfo]:
        """The sessions in the database, once no program has it."""
        with contextlib.closing(open_store(self.database, now=0.0, report=lambda finding: None)) as store:
            return list(store.sessions())

    def events(self, session: SessionInfo | None = None) -> list[e.Event]:
        """The events of a session, the only one if none is named, once no program has the database."""
        with contextlib.closing(open_store(self.database, now=0.0, report=lambda finding: None)) as store:
            rows = store.sessions()
            if session is None:
                (session,) = rows
            return [stamped.event for stamped in store.read(session.id)]


class Plait(Pty):
    """`plait` at its prompt on a pty of its own."""

    def __enter__(self) -> Plait:
        return self

    def __init__(
        self, command: Sequence[str], place: Place, columns: int, rows: int, environ: dict[str, str], through: Sequence[str] = ()
    ) -> None:
        pairs = [f"{name}={value}" for name, value in place.environ(**environ).items()]
        words = ["sh", "-c", ENTER, "sh", str(place.work), *pairs, *command]
        super().__init__([*through, shlex.join(words)] if through else words, columns, rows)
        self.place = place

    def ready(self, prompt: str = PROMPT) -> Plait:
        """Wait for the prompt."""
        self.until(lambda: prompt in self.text)
        return self

    @property
    def input_row(self) -> str:
        """The row with the prompt: of a session, whatever it is called, or of a question."""
        return next((line for line in reversed(self.text.splitlines()) if PROMPTS.match(line)), "")

    @property
    def name(self) -> str:
        """The name of the shown session, as the prompt tells it; empty while there is no prompt of a session."""
        shown = PROMPTS.match(self.input_row)
        return shown[1] if shown and "/" not in shown[1] else ""

    @property
    def toolbar(self) -> str:
        """The last row."""
        return self.text.rpartition("\n")[2]

    def shows(self, text: str, promised: float = LIMIT) -> None:
        """Wait until the scrollback or the screen holds `text`."""
        self.until(lambda: text in self.everything, promised)

    def idle(self) -> None:
        """Wait until no turn runs."""
        self.until(lambda: "answering" not in self.toolbar and self.input_row != "")

    def leave(self) -> int:
        """Ctrl+D on an empty line; the exit code."""
        self.send("\x04")
        return self.wait()

    @property
    def descendants(self) -> list[int]:
        """Processes that the program started and that are still there."""
        return descendants(self.child.pid)


def descendants(pid: int) -> list[int]:
    """Children of a process, their children included."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += [int(child), *descendants(int(child))]
    return found
