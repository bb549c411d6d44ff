"""Names, kinds and titles that sessions get by themselves, in the background: no message waits for them.

Rules:
1. A name is given once the first message is there, improved until the third, then fixed; one given by hand is never touched. A message
   that was taken back counts, but says nothing any more.
2. A title is asked of the session's own model, once, after its first answer, through the gate as every call; if that fails there is none.
"""

from __future__ import annotations

import logging
from contextlib import aclosing
from itertools import islice

import anyio.to_thread

from plait.core import events as e
from plait.core.errors import PlaitError
from plait.core.messages import Finished, ModelRequest, Sampling, TextDelta, UserMessage
from plait.core.naming import NAMING_MESSAGES, numbered_name, unique_name
from plait.core.sanitize import sanitize_line
from plait.core.secrets import without_secrets
from plait.core.session import Session, SessionState
from plait.runtime.gate import Watcher
from plait.runtime.managed import Managed
from plait.runtime.registry import Registry

log = logging.getLogger(__name__)

TITLE_LENGTH = 80
"""Characters of a title at the most."""
MOST_WRITTEN = 20_000
"""Characters that a model may write for a title, its thinking among them; then it is stopped, and its slot is free (promise P6)."""
_EXCERPT = 2_000
_TITLE_PROMPT = (
    "Give this conversation a title of at most eight words, in the language that the user writes. Answer with the title alone, without "
    "quotation marks and without a full stop."
)


async def name_session(registry: Registry, managed: Managed) -> None:
    """Give the session the name and the kind that its first messages speak of."""
    session = managed.session
    texts = first_messages(session)
    proposal = await anyio.to_thread.run_sync(registry.world.named, texts)
    # What holds now counts: it may have been renamed, closed, or told more while the words were weighed.
    if session.state is SessionState.COMPLETED or first_messages(session) != texts:
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
        text, length = "", 0
        async with aclosing(registry.gate.stream(session.id, plan.choice.provider, request, watcher)) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    text += event.text
                length += 0 if isinstance(event, Finished) else len(event.text)
                if len(text) > TITLE_LENGTH or length > MOST_WRITTEN:
                    break
        title = clean_title(text)
        if title and session.state is not SessionState.COMPLETED:
            registry.record(session.id, e.Titled(title))
    except PlaitError as error:
        log.info("session %s gets no title: %s", session.id, error)


def clean_title(text: str) -> str:
    """The title that a model's answer holds: its first line, without marks, quotation marks and secrets; empty if there is none."""
    lines = (sanitize_line(line).strip(" #*\"'“”„«»`.") for line in without_secrets(text, {}).splitlines())
    title = next((line for line in lines if line), "")
    return title if len(title) <= TITLE_LENGTH else title[: TITLE_LENGTH - 1].rstrip() + "…"


def first_messages(session: Session) -> list[str]:
    """What the user said first, as far as names are made from it; nothing that was taken back."""
    said = (stamped.event.text for stamped in session.conversation if isinstance(stamped.event, e.UserSaid))
    return list(islice(said, NAMING_MESSAGES))


def wants_name(session: Session) -> bool:
    """Whether the message that was just said may change the name or the kind."""
    return session.said <= NAMING_MESSAGES and not (session.named_by_hand and session.kind_by_hand)


def wants_title(session: Session) -> bool:
    """Whether now is the time for a title: after the first turn that ended well."""
    if session.title or session.ending != "done" or session.state is SessionState.COMPLETED:
        return False
    ends = (stamped.event for stamped in session.conversation if isinstance(stamped.event, e.TurnEnded))
    return len(list(islice((end for end in ends if end.ending == "done"), 2))) == 1


def _excerpt(session: Session) -> str:
    told = []
    for stamped in session.conversation:
        match stamped.event:
            case e.UserSaid(text=text):
                told.append(f"User: {text[:_EXCERPT]}")
            case e.AssistantSaid(message=message):
                told.append(f"Assistant: {message.text[:_EXCERPT]}")
    return "\n".join(told[:4])
