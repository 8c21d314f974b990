"""The comlad command."""

import argparse
import logging
import sys

from comlad.errors import ComladError, ConfigError
from comlad_deploy.commands import COMMANDS

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Run the command; exits with 2 for bad input, 1 for a run that failed, 130 for Ctrl-C."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="comlad: %(message)s")
    try:
        options.run(options)
    except ComladError as error:
        print(f"comlad: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, ConfigError) else getattr(error, "status", 1))
    except KeyboardInterrupt:
        print("comlad: interrupted; what was finished is kept", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:  # for instance piped into head
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:  # a disk that is full, for instance
        print(f"comlad: {error}", file=sys.stderr)
        sys.exit(1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="comlad",
        description="Compressed, coded, Byzantine-robust distributed training on a real wire.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        part = commands.add_parser(name, help=command.help, description=command.description)
        command.add_options(part)
        part.set_defaults(run=command.run)
    return parser


if __name__ == "__main__":
    main()
