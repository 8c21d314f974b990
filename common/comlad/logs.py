"""What the logs of all programs look like: lines for people, or JSON objects for programs."""

import argparse
import logging
import sys

__all__ = ["add_log_options", "complain", "start_logging"]


def add_log_options(parser: argparse.ArgumentParser) -> None:
    """Add --log-level and --log-format."""
    parser.add_argument(
        "--log-level", default="info", choices=["debug", "info", "warning", "error"]
    )
    parser.add_argument(
        "--log-format",
        default="text",
        choices=["text", "json"],
        help="of the log on stderr: text, or a JSON object a line",
    )


def start_logging(level: str, form: str) -> None:
    """Write the log to stderr.

    Args:
        level: As --log-level: the least that is written.
        form: As --log-format.
    """
    text = "%(asctime)s %(levelname)s %(message)s"
    logging.basicConfig(level=level.upper(), format=text)
    if form == "json":
        for handler in logging.getLogger().handlers:
            handler.setFormatter(_json_formatter())


def complain(program: str, error: object, form: str) -> None:
    """Say why a program ends, in one line of stderr that is like the others."""
    if form == "json":
        logging.getLogger(program).error("%s", error)
    else:
        print(f"{program}: {error}", file=sys.stderr)


def _json_formatter() -> logging.Formatter:
    # A device is to start fast and stay small: only who wants JSON loads this.
    from pythonjsonlogger.json import JsonFormatter

    return JsonFormatter(
        "%(levelname)s %(name)s %(message)s",
        rename_fields={"levelname": "level", "name": "logger"},
        timestamp="time",
    )
