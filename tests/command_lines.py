"""The commands that a text tells people or machines to run, and the options that those know."""

import io
import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout, suppress
from functools import cache

import comlad_deploy.cli
import comlad_device.byzantine
import comlad_device.cli
import comlad_server.cli

PROGRAMS: dict[str, Callable[[list[str]], None]] = {
    "comlad": comlad_deploy.cli.main,
    "comlad-server": comlad_server.cli.main,
    "comlad-device": comlad_device.cli.main,
    "comlad-byzantine": comlad_device.byzantine.main,
}
_ENDS = {"|", "||", "&", "&&", ";", ">", ">>", "<", "(", ")"}


@cache
def help_of(*command: str) -> str:
    """What --help says of a program, or of a command of it."""
    shown = io.StringIO()
    with redirect_stdout(shown), suppress(SystemExit):
        PROGRAMS[command[0]]([*command[1:], "--help"])
    return shown.getvalue()


def options_of(*command: str) -> set[str]:
    """The long options that --help shows."""
    return set(re.findall(r"--[a-z][a-z-]*", help_of(*command)))


def commands_in(text: str) -> Iterator[list[str]]:
    """The words of each of our commands in a shell script, a program's name first."""
    for line in text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        command: list[str] = []
        for word in lexer:
            if word in _ENDS:
                yield from [command] * bool(command)
                command = []
            elif word.rpartition("/")[2] in PROGRAMS:  # the last one is what a container runs
                command = [word.rpartition("/")[2]]
            elif command:
                command.append(word)
        yield from [command] * bool(command)


def unknown_options(command: list[str]) -> set[str]:
    """Options of a command that its program does not know."""
    used = {word.partition("=")[0] for word in command[1:] if word.startswith("--")}
    program = command[:2] if command[0] == "comlad" else command[:1]
    return used - options_of(*program)
