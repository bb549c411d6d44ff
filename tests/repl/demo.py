"""A small program for the tests: streams numbered lines when asked, echoes what is submitted. Run: `python demo.py [COUNT PER_SECOND]`."""

from __future__ import annotations

from plait.repl.terminal import prepare_terminal

TERMINAL = prepare_terminal()  # the first act, before the imports below

import sys  # noqa: E402

import anyio  # noqa: E402
from prompt_toolkit.completion import WordCompleter  # noqa: E402

from plait.core.sanitize import sanitize  # noqa: E402
from plait.repl.lines import Line  # noqa: E402
from plait.repl.plain import PlainScreen  # noqa: E402
from plait.repl.screen import Screen  # noqa: E402


class Demo:
    """One stream at a time; `/stream COUNT RATE` starts it, Ctrl+C stops it."""

    def __init__(self) -> None:
        self.scope: anyio.CancelScope | None = None
        self.screen: Screen | PlainScreen
        if sys.argv[1:2] == ["--plain"]:
            del sys.argv[1]
            self.screen = PlainScreen(TERMINAL, prompt=lambda: "(demo) > ", sanitize=sanitize, on_interrupt=self.interrupt)
            return
        self.screen = Screen(
            TERMINAL,
            prompt=lambda: "(demo) > ",
            status=lambda: "2 waiting",
            toolbar=lambda: "toolbar: " + ("streaming" if self.scope else "idle"),
            completer=WordCompleter(["/stream", "/status", "/exit"], sentence=True),
            sanitize=sanitize,
            on_interrupt=self.interrupt,
        )

    def interrupt(self) -> bool:
        """Stop the stream, if there is one."""
        if self.scope is None:
            return False
        self.scope.cancel()
        return True

    async def stream(self, count: int, rate: float) -> None:
        """Numbered lines, a word at a time; a line goes up when it is whole."""
        with anyio.CancelScope() as self.scope:
            for number in range(count):
                line = ""
                for word in f"line {number:05} of the answer, with some words that make it longer than a narrow window .".split(" "):
                    line += word + " "
                    self.screen.set_tail(line)
                    await anyio.sleep(1 / rate)
                self.screen.write(line.rstrip())
                self.screen.set_tail("")
        if self.scope.cancelled_caught:
            self.screen.write("[stopped]")
            self.screen.set_tail("")
        self.scope = None
        self.screen.write("[stream ended]")
        self.screen.refresh()

    async def command(self, line: Line) -> bool:
        """Do what a line says; False to leave."""
        word, *arguments = line.text.split(" ")
        match word:
            case "/exit":
                return False
            case "/stream":
                self.tasks.start_soon(self.stream, int(arguments[0]), float(arguments[1]))
            case "/flood":
                for number in range(int(arguments[0]) * 1024):
                    self.screen.write(f"{number:08} " + "f" * 1014)
            case "/hold":
                self.screen.set_tail(" ".join(arguments))
            case "/keep":
                self.screen.put_draft(" ".join(arguments), 0)
            case "/vim":
                self.screen.vi_mode = not self.screen.vi_mode
            case "/boom":
                raise RuntimeError("boom")
            case _:
                kept = "" if line.began else ", kept from earlier"
                self.screen.write(f"got {len(line.text)} characters: {line.text[:60]!r}{kept}")
        return True

    async def main(self) -> int:
        """Until the end; the exit code."""
        async with anyio.create_task_group() as self.tasks, self.screen:
            if len(sys.argv) > 1:
                self.tasks.start_soon(self.stream, int(sys.argv[1]), float(sys.argv[2]))
            while isinstance(line := await self.screen.read(), Line):
                if isinstance(self.screen, Screen):
                    self.screen.write(f"> {line.shown}")
                if not await self.command(line):
                    break
            self.screen.write("bye")  # not by print: stdout blocks when the terminal takes nothing
            self.tasks.cancel_scope.cancel()
        return self.screen.ended.exit_code if self.screen.ended else 0


if __name__ == "__main__":
    sys.exit(anyio.run(Demo().main))
