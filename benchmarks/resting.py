"""What plait takes when nobody does anything: memory at the idle prompt and after a long conversation, processor, wake-ups."""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks.figures import Figure, Plan
from benchmarks.process import cpu_seconds, pss_megabytes, wake_ups
from benchmarks.programs import Program, ask, floor, llm, plait
from benchmarks.server import LAST, Server, model

MESSAGES = 500
WORDS = 100


def run(plan: Plan) -> list[Figure]:
    """Memory and idle processor time."""
    with Server() as server:
        spoken = model(WORDS)
        programs = [plait(plan, server, spoken), floor(plan, server, spoken)]
        if (peer := llm(plan, server, spoken)) is not None:
            programs.append(peer)
        return [*idle(plan, programs), after_messages(plan, programs, server)]


def idle(plan: Plan, programs: list[Program]) -> list[Figure]:
    """PSS, CPU and wake-ups at prompts that nobody touches."""
    seconds = plan.times(40, 2)
    memory, cpu, woken = {}, {}, {}
    with ExitStack() as stack:
        consoles = {program.name: stack.enter_context(program.ready()) for program in programs}
        for console in consoles.values():
            console.watch(1)
        before = {name: (cpu_seconds(console.pid), wake_ups(console.pid)) for name, console in consoles.items()}
        next(iter(consoles.values())).watch(seconds)
        for name, console in consoles.items():
            memory[name] = pss_megabytes(console.pid)
            cpu[name] = (cpu_seconds(console.pid) - before[name][0]) / seconds * 100
            woken[name] = (wake_ups(console.pid) - before[name][1]) / seconds
    return [
        Figure("PSS at the idle prompt", memory.pop("plait"), "MB", 40, memory),
        Figure(f"CPU at the idle prompt, over {seconds} s", cpu.pop("plait"), "%", 0.1, cpu),
        Figure("wake-ups a second at the idle prompt", woken.pop("plait"), "", None, woken),
    ]


def after_messages(plan: Plan, programs: list[Program], server: Server) -> Figure:
    """PSS after so many messages, each with its answer."""
    count = plan.times(MESSAGES, 5)
    memory = {}
    for program in programs:
        with program.ready() as console:
            for _ in range(count):
                ask(console, server)
                console.until(LAST)
                console.quiet(0.02)
            console.quiet(1)
            memory[program.name] = pss_megabytes(console.pid)
    return Figure(f"PSS after {count} messages and their answers", memory.pop("plait"), "MB", 60, memory)
