"""Network namespaces without a name: a host of its own for each program (Linux, root).

What holds a namespace is a process that ends when a pipe of this process closes. So
however this one ends, `kill -9` included, the namespace goes as soon as the programs
in it have ended, and whatever links it has go with it.
"""

import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from comlad.errors import ConfigError

__all__ = ["check_means", "inside", "keep_order", "namespace", "run_batch"]

logger = logging.getLogger(__name__)

_PROGRAMS = ("ip", "nsenter", "tc", "unshare")
_CAPABILITIES = {"CAP_NET_ADMIN": 12, "CAP_SYS_ADMIN": 21}  # linux/capability.h

# IPv6 would announce itself on every link, which is nobody's traffic. $0: how much a
# connection may have in the queues of its host. Then hold the namespace; what is written
# to it comes back, so that one can tell that it is there.
_HOLD = """
cd /proc/sys/net
echo 1 > ipv6/conf/default/disable_ipv6
echo $0 > ipv4/tcp_limit_output_bytes
exec cat
"""


def check_means() -> None:
    """Raise ConfigError unless namespaces and links can be made here, with all that is missing."""
    if sys.platform != "linux":
        missing = [f"Linux (this is {sys.platform})"]
    else:
        missing = [program for program in _PROGRAMS if shutil.which(program) is None]
        held = _capabilities()
        missing += [name for name, bit in _CAPABILITIES.items() if not held >> bit & 1]
    if missing:
        raise ConfigError(
            f"shaped links: must have Linux, root and the programs {', '.join(_PROGRAMS)}; "
            f"missing here: {', '.join(missing)}"
        )


@contextmanager
def namespace(backlog: int) -> Iterator[int]:
    """A process that holds a namespace; gives its id.

    Args:
        backlog: How much a connection may have in the queues of its host, in the bytes of
            net.ipv4.tcp_limit_output_bytes.

    Raises:
        ConfigError: The kernel refused.
    """
    with subprocess.Popen(
        ["unshare", "--net", "sh", "-c", _HOLD, str(backlog)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for this process, which still needs it
    ) as holder:
        try:
            assert holder.stdin is not None
            assert holder.stdout is not None
            with suppress(BrokenPipeError):
                holder.stdin.write(b"\n")
                holder.stdin.flush()
            if not holder.stdout.readline():
                raise _failed("unshare", holder.communicate()[1])
            yield holder.pid
        finally:
            holder.communicate()


def inside(holder: int, command: list[str]) -> list[str]:
    """The command that runs a command in a namespace, as the same process."""
    return ["nsenter", f"--net=/proc/{holder}/ns/net", *command]


def run_batch(program: str, holder: int, lines: list[str]) -> None:
    """Run lines of `ip` or `tc` in a namespace.

    Raises:
        ConfigError: One of them failed.
    """
    if lines:
        command = inside(holder, [program, "-batch", "-"])
        text = "\n".join(lines).encode()
        done = subprocess.run(command, input=text, capture_output=True, check=False)
        if done.returncode:
            raise _failed(program, done.stderr)


def keep_order(holder: int, names: Sequence[str]) -> None:
    """Let one CPU take in all that an interface in a namespace receives, where that can be set.

    Otherwise a veth's packets are taken in by whichever CPU sent them and overtake each
    other, and TCP sends again what was never lost.
    """
    cpus = min(os.cpu_count() or 1, 32)  # as many as one word of the mask has
    lines = ["mount -t sysfs sysfs /sys"]
    for index, name in enumerate(names):
        mask = 1 << index % cpus
        lines.append(f"echo {mask:x} > /sys/class/net/{name}/queues/rx-0/rps_cpus")
    # A mount of its own: /sys shows the interfaces of the namespace in which it was mounted.
    command = inside(holder, ["unshare", "--mount", "sh", "-e"])
    text = "\n".join(lines).encode()
    done = subprocess.run(command, input=text, capture_output=True, check=False)
    if done.returncode:  # for instance in a container that may not mount
        logger.info("packets may overtake each other: %s", done.stderr.decode(errors="replace"))


def _capabilities() -> int:
    status = Path("/proc/self/status").read_text("ascii")
    return int(re.findall(r"^CapEff:\s*([0-9a-f]+)$", status, re.MULTILINE)[0], 16)


def _failed(program: str, stderr: bytes) -> ConfigError:
    reason = " ".join(stderr.decode(errors="replace").split())
    return ConfigError(f"shaped links: {program} failed here ({reason})")
