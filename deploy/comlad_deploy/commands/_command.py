"""What a command offers to whoever puts the commands together."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Command"]


@dataclass(frozen=True, slots=True)
class Command:
    """A command of comlad.

    Args:
        help: Its line in the list of commands.
        description: What its own help begins with.
        add_options: Adds its options to its parser.
        run: Called with what was given for them. Imports late what it needs: the parser of
            every command is made for each, and --help is to come at once.
    """

    help: str
    description: str
    add_options: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], None]
