"""The floor: what a short loop on prompt_toolkit and httpx2 does, without sessions, journal, Markdown, errors or a cursor of our own.

`plain` prompts, then prints tokens as they come, with no prompt meanwhile. `live` keeps the prompt alive below a growing tail, drawn at
most 33 times a second, and prints finished lines above it.

    python -m benchmarks.floor plain|live MODEL
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator


async def tokens(text: str, model: str) -> AsyncIterator[str]:
    """The answer of an OpenAI-compatible server, piece by piece."""
    import httpx2  # what a message needs is not what the prompt needs

    body = {"model": model, "stream": True, "messages": [{"role": "user", "content": text}]}
    url = os.environ["OPENAI_BASE_URL"] + "/chat/completions"
    async with (
        httpx2.AsyncClient(verify=False, trust_env=False, timeout=60) as client,
        client.stream("POST", url, json=body) as response,
    ):
        async for line in response.aiter_lines():
            if line.startswith("data: {"):
                yield json.loads(line[6:])["choices"][0]["delta"].get("content", "")


async def plain(model: str) -> None:
    """Prompt, print, prompt."""
    from prompt_toolkit import PromptSession

    session: PromptSession[str] = PromptSession("> ")
    while True:
        text = await session.prompt_async()
        async for token in tokens(text, model):
            sys.stdout.write(token)
            sys.stdout.flush()
        sys.stdout.write("\n")


async def live(model: str) -> None:
    """The prompt stays: a message callable shows the tail above it."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.application import run_in_terminal

    tail = ""
    session: PromptSession[str] = PromptSession(lambda: f"{tail}\n> " if tail else "> ")
    session.app.min_redraw_interval = 0.03

    async def stream(text: str) -> None:
        nonlocal tail
        async for token in tokens(text, model):
            finished, line_end, tail = (tail + token).rpartition("\n")
            if line_end:
                await run_in_terminal(lambda said=finished: print(said))  # type: ignore[misc]  # noqa: T201
            session.app.invalidate()

    async with asyncio.TaskGroup() as tasks:
        while True:
            tasks.create_task(stream(await session.prompt_async()))


if __name__ == "__main__":
    asyncio.run({"plain": plain, "live": live}[sys.argv[1]](sys.argv[2]))
