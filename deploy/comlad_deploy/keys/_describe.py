"""What is said of the keys that were made."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from comlad_deploy.keys._make import Made

__all__ = ["describe_keys", "keys_as_json"]


def describe_keys(directory: Path, made: Sequence[Made]) -> str:
    """What there is, until when, and what goes where."""
    width = max(len(str(key.directory)) for key in made)
    now = datetime.now(UTC)
    lines = []
    for key in made:
        state = f"{'made' if key.new else 'kept'}, until {key.until:%Y-%m-%d}"
        over = ", which is over: must be renewed" if key.until < now else ""
        lines.append(f"{key.directory!s:<{width}}  {state}{over}")
    return "\n".join(
        [
            *lines,
            "",
            "Copy to every host the directory that is its own, and no other, for --keys there.",
            f"{directory / 'ca.key'} makes new keys: whoever has it can be anyone. It stays here.",
        ]
    )


def keys_as_json(directory: Path, made: Sequence[Made]) -> str:
    """The same for a program."""
    keys = [
        {
            "name": key.identity.uri,
            "directory": str(key.directory),
            "until": key.until.isoformat(),
            "new": key.new,
        }
        for key in made
    ]
    return json.dumps({"ca": str(directory / "ca.pem"), "keys": keys}, indent=2)
