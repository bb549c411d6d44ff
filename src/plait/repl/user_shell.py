"""The user's own shell commands at the prompt, `!command`: one at a time, answers go on beside it."""

from __future__ import annotations

from collections.abc import Mapping

import anyio

from plait.core.errors import PlaitError
from plait.repl.render import render_error
from plait.repl.shell import Output, run_shell
from plait.repl.status import Toolbar


class UserShell:
    """Runs commands with the environment `environ` and shows them on `output`; the toolbar counts their seconds."""

    def __init__(self, output: Output, toolbar: Toolbar, environ: Mapping[str, str]) -> None:
        self._output = output
        self._toolbar = toolbar
        self._environ = environ
        self._scope: anyio.CancelScope | None = None

    def cancel(self) -> bool:
        """Ctrl+C: whether a command ran that is stopped now."""
        if self._scope is None:
            return False
        self._scope.cancel()
        return True

    async def run(self, command: str, directory: str) -> None:
        """Run it in `directory`; what goes wrong is shown."""
        if self._scope is not None:
            self._complain("A shell command is running already. Wait for it, or stop it with Ctrl+C.")
            return
        self._toolbar.command_started()
        try:
            with anyio.CancelScope() as self._scope:
                await run_shell(command, directory, self._environ, self._output)
        except PlaitError as error:
            self._complain(str(error))
        finally:
            self._scope = None
            self._toolbar.command_ended()

    def _complain(self, text: str) -> None:
        self._output.show(render_error(text, self._output.look))
