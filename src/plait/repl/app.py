"""The prompt loop: lines of input become commands of the client, events become text on the screen.

Rules:
1. It knows the rest of plait as a `Client`; over a socket it is the same.
2. Lines are taken in order. A message is on its way as soon as it is recorded; waiting for the disk holds up no later line.
3. What is shown of a conversation comes from events, live or replayed; nothing is echoed before it is durable.
4. What is shown of the sessions is computed from the client's latest list of them, `fleet`; nothing is cached beside it.
5. Every task lives in the loop's task group; leaving it leaves nothing behind.

The parts: `stage` goes from session to session, `drafts` and `asking` decide what a line is, `announce` tells what happens elsewhere.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

import anyio
from anyio.abc import TaskGroup

from plait.core import commands as c, events as e
from plait.core.messages import SessionId
from plait.core.ports import Client
from plait.repl.announce import Announcer
from plait.repl.asides import YES_OR_NO, Asides
from plait.repl.asking import Asking
from plait.repl.drafts import Drafts
from plait.repl.fleet import FleetView, farewell, greeting
from plait.repl.hook import Hooks
from plait.repl.indicator import indicator_text
from plait.repl.intake import Intake
from plait.repl.leaving import ALONE, Company, Leaving, about_to_stop
from plait.repl.lines import LeaveAsked, Line
from plait.repl.notices import Notifier
from plait.repl.on_screen import OnScreen
from plait.repl.options import ReplOptions
from plait.repl.printer import Printer
from plait.repl.shell import child_environment
from plait.repl.slash.line import SlashLine
from plait.repl.slash.registry import Registry
from plait.repl.stage import Stage
from plait.repl.status import Toolbar
from plait.repl.style import Look
from plait.repl.surface import Terminal
from plait.repl.title import WindowTitle, has_title
from plait.repl.trust import TrustDialog
from plait.repl.user_shell import UserShell
from plait.repl.watch import FleetWatch


class Repl(OnScreen):
    """The loop over one client, one session shown at a time; a `repl.slash.registry.Prompt`. It runs once, on `screen`.

    The project of the session that is shown first is the one whose sessions come first in the list.
    """

    def __init__(
        self,
        client: Client,
        registry: Registry,
        look: Look,
        environ: Mapping[str, str],
        options: ReplOptions,
        screen: Terminal,
        company: Company = ALONE,
    ) -> None:
        super().__init__(client, screen, Printer(screen, look, options.gap))
        self.environ = environ
        self.many = options.many
        self.to_many = options.to_many
        self._registry = registry
        self._options = options
        self._toolbar = Toolbar(self._printer, time.monotonic, screen.refresh)
        self._printer.on_change = self._toolbar.changed
        self._shell = UserShell(self, self._toolbar, child_environment(environ, options.secret))
        self._hooks = Hooks(environ, lambda text: self.tell("warning", text), options.secret)
        title = WindowTitle(screen.forward, options.terminal_title and has_title(look, environ))
        notifier = Notifier(
            options.notify, options.notify_command, options.notify_cooldown, time.monotonic, screen.forward, self._hooks.run, environ
        )
        say = (lambda text: self.tell("info", text)) if look.plain and options.announce else None
        announcer = Announcer(notifier, say, lambda text: self.tell("warning", text), lambda: self._intake.carrying_out)
        self._watch = FleetWatch(client, announcer, title, self._fleet_changed, many=options.many)
        self._drafts = Drafts(client, screen, lambda text: self.tell("info", text))
        self._asking = Asking(self, screen, self._drafts)
        self._asides = Asides(screen, lambda text: self.tell("warning", text), self._drafts.into_line)
        self._company = company
        self._leaving = Leaving(company, lambda: self.fleet, self._choose, lambda text: self.tell("info", text), screen.leave)
        self._trust = TrustDialog(self, screen, lambda: self._registry.run(self, SlashLine("trust", "show")), self._drafts)
        self._intake = Intake(self, registry, screen, self._trust, self._asking, self._drafts, self._leaving, self._shell)
        self._stage: Stage
        self._tasks: TaskGroup

    def __repr__(self) -> str:
        return f"<Repl '{self._watch.name}' [{'running' if self._toolbar.running else 'idle'}]>"

    # What the screen asks for at each drawing, and tells.

    def prompt_text(self) -> str:
        """The prompt: the session's name, with a question mark where it asks, or a question of plait's own."""
        if self._trust.is_open:
            return "give AGENTS.md to the model? (y/n/v) > "
        name = self.look.clean(self._watch.name)
        if not name:
            return "> "  # at the very start no session is shown yet
        note = "" if self._options.kept else ", not kept"
        return self._asides.prompt or (f"({name}{note} ?) > " if self._asking.question else f"({name}{note}) > ")

    def linear_prompt_text(self) -> str:
        """The prompt where it cannot be taken back: nothing while an answer comes, so that it stands in no answer's middle."""
        asks = self._asides.prompt or self._asking.question
        return "" if self._toolbar.running and not asks else self.prompt_text()

    def status_text(self) -> str:
        """The row above the prompt, right-aligned: who waits."""
        options = self._options
        if not (options.indicator and options.many):
            return ""
        return indicator_text(self.fleet, self.look, options.indicator_sessions, options.text_only_indicator)

    def toolbar_text(self) -> str:
        """The row below the prompt."""
        return self._toolbar.text()

    def interrupt(self) -> bool:
        """Ctrl+C: give up a question, leaving, a shell command, else the turn; says whether there was something to stop."""
        if self._asking.question is not None and self._screen.draft:
            return False  # the line first
        if self._asides.cancel() or self._leaving.stay() or self._shell.cancel():
            return True
        if self._company.silent:
            return False
        if self._toolbar.running or self._printer.queued or self._intake.sending:
            self._tasks.start_soon(self.submit, c.Interrupt(self.session))
            return True
        return False

    def may_leave(self) -> bool:
        """Whether the user can leave without being asked first."""
        return self._leaving.may_leave

    def cannot_stop(self) -> str:
        """Why Ctrl+Z would harm somebody, as a sentence; empty where it would not, and then it is done right after this."""
        return about_to_stop(self._company, self.fleet)

    def edited(self) -> None:
        """The text under way changed."""
        self._drafts.edited()

    def move(self, name: str, argument: str) -> None:
        """A key that goes to another session, in its turn among the lines that were submitted."""
        if not self.many:
            self._hint_at_many()
        elif self._asides.prompt:
            self._screen.hint("Answer the question first, or give it up with Ctrl+C.")
        else:
            self._drafts.hold()
            command = f"/{name} {argument}".rstrip()
            self._screen.put(Line(command, command, by_key=True))

    def choose(self) -> None:
        """The key that offers all sessions."""
        if not self.many:
            self._hint_at_many()
        elif len(self.fleet.sessions) < 2:
            self._screen.hint("There is no other session. /new opens one.")
        elif self._screen.keeps_draft and not self._asides.prompt:
            if self._screen.draft:
                self._drafts.set_aside(self._screen.draft)
            self._screen.pick("/switch ", self._drafts.give_back)

    def offer(self, start: str) -> bool:
        """See `OnScreen`; not while plait itself asks something."""
        return not self._asides.prompt and super().offer(start)

    def _hint_at_many(self) -> None:
        self._screen.hint(f"plait runs one session now. {self.to_many}".rstrip())

    # The loop.

    async def run(self, session: SessionId, prompt: str) -> int:
        """Show `session`, send `prompt` if there is one, and take lines until the end; returns the exit code."""
        async with anyio.create_task_group() as self._tasks:
            parts = (self._screen, self._printer, self._drafts)
            self._stage = Stage(self.client, self._tasks, *parts, self._shown, self._arrived, self._trust.ask)
            for task in (self._intake.serve, self._toolbar.tick, self._drafts.keep_saved, self._hooks.serve, self._watch.run):
                self._tasks.start_soon(task)
            await self._stage.go(session)
            await self._watch.refresh()
            if self.many and (text := greeting(self.fleet)):
                self.tell("info", text)
                self._tasks.start_soon(self._stage.warm, self.fleet.sessions)
            ended = await self._intake.take_all(prompt)
            await self._intake.drain()  # Enter was pressed before whatever ended the lines
            await self._drafts.save(again=True)
            await self._stage.mark()
            self._tasks.cancel_scope.cancel()
        if not ended.exit_code and not (self._toolbar.status and self._toolbar.status.trouble):  # else it is not quite true
            self.tell("info", farewell(self.fleet, self._watch.name, kept_on_disk=self._options.kept))
        return ended.exit_code

    # What happens in the sessions.

    def _arrived(self, status: c.Status) -> None:
        """Another session is shown: the prompt says so at once."""
        self._asking.reset()
        self._trust.close()
        self._watch.arrived(status.info)
        self._take_status(status)

    def _shown(self, stamped: e.Stamped) -> None:
        """An event of the shown session was printed."""
        now = anyio.current_time()
        match stamped.event:
            case e.QuestionAsked() as question:
                self._asking.drawn(question, now)
            case e.QuestionAnswered(turn=turn) | e.TurnEnded(turn=turn):
                if (asked := self._asking.question) is not None and asked.turn == turn:
                    self._asking.gone(now)
        if isinstance(stamped.event, (e.TurnEnded, e.StoreTrouble, e.StoreRecovered)):
            self._tasks.start_soon(self.refresh_status)

    def _fleet_changed(self, fleet: FleetView) -> None:
        self._toolbar.fleet = fleet
        self._leaving.changed()
        self._screen.refresh()

    async def refresh_status(self) -> None:
        """Ask anew what the shown session is doing."""
        reply = await self.client.submit(c.ReadStatus(self.session))
        if isinstance(reply, c.Status) and reply.info.id == self.session:  # another one may be shown by now
            self._take_status(reply)

    def _take_status(self, status: c.Status) -> None:
        self._toolbar.status = status
        self._screen.refresh()

    # What commands use: `repl.slash.registry.Prompt`.

    @property
    def fleet(self) -> FleetView:
        """The open sessions as of the last change."""
        return self._watch.fleet

    @property
    def directory(self) -> str:
        """The shown session's directory."""
        return self._toolbar.status.info.directory if self._toolbar.status else os.curdir

    @property
    def session(self) -> SessionId:
        """The session that is shown."""
        return self._stage.session

    @property
    def came_from(self) -> SessionId | None:
        """The session that was shown before."""
        return self._stage.came_from

    async def switch(self, session: SessionId, *, on_round: bool = False) -> None:
        """Show another session."""
        await self._stage.go(session, on_round=on_round)
        await self._watch.refresh()

    async def show_another(self, instead_of: SessionId) -> None:
        """After a session was completed: the one used last is shown, or a fresh one."""
        await self._watch.refresh()
        if instead_of == self.session:
            await self._show_last_used()
        if self.fleet.row(instead_of) is None:
            self._stage.forget(instead_of)

    async def _show_last_used(self) -> None:
        for session in reversed(self._stage.recent):
            if self.fleet.row(session) is not None:
                await self.switch(session)
                return
        if self.fleet.sessions:
            await self.switch(max(self.fleet.sessions, key=lambda row: row.used_at).id)
        elif isinstance(reply := await self.submit(c.OpenSession(self.directory)), c.Done):
            await self.switch(reply.session)

    def may_answer(self, asked_at: float) -> bool:
        """Whether the line under way can be meant for what was asked then."""
        return self._intake.began_after(asked_at)

    async def confirm(self, question: str) -> bool:
        """Ask yes or no."""
        return await self._asides.choose(question, YES_OR_NO) == "y"

    async def _choose(self, question: str, answers: tuple[str, ...]) -> str | None:
        return await self._asides.choose(question, {word: word for word in answers})

    def leave(self) -> None:
        """Leave the program, after a question if sessions are at work."""
        if self.may_leave():
            self._screen.leave()
        else:
            self._screen.put(LeaveAsked())
