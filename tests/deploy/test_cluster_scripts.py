"""The scripts of the image, which must follow when an option of a program is renamed."""

import re
import shlex
from pathlib import Path

import pytest
import yaml
from command_lines import commands_in, options_of, unknown_options

DEPLOY = Path(__file__).parent.parent.parent / "deploy"
SCRIPTS = sorted((DEPLOY / "docker" / "bin").iterdir())


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_programs_know_every_option_they_are_given(script: Path) -> None:
    text = script.read_text("utf-8").replace("\\\n", " ")
    commands = list(commands_in(text))
    known = {option for command in commands for option in options_of(command[0])}
    # `set -- OPTIONS` gathers those of a program that is started further down.
    gathered = re.findall(r"^\s*set -- (.*)$", text, re.MULTILINE)

    assert commands
    for command in commands:
        assert not unknown_options(command), command
    for line in gathered:
        assert set(re.findall(r"--[a-z][a-z-]*", line)) <= known


def test_health_checks_know_their_options() -> None:
    services = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text("utf-8"))["services"]
    checks = [service["healthcheck"] for service in services.values() if "healthcheck" in service]
    commands = [command for check in checks for command in commands_in(shlex.join(check["test"]))]

    assert commands
    for command in commands:
        assert not unknown_options(command), command
