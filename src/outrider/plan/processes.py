"""Which programs run beside the site, and which one before it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from outrider import errors
from outrider.site import ExtraProcess

if TYPE_CHECKING:
    from outrider.facts import Facts
    from outrider.plan.ledger import Ledger
    from outrider.values import NamedCommand


def extra_processes(facts: Facts, ledger: Ledger) -> tuple[ExtraProcess, ...]:
    """Return the programs that were asked for, less those that the environment makes needless.

    Raises:
        OutriderError: a program is not there, or two processes have one name.
    """
    given = ledger.settings.get("processes")
    if given is None:
        return ()
    commands: tuple[NamedCommand, ...] = given.value
    names = [command.name for command in commands]
    extras = []
    for number, command in enumerate(commands):
        if command.name in names[:number]:
            raise errors.process_twice(command.name, given.origin)
        label = f"process {command.name}"
        if command.unless in facts.variables:
            ledger.note(label, "not started", given.origin, f"{command.unless} is set")
            continue
        argv = _found(command.words, f"process {command.name!r}", given.origin, facts)
        why = f"{command.unless} is not set" if command.unless else ""
        ledger.note(label, shlex.join(command.words), given.origin, why)
        extras.append(ExtraProcess(name=command.name, argv=argv))
    return tuple(extras)


def release_step(facts: Facts, ledger: Ledger) -> tuple[str, ...]:
    """Return what runs once before the app starts; empty where nothing was asked for.

    Raises:
        OutriderError: its program is not there.
    """
    given = ledger.settings.get("release")
    if given is None:
        return ()
    ledger.note("release", shlex.join(given.value), given.origin, "before the app starts")
    return _found(given.value, "the release step", given.origin, facts)


def _found(words: tuple[str, ...], whose: str, origin: str, facts: Facts) -> tuple[str, ...]:
    program, *others = words
    path = facts.programs.get(program)
    if path is None:
        raise errors.no_program(whose, program, origin, facts.interpreter.path)
    return (path, *others)
