"""The comlad-server command."""

import argparse
import asyncio
import logging
import os
import sys
from pathlib import Path

from threadpoolctl import threadpool_limits
from uvloop import new_event_loop

from comlad.config import at, read_toml
from comlad.errors import ConfigError, RoundError
from comlad.experiment import prepare, read_experiment
from comlad_server._allocation import give_back_large_arrays

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Run the server; exits with 2 for bad input and 1 for a run that failed."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        level=options.log_level.upper(), format="%(asctime)s %(levelname)s %(message)s"
    )
    # gRPC's own lines would double ours; it looks at this when it is first imported.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from comlad_server._serving import Options, serve

    # Another number of BLAS threads changes the last bits of products.
    threadpool_limits(1)
    try:
        with at(f"{options.experiment}:"):
            directory = options.experiment.parent.absolute()
            experiment = read_experiment(read_toml(options.experiment), directory)
        out = options.out or Path("out", experiment.name)
        prepared = prepare(experiment)
        threadpool_limits(1)  # of what a plug-in brought
        give_back_large_arrays(prepared.objective.dimension)
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(
                serve(
                    prepared,
                    Options(
                        listen=options.listen,
                        out=out,
                        as_json=options.json,
                        count_link=options.count_link,
                    ),
                )
            )
    except ConfigError as error:
        sys.exit(_complain(error, 2))
    except (RoundError, OSError) as error:  # a disk that is full, for instance
        sys.exit(_complain(error, 1))


def _complain(error: Exception, status: int) -> int:
    print(f"comlad-server: {error}", file=sys.stderr)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="comlad-server",
        description="The parameter server of an experiment: waits for its devices, trains, "
        "and leaves what came of it in a directory.",
    )
    parser.add_argument(
        "--experiment", type=Path, required=True, metavar="FILE", help="a TOML file"
    )
    parser.add_argument(
        "--listen", required=True, metavar="HOST:PORT", help="port 0: one that is free"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="for results (default: out/NAME)")
    parser.add_argument(
        "--json", action="store_true", help="events on stdout, a JSON object a line"
    )
    parser.add_argument(
        "--count-link",
        action="store_true",
        help="the network interfaces of this host or container carry this run and nothing else: "
        "count their bytes (Linux)",
    )
    parser.add_argument(
        "--log-level", default="info", choices=["debug", "info", "warning", "error"]
    )
    return parser
