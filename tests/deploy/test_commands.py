import subprocess
import sys

SCRIPT = """
import sys
from comlad_deploy.cli import main

try:
    main(["--help"])
finally:
    print(*sys.modules, file=sys.stderr)
"""


def test_shows_help_without_loading_what_the_commands_need() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], check=True, capture_output=True, text=True
    )

    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert "COMMAND" in done.stdout
    assert "argparse" in loaded
    assert not loaded & {
        *("asyncio", "cryptography", "grpc", "matplotlib", "numpy", "psutil", "rich"),
        *("comlad_device", "comlad_server"),
    }
