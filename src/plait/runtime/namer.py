"""Names, kinds and titles that sessions get by themselves, in the background: no message waits for them.

Rules:
1. A name is given once the first message is there, improved until the third, then fixed; one given by hand is never touched.
2. A title is asked of the session's own model, once, after its first answer, through the gate as every call; if that fails there is none.
"""

from __future__ import annotations

import logging
from contextlib import aclosing

import anyio.to_thread

from plait.core import events as e
from plait.core.errors import PlaitError
from plait.core.messages import ModelRequest, Sampling, TextDelta, UserMessage
from plait.core.naming import NAMING_MESSAGES, numbered_name, unique_name
from plait.core.sanitize import sanitize_line
from plait.core.session import Session, SessionState
from plait.runtime.gate import Watcher
from plait.runtime.managed import Managed
from plait.runtime.registry import Registry

log = logging.getLogger(__name__)

TITLE_LENGTH = 80
"""Characters of a title at the most."""
_EXCERPT = 2_000
_TITLE_PROMPT = (
    "Give this conversation a title of at most eight words, in the language that the user writes. Answer with the title alone, without "
    "quotation marks and without a full stop."
)


async def name_session(registry: Registry, managed: Managed) -> None:
    """Give the session the name and the kind that its first messages speak of."""
    session = managed.session
    texts = first_messages(session)
    if not texts or len(texts) > NAMING_MESSAGES or (session.named_by_hand and session.kind_by_hand):
        return
    proposal = await anyio.to_thread.run_sync(registry.world.named, texts)
    # What holds now counts: it may have been renamed, closed, or told more while the words were weighed.
    if session.state is SessionState.COMPLETED or len(first_messages(session)) != len(texts):
        return
    if not session.kind_by_hand and proposal.kind != session.kind:
        registry.record(session.id, e.KindChanged(proposal.kind))
    if not session.named_by_hand:
        taken = registry.list.names_taken(session.project, session.id)
        name = unique_name(proposal.name, taken) if proposal.name else numbered_name(session.kind, taken)
        if name != session.name:
            registry.record(session.id, e.Renamed(name, by_hand=False))


async def title_session(registry: Registry, managed: Managed) -> None:
    """Let the session's model write its title. Whatever goes wrong leaves it without one."""
    session = managed.session
    try:
        plan = await registry.settings.plan(session)
        said = UserMessage(f"{_TITLE_PROMPT}\n\n{_excerpt(session)}")
        request = ModelRequest(plan.choice.model, (said,), "", (), Sampling(max_tokens=60))
        watcher = Watcher(place=lambda place: None, delayed=lambda *delay: None)
        text = ""
        async with aclosing(registry.gate.stream(session.id, plan.choice.provider, request, watcher)) as events:
            async for event in events:
                if isinstance(event, TextDelta) and len(text) <= TITLE_LENGTH * 4:
                    text += event.text
        title = clean_title(text)
        if title and session.state is not SessionState.COMPLETED:
            registry.record(session.id, e.Titled(title))
    except PlaitError as error:
        log.info("session %s gets no title: %s", session.id, error)


def clean_title(text: str) -> str:
    """The title that a model's answer holds: its first line, without marks and quotation marks; empty if there is none."""
    lines = (sanitize_line(line).strip(" #*\"'“”„«»`.") for line in text.splitlines())
    title = next((line for line in lines if line), "")
    return title if len(title) <= TITLE_LENGTH else title[: TITLE_LENGTH - 1].rstrip() + "…"


def first_messages(session: Session) -> list[str]:
    """What the user said first: one message more than names are made from, so that it shows when there are more."""
    texts: list[str] = []
    for stamped in session.conversation:
        if isinstance(stamped.event, e.UserSaid):
            texts.append(stamped.event.text)
            if len(texts) > NAMING_MESSAGES:
                break
    return texts


def wants_title(session: Session) -> bool:
    """Whether now is the time for a title: after the first turn that ended well."""
    return not session.title and session.ending == "done" and len(first_messages(session)) <= NAMING_MESSAGES


def _excerpt(session: Session) -> str:
    told = []
    for stamped in session.conversation:
        match stamped.event:
            case e.UserSaid(text=text):
                told.append(f"User: {text[:_EXCERPT]}")
            case e.AssistantSaid(message=message):
                told.append(f"Assistant: {message.text[:_EXCERPT]}")
    return "\n".join(told[:4])
