"""The commands of comlad: what each offers on a command line, and what it calls."""

from comlad_deploy.commands._bandwidth import BANDWIDTH
from comlad_deploy.commands._command import Command
from comlad_deploy.commands._compose import COMPOSE
from comlad_deploy.commands._demo import DEMO
from comlad_deploy.commands._keys import KEYS
from comlad_deploy.commands._list import LIST
from comlad_deploy.commands._report import REPORT
from comlad_deploy.commands._reproduce import REPRODUCE
from comlad_deploy.commands._run import RUN
from comlad_deploy.commands._watch import WATCH

__all__ = ["COMMANDS", "Command"]

# In the order in which comlad --help lists them.
COMMANDS: dict[str, Command] = {
    "demo": DEMO,
    "run": RUN,
    "reproduce": REPRODUCE,
    "bandwidth": BANDWIDTH,
    "keys": KEYS,
    "compose": COMPOSE,
    "report": REPORT,
    "watch": WATCH,
    "list": LIST,
}
