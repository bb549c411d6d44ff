"""Random histories of a store that is killed at random places, held against a model: `python -m tests.store.crash_model [MUTANT]`.

Each call is invoked and then is ok, has failed, or is of unknown outcome because the process died in it. What was ok is there after every
start; what failed is not; what is unknown is there as a whole or not at all, and stays as it was found. A program of its own, with one
thread, so that each life of the store may be a fork.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from hypothesis import HealthCheck, Phase, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from plait.core import events as e
from plait.core.commands import Draft, info_of
from plait.core.errors import StoreError
from plait.core.messages import SessionId
from plait.core.ports import Write
from plait.store import crashpoints
from plait.store.crashpoints import LABELS
from plait.store.sqlite import CHECKPOINT_DUE, SqliteStore, open_store
from plait.store.verify import verify
from tests.store.writing import PROJECT, Author

EXAMPLES = int(os.environ.get("PLAIT_EXAMPLES", "40"))
MUTANT_EXAMPLES = 200
"""It ends at the first history that is not one of the model's."""
OUTCOMES: Counter[str] = Counter()
NAMES = ("s-1", "s-2", "s-3")
APPEND = [label for label in LABELS if label.startswith("append")]
AT = [*APPEND * 2, *(label for label in LABELS if label.startswith(("checkpoint", "epoch", "close", "index", "create", "migrate")))]
Said = dict[str, list[str]]
Outcome = Literal["ok", "failed", "unknown"]


class Life:
    """One process that has the store open and does as it is told; killed at a named place, or from outside."""

    def __init__(self, path: Path, crash_at: str, mutant: str) -> None:
        ours, theirs = os.pipe(), os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(ours[1])
            os.close(theirs[0])
            os.environ["PLAIT_CRASH_AT"] = crash_at
            crashpoints._plan.cache_clear()  # this process has looked before
            try:
                _serve(path, mutant, os.fdopen(ours[0]), theirs[1])
            finally:
                os._exit(70)
        os.close(ours[0])
        os.close(theirs[1])
        self._out, self._in = os.fdopen(ours[1], "w"), os.fdopen(theirs[0])
        self.opened = self._in.readline() == "ok\n"

    def call(self, *request: object) -> Outcome:
        """Do one thing, and wait for its end."""
        try:
            self._out.write(json.dumps(request) + "\n")
            self._out.flush()
        except BrokenPipeError:
            return "unknown"
        reply = self._in.readline().strip()
        return "unknown" if not reply else "ok" if reply == "ok" else "failed"

    def end(self) -> None:
        """Kill it, if it has not died yet. Fails where it ended in another way."""
        os.kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        for stream in (self._out, self._in):
            try:
                stream.close()
            except BrokenPipeError:
                continue
        assert os.WIFSIGNALED(status), f"it ended with {status}"
        assert os.WTERMSIG(status) == signal.SIGKILL


def _serve(path: Path, mutant: str, requests: Any, replies: int) -> None:
    def reply(text: str) -> None:
        os.write(replies, f"{text}\n".encode())

    store = open_store(path, now=time.time(), report=lambda finding: None)
    store.project(PROJECT)
    reply("ok")
    for line in requests:
        request = json.loads(line)
        if mutant == "early":
            reply("ok")
        try:
            _do(store, request, mutant)
        except StoreError as error:
            reply(str(error)) if mutant != "early" else None
        else:
            reply("ok") if mutant != "early" else None
    os.kill(os.getpid(), signal.SIGKILL)


def _do(store: SqliteStore, request: list[Any], mutant: str) -> None:
    match request:
        case ["append", batch, wrong]:
            writes = [_write(store, name, texts, wrong) for name, texts in batch.items()]
            for group in [[one] for one in writes] if mutant == "torn" else [writes]:
                store.append(group)
        case ["draft", name, text]:
            store.keep_draft(Draft(SessionId(name), text, 1), 1.0)
        case ["index"]:
            store.index()
        case ["checkpoint"]:
            store._log_bytes = CHECKPOINT_DUE
            store.tidy()
        case ["close"]:
            store.close()


def _write(store: SqliteStore, name: str, texts: Sequence[str], wrong: int) -> Write:
    author = Author(store, name)
    before, stamped = author.session.seq, []
    opened = [] if before else [e.SessionOpened("default", "development", PROJECT.id, PROJECT.directory)]
    events: list[e.Event] = [*opened, *map(e.Noted, texts)]
    for event in events:
        stamped.append(e.Stamped(author.session.id, author.session.seq + 1, 1.0, event))
        author.session.apply(stamped[-1])
    return Write(info_of(author.session, draft=False), before + wrong, store.epoch, tuple(stamped))


class CrashMachine(RuleBasedStateMachine):
    """The model: what each session surely holds, and one call whose outcome nobody knows."""

    mutant = ""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="plait-model-"))
        self.path = self.directory / "data" / "plait.db"
        self.said: Said = {}
        self.drafts: dict[str, str] = {}
        self.unknown: Said = {}
        self.unknown_draft: tuple[str, str] | None = None
        self.life: Life | None = None
        self.number = 0

    def teardown(self) -> None:
        if self.life is not None:
            self.die()
        shutil.rmtree(self.directory, ignore_errors=True)

    @precondition(lambda self: self.life is None)
    @rule(label=st.sampled_from([*AT, "nowhere"]), times=st.integers(1, 6))
    def start(self, label: str, times: int) -> None:
        life = Life(self.path, f"{label}:{times}", self.mutant)
        self.life = life
        if not life.opened:
            self.die()

    @precondition(lambda self: self.life is not None)
    @rule(batch=st.dictionaries(st.sampled_from(NAMES), st.integers(1, 3), min_size=1), large=st.booleans())
    def append(self, batch: dict[str, int], large: bool) -> None:
        texts = {name: [self.text(large) for _ in range(count)] for name, count in batch.items()}
        match self.call("append", texts, 0):
            case "ok":
                for name, more in texts.items():
                    self.said.setdefault(name, []).extend(more)
            case "unknown":
                self.unknown = texts
                self.die()
            case "failed":
                raise AssertionError("an append that fits was refused")

    @precondition(lambda self: self.life is not None and self.mutant != "early")
    @rule(name=st.sampled_from(NAMES), wrong=st.sampled_from([-1, 1, 7]))
    def append_what_does_not_fit(self, name: str, wrong: int) -> None:
        """It fails and leaves nothing behind, also of a part that would fit."""
        other = next(one for one in NAMES if one != name)
        if self.call("append", {other: [self.text(False)], name: [self.text(False)]}, wrong) == "unknown":
            self.die()

    @precondition(lambda self: self.life is not None and self.said)
    @rule(number=st.integers(0, 2))
    def keep_a_draft(self, number: int) -> None:
        name, text = sorted(self.said)[number % len(self.said)], self.text(False)
        match self.call("draft", name, text):
            case "ok":
                self.drafts[name] = text
            case "unknown":
                self.unknown_draft = (name, text)
                self.die()
            case "failed":
                raise AssertionError("a draft was refused")

    @precondition(lambda self: self.life is not None)
    @rule(what=st.sampled_from(["index", "checkpoint"]))
    def tidy_up(self, what: str) -> None:
        if self.call(what) == "unknown":
            self.die()

    @precondition(lambda self: self.life is not None)
    @rule(close=st.booleans())
    def leave(self, close: bool) -> None:
        if close:
            self.call("close")
        self.die()

    def text(self, large: bool) -> str:
        self.number += 1
        return f"text {self.number} " + "x" * (9_000 if large else 0)

    def call(self, *request: object) -> Outcome:
        assert self.life is not None
        outcome = self.life.call(*request)
        OUTCOMES[f"{request[0]} {outcome}"] += 1
        return outcome

    def die(self) -> None:
        """The process is gone; look at what is there, and let unknown outcomes be what is found."""
        assert self.life is not None
        self.life.end()
        self.life = None
        self.look()

    def look(self) -> None:
        store = open_store(self.path, now=time.time(), report=_nothing_is_damaged)
        found = {str(row.id): [one.event.text for one in store.read(row.id) if isinstance(one.event, e.Noted)] for row in store.sessions()}
        drafts = {str(draft.session): draft.text for draft in store.drafts()}
        store.close()
        assert verify(self.path) == []
        with_unknown = {name: [*self.said.get(name, []), *self.unknown.get(name, [])] for name in {*self.said, *self.unknown}}
        if found not in (self.said, with_unknown):
            told = f"acknowledged {self.said}, of unknown outcome {self.unknown}, found {found}"
            sys.stderr.write(told + "\n")
            raise AssertionError(told)
        possible = (self.drafts, self.drafts | dict([self.unknown_draft] if self.unknown_draft else []))
        assert drafts in possible, f"acknowledged drafts {self.drafts}, of unknown outcome {self.unknown_draft}, found {drafts}"
        self.said, self.drafts, self.unknown, self.unknown_draft = found, drafts, {}, None


def _nothing_is_damaged(finding: object) -> None:
    raise AssertionError(f"a start had to tell {finding}")


def main() -> None:
    """Run the machine and print how often each call ended in which way; the exit code says whether the model held."""
    CrashMachine.mutant = sys.argv[1] if len(sys.argv) > 1 else ""
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        CrashMachine,
        settings=settings(
            phases=[Phase.generate] if CrashMachine.mutant else list(Phase),
            max_examples=MUTANT_EXAMPLES if CrashMachine.mutant else EXAMPLES,
            stateful_step_count=30,
            deadline=None,
            database=None,
            suppress_health_check=checks,
        ),
    )
    sys.stdout.write(json.dumps(OUTCOMES) + "\n")


if __name__ == "__main__":
    main()
