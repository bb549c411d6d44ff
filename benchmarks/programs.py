"""The programs that are measured: plait, the floor, and `llm chat` where it is installed; each with a home of its own.

Nobody's settings, keys or history come into it: the environment is made here, whole.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.console import Console
from benchmarks.figures import Plan
from benchmarks.server import FIRST, Server


@dataclass(frozen=True, slots=True)
class Program:
    """A command and its environment; `name` is the column's."""

    name: str
    command: tuple[str, ...]
    environ: dict[str, str]
    directory: str
    prompt: bytes = b"> "
    """What it writes when its prompt is there."""

    def open(self, columns: int = 100, rows: int = 30, typed: bytes = b"") -> Console:
        """Start it on a terminal; `typed` is in the terminal's queue before it reads."""
        return Console(self.command, self.environ, self.directory, columns, rows, typed)

    def ready(self, columns: int = 100, rows: int = 30) -> Console:
        """Start it, and return when its prompt is there and nothing more comes."""
        console = self.open(columns, rows)
        console.until(self.prompt)
        console.quiet(0.5)
        console.forget()
        return console


def environ(home: Path, base_url: str) -> dict[str, str]:
    """What a program sees of the world."""
    root = str(Path(__file__).parent.parent)
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "PLAIT_HOME": str(home / "plait"),
        "LLM_USER_PATH": str(home / "llm"),
        "OPENAI_API_KEY": "benchmark",
        "OPENAI_BASE_URL": base_url,
        "PYTHONPATH": f"{root}/src{os.pathsep}{root}",
    }


def _program(plan: Plan, server: Server, name: str, command: tuple[str, ...], label: str, prompt: bytes = b"> ") -> Program:
    home = plan.home / f"{name}-{label}"
    work = home / "work"
    work.mkdir(parents=True, exist_ok=True)
    return Program(name, command, environ(home, server.base_url), str(work), prompt)


def plait(plan: Plan, server: Server, model: str, label: str = "") -> Program:
    """plait on the server's model; programs with the same `label` share a home."""
    return _program(plan, server, "plait", (sys.executable, "-m", "plait", "--model", f"openai:{model}"), label, b") >")


def many(plan: Plan, server: Server, model: str, label: str, **settings: int) -> Program:
    """plait with `settings`, for sessions that can have models of their own: what `--model` says would go before them."""
    program = _program(plan, server, "plait", (sys.executable, "-m", "plait"), label, b") >")
    file = Path(program.environ["PLAIT_HOME"]) / "config" / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = [f'model = "openai:{model}"', *(f"{key} = {value}" for key, value in settings.items())]
    file.write_text("".join(f"{line}\n" for line in lines))
    return program


def floor(plan: Plan, server: Server, model: str, kind: str = "live", label: str = "") -> Program:
    """The short loop, `live` or `plain`."""
    return _program(plan, server, f"{kind} loop", (sys.executable, "-m", "benchmarks.floor", kind, model), label, b"m>")


def llm(plan: Plan, server: Server, model: str, label: str = "") -> Program | None:
    """`llm chat` against the same server; None where it is not installed."""
    found = shutil.which("llm")
    if found is None:
        return None
    program = _program(plan, server, "llm", (found, "chat", "-m", "bench"), label)
    settings = Path(program.environ["LLM_USER_PATH"])
    settings.mkdir(parents=True, exist_ok=True)
    entry = f"- model_id: bench\n  model_name: {model}\n  api_base: {server.base_url}\n  can_stream: true\n"
    (settings / "extra-openai-models.yaml").write_text(entry)
    return program


def ask(console: Console, server: Server) -> tuple[float, float]:
    """Send a message; returns (when it was sent, seconds that the first token took beyond the server's own).

    Enter comes by itself, as from a person: what comes in one burst with text may be a paste, and plait waits 10 ms to see.
    """
    console.send(b"tell me more")
    console.quiet(0.05)
    console.forget()
    sent = console.send(b"\r")
    seen = console.until(FIRST)
    received, first = server.times()
    return sent, seen - sent - (first - received)
