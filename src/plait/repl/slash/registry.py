"""The commands of the prompt: what one is, what it may use, how a name finds it.

Rules:
1. A name is matched whole, or by a prefix that only one command has; never by "contains". Capitals do not matter.
2. What cannot be understood is answered with "[what happened]. [what to do]." and the nearest right form; nothing is guessed.
3. A command gets everything after its first blank, trimmed. Only an argument that is `--help` and nothing else asks for help.
4. A name that is a number switches to the session of that number: `/3` is `/switch 3`.
5. A command knows the terminal by `Prompt` alone, and the rest of plait by `Client` alone.
"""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from plait.core.commands import ChangeSetting, Command, ReadStatus, Reply, Status
from plait.core.errors import PlaitError, UsageError
from plait.core.events import SettingValue
from plait.core.messages import SessionId
from plait.core.ports import Client
from plait.repl.fleet import FleetView
from plait.repl.render import Kind, render_error, render_notice
from plait.repl.slash.choices import Complete
from plait.repl.slash.line import OTHER_WORDS, SlashLine
from plait.repl.style import Look

TOPICS: Final[Mapping[str, str]] = {
    "conversation": "The conversation",
    "sessions": "Many sessions",
    "models": "Models and settings",
    "program": "plait itself",
}
"""In the order in which they are told."""


class Prompt(Protocol):
    """What a command may use of the prompt loop. Everything shown is plait's own text or went through `render` or `Look.clean` before."""

    client: Client
    environ: Mapping[str, str]

    @property
    def session(self) -> SessionId:
        """The session that is shown."""
        ...

    @property
    def look(self) -> Look:
        """The look at the terminal's present width."""
        ...

    @property
    def vi_mode(self) -> bool:
        """Whether the keys of vi edit the input."""
        ...

    def set_vi_mode(self, on: bool) -> None:
        """Edit with the keys of vi, or of Emacs, from now on."""
        ...

    def show(self, text: str) -> None:
        """Put finished text, of whole lines, into the scrollback."""
        ...

    async def shown(self) -> None:
        """Return once the terminal has taken most of what was shown: whoever shows much waits here, so that it is never all in memory."""
        ...

    async def submit(self, command: Command) -> Reply | None:
        """Carry out a command; a refusal is shown, and None returned."""
        ...

    @property
    def fleet(self) -> FleetView:
        """The open sessions as of the last change, the gate, and which session is shown."""
        ...

    @property
    def came_from(self) -> SessionId | None:
        """The session that was shown before, or where a round of `/next` began; None if there was none."""
        ...

    @property
    def many(self) -> bool:
        """Whether there may be many sessions: not with `--single`."""
        ...

    @property
    def to_many(self) -> str:
        """Where there may not be many: how to have them, as a sentence."""
        ...

    async def switch(self, session: SessionId, *, on_round: bool = False) -> None:
        """Show another session from now on: what it said that nobody saw, then everything as it comes.

        What was typed belongs to the session that is left. With `on_round`, steps in a row leave `came_from` where the first one began.
        """
        ...

    async def show_another(self, instead_of: SessionId) -> None:
        """After a session was completed: if it is the shown one, show the one used last, or a fresh one if none is open."""
        ...

    def may_answer(self, asked_at: float) -> bool:
        """Whether the line under way can be meant for what was asked at `asked_at`, in seconds since 1970: it was begun later."""
        ...

    async def confirm(self, question: str) -> bool:
        """Ask the user yes or no; what was typed before the question could be read is no answer."""
        ...

    async def edit(self, text: str) -> str | None:
        """Let the user change `text` in `$VISUAL` or `$EDITOR`; None if it was left unchanged or no editor ran, which is shown."""
        ...

    def prefill(self, text: str) -> None:
        """Put `text` into the input line, for the user to change and send."""
        ...

    def offer(self, start: str) -> bool:
        """Let the user choose what completes the start of a command, which is then carried out; False where no menu can be shown."""
        ...

    def forward(self, sequence: str) -> None:
        """Send a control sequence of plait's own to the terminal: it draws nothing and moves nothing."""
        ...

    def leave(self) -> None:
        """Leave the program, as Ctrl+D does."""
        ...


Run: TypeAlias = Callable[[Prompt, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class SlashCommand:
    """A command of the prompt. `usage` and `examples` as they are typed; an example is (line, what it does)."""

    name: str
    run: Run
    topic: str
    usage: str
    summary: str
    examples: tuple[tuple[str, str], ...]
    aliases: tuple[str, ...] = ()
    detail: str = ""
    complete: Complete | None = None
    many: bool = False
    """It is about other sessions than the one that is shown, and so is answered with a sentence where there is only one."""

    @property
    def names(self) -> tuple[str, ...]:
        """The name and its aliases."""
        return (self.name, *self.aliases)


class _Unknown(UsageError):
    """There is no command of that name."""


class Registry:
    """All commands. `run` carries out a line of input; `find` and `starting` are how names are matched."""

    def __init__(self, commands: Sequence[SlashCommand]) -> None:
        self.commands = tuple(commands)
        self._by_name: dict[str, SlashCommand] = {}
        for command in commands:
            for name in command.names:
                if name in self._by_name:
                    raise ValueError(f"two commands are called /{name}")
                self._by_name[name] = command

    def __repr__(self) -> str:
        return f"<Registry [{', '.join(command.name for command in self.commands)}]>"

    def starting(self, prefix: str) -> list[tuple[str, SlashCommand]]:
        """Names and aliases that begin with `prefix`, in order of the alphabet, each with its command."""
        return sorted(((name, one) for name, one in self._by_name.items() if name.startswith(prefix.lower())), key=lambda pair: pair[0])

    def find(self, name: str) -> SlashCommand:
        """The command of that name, or of that prefix if no other has it. Raises `UsageError` with the nearest names."""
        exact = self._by_name.get("switch" if self._is_number(name) else name.lower())
        if exact is not None:
            return exact
        near = self.starting(name) if name else []
        if len({id(command) for _, command in near}) == 1:
            return near[0][1]
        if near:
            raise UsageError(f"/{name} can mean {listed([f'/{one}' for one, _ in near], 'or')}. Type more of the name.")
        if not name.strip("/"):
            raise UsageError("There is no command '/" + name + "'. /help lists the commands; write the name right after the slash.")
        raise _Unknown(self._unknown(name))

    def _is_number(self, name: str) -> bool:
        return name.isascii() and name.isdigit() and name not in self._by_name

    def _unknown(self, name: str) -> str:
        other = OTHER_WORDS.get(name.lower(), "")
        near = [other] if other else difflib.get_close_matches(name.lower(), self._by_name, n=3, cutoff=0.6)
        near.sort(key=lambda one: (-difflib.SequenceMatcher(None, one, name.lower()).ratio(), one[0] != name[0].lower()))
        hint = f"Did you mean /{near[0]}?" if near else "/help lists the commands."
        return f"There is no command '/{name[:40]}'. {hint}"

    async def run(self, prompt: Prompt, line: SlashLine) -> None:
        """Carry out a line; what is wrong with it is shown. Raises nothing but what cancels."""
        try:
            if not line.name and line.argument:
                raise UsageError(self._after_a_blank(line))
            command = self._command(line.name or "help")
            if line.argument == "--help":
                command, argument = self.find("help"), command.name
            elif self._is_number(line.name):
                argument = self._number_alone(line)
            else:
                argument = line.argument
            if command.many and not prompt.many:
                raise UsageError(one_session_only(prompt, f"/{command.name}"))
            await command.run(prompt, argument)
        except PlaitError as error:
            prompt.show(render_error(str(error), prompt.look))

    def _command(self, name: str) -> SlashCommand:
        """The command that a line means. Raises `UsageError`."""
        try:
            return self.find(name)
        except _Unknown as error:
            raise UsageError(f"{error} Put a blank before it to send it as a message.") from error

    def _number_alone(self, line: SlashLine) -> str:
        """The number that a line consists of. Raises `UsageError` where something stands after it."""
        if line.argument:
            number = line.name[:9]
            raise UsageError(f"/{number} takes nothing after it. Type /{number} to go there, or /say {number} TEXT to say something there.")
        return line.name

    def _after_a_blank(self, line: SlashLine) -> str:
        word = line.argument.split()[0]
        try:
            hint = f"Type /{self.find(word).name} without the blank."
        except UsageError:
            hint = "/help lists the commands."
        return f"There is a blank right after the slash, so '{word[:40]}' was not taken for a command. {hint}"


def one_session_only(prompt: Prompt, what: str) -> str:
    """Why something about many sessions cannot be done here, and the way to them."""
    return f"There is one session here, so {what} cannot be used. {prompt.to_many}"


def usage_error(command: str, usage: str, what: str) -> UsageError:
    """An argument that cannot be: what is wrong with it (without a full stop), and the right form."""
    return UsageError(f"{what}{'' if what.endswith('?') else '.'} Type {usage}, or /help {command} for an example.")


def did_you_mean(word: str, known: Iterable[str], before: str = "") -> str:
    """What is put behind a word that nobody knows: the nearest of the known ones with what stands `before` it; empty if none is near."""
    near = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.5)
    return f". Did you mean {before}{near[0]}?" if near else ""


def listed(words: Sequence[str], last: str = "and") -> str:
    """Words as an enumeration: "a, b or c"."""
    return f"{', '.join(words[:-1])} {last} {words[-1]}" if len(words) > 1 else "".join(words)


def notice(prompt: Prompt, text: str, kind: Kind = "info") -> None:
    """Show a sentence or two of plait's own; they may quote untrusted text."""
    prompt.show(render_notice(kind, text, prompt.look))


async def read_status(prompt: Prompt) -> Status | None:
    """What the session is doing and with what; None where that was refused, which is shown."""
    reply = await prompt.submit(ReadStatus(prompt.session))
    return reply if isinstance(reply, Status) else None


async def change(prompt: Prompt, key: str, value: SettingValue) -> Status | None:
    """Set a setting of the session and read what holds now; None where that was refused, which is shown."""
    if await prompt.submit(ChangeSetting(prompt.session, key, value)) is None:
        return None
    return await read_status(prompt)
