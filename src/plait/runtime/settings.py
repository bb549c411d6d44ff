"""What a session runs with now: its own settings over the layers above it, resolved when a turn starts, never copied before.

A setting changed in this run beats a flag; a flag or a variable of the environment beats what the session kept from an earlier start.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import anyio.to_thread

from plait.core.defaults import Defaults
from plait.core.events import SettingValue
from plait.core.messages import Sampling, SessionId
from plait.core.ports import ModelChoice, Models, Store
from plait.core.prompt import DEFAULT_SYSTEM, Instructions, system_prompt
from plait.core.session import Session
from plait.runtime.turn_setup import TurnPlan


@dataclass(frozen=True, slots=True)
class Granted:
    """The instruction files of a session's directory, and whether the project's own may be given to the model."""

    files: Instructions
    allowed: bool
    asked: bool
    """Whether the user still has to be asked about what the project's files hold now."""

    @property
    def given(self) -> tuple[tuple[str, str], ...]:
        """What the model sees: the user's own always, the project's where the user said yes to what they hold now."""
        return self.files.own + (self.files.project if self.allowed else ())


class SessionSettings:
    """Resolves settings, model and instructions of sessions. `instructions(directory)` blocks and reads the files."""

    def __init__(self, store: Store, models: Models, defaults: Defaults, instructions: Callable[[str], Instructions]) -> None:
        self._store = store
        self._models = models
        self._defaults = defaults
        self._instructions = instructions
        self._changed_now: set[tuple[SessionId, str]] = set()
        self._choices: dict[str, ModelChoice] = {}
        self._used: dict[SessionId, str] = {}
        """The model that each session's last turn of this run began with."""

    def changed(self, session: SessionId, key: str) -> None:
        """The user has set `key` in this run."""
        self._changed_now.add((session, key))

    def effective(self, session: Session, key: str) -> tuple[SettingValue, str]:
        """The value of `key` for a session, and the layer that it comes from."""
        own = session.settings.get(key)
        pinned = key in self._defaults.pinned and (session.id, key) not in self._changed_now
        if own is not None and not pinned:
            return own, "session"
        value: SettingValue = getattr(self._defaults, key)
        return value, self._defaults.sources.get(key, "default")

    def model_of_this_run(self, session: Session) -> str:
        """The session's model, where only this process knows it: by a flag, by its environment, or as the best one that it has found."""
        if session.settings.get("model") is not None:
            return ""
        value, _ = self.effective(session, "model")
        if "model" in self._defaults.pinned:
            return str(value or "")
        return "" if value else self._used.get(session.id, "")

    def sampling(self, session: Session) -> Sampling:
        """How to sample for this session."""
        temperature, top_p, max_tokens = (self.effective(session, key)[0] for key in ("temperature", "top_p", "max_tokens"))
        return Sampling(
            float(temperature) if temperature is not None else None,
            float(top_p) if top_p is not None else None,
            int(max_tokens) if max_tokens is not None else None,
        )

    def number(self, session: Session, key: str) -> int:
        """A whole number that is set everywhere, such as `compact_at`."""
        return int(self.effective(session, key)[0] or 0)

    def system(self, session: Session) -> str:
        """The session's system prompt, instruction files apart."""
        return str(self.effective(session, "system")[0] or DEFAULT_SYSTEM)

    def known_choice(self, name: str) -> ModelChoice | None:
        """What is known of a model that was used, or asked about, in this run."""
        return self._choices.get(name)

    async def choice(self, name: str) -> ModelChoice:
        """The model of that name, known from now on. Raises `ModelError`."""
        choice = self._choices[name] = await self._models.choose(name)
        return choice

    async def model_name(self, session: Session) -> str:
        """The full name of the session's model. Raises `NoModel`."""
        return str(self.effective(session, "model")[0] or "") or await self._models.default()

    async def granted(self, session: Session) -> Granted:
        """The instruction files as they are on disk now, and whether the user let the model have them."""
        return await anyio.to_thread.run_sync(self._granted, session)

    def _granted(self, session: Session) -> Granted:
        files = self._instructions(session.directory)
        if not files.digest:
            return Granted(files, allowed=False, asked=False)
        answer = self._store.trusted(session.project)
        known = answer is not None and answer[0] == files.digest
        return Granted(files, allowed=known and bool(answer and answer[1]), asked=not known)

    async def plan(self, session: Session) -> TurnPlan:
        """Everything that a turn starts with. Raises `ModelError`."""
        name = await self.model_name(session)
        choice = await self.choice(name)
        self._used[session.id] = choice.name or name
        granted = await self.granted(session)
        system = system_prompt(self.system(session), granted.given)
        return TurnPlan(
            choice,
            choice.name or name,
            system,
            self.sampling(session),
            self._defaults.max_turns,
            self.number(session, "compact_at"),
            self.number(session, "window_messages"),
        )
