"""The comlad-server command."""

import argparse
import asyncio
import os
import sys
from pathlib import Path

from threadpoolctl import threadpool_limits
from uvloop import new_event_loop

from comlad.config import at, read_toml, with_assignments
from comlad.errors import ConfigError, RoundError
from comlad.experiment import prepare, read_experiment
from comlad.logs import add_log_options, complain, start_logging
from comlad_server._allocation import give_back_large_arrays

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Run the server; exits with 2 for bad input and 1 for a run that failed."""
    options = _parser().parse_args(arguments)
    start_logging(options.log_level, options.log_format)
    # gRPC's own lines would double ours; it looks at this when it is first imported.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from comlad_server._serving import Options, serve

    # Another number of BLAS threads changes the last bits of products.
    threadpool_limits(1)
    try:
        tables = with_assignments(read_toml(options.experiment), options.set)
        with at(f"{options.experiment}:"):
            experiment = read_experiment(tables, options.experiment.parent.absolute())
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
                        checkpoint_every=options.checkpoint_every,
                        resume=options.resume or options.resume_from is not None,
                        resume_from=options.resume_from,
                        keys=options.keys,
                        insecure=options.insecure,
                        metrics=options.metrics,
                        table_s=options.table,
                    ),
                )
            )
    except ConfigError as error:
        complain("comlad-server", error, options.log_format)
        sys.exit(2)
    except (RoundError, OSError) as error:  # a disk that is full, for instance
        complain("comlad-server", error, options.log_format)
        sys.exit(1)


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
        "--set",
        action="append",
        default=[],
        metavar="a.b=value",
        help="a key of the experiment; may be repeated",
    )
    parser.add_argument(
        "--listen", required=True, metavar="HOST:PORT", help="port 0: one that is free"
    )
    parser.add_argument(
        "--keys",
        type=Path,
        metavar="DIR",
        help="the server's key, or a directory with all, as comlad keys leaves them: only "
        "devices with a key of theirs may connect",
    )
    parser.add_argument(
        "--insecure",
        action="store_true",
        help="listen without encryption and proof of who is who where others can connect",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="for results (default: out/NAME)")
    parser.add_argument(
        "--json", action="store_true", help="events on stdout, a JSON object a line"
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on from where an earlier run in that directory stopped, if there is one",
    )
    parser.add_argument(
        "--resume-from", type=Path, metavar="FILE", help="the same from a certain checkpoint"
    )
    parser.add_argument(
        "--checkpoint-every",
        type=int,
        default=50,
        metavar="K",
        help="rounds from one checkpoint to the next; default: %(default)s; 0: none",
    )
    parser.add_argument(
        "--count-link",
        action="store_true",
        help="the network interfaces of this host or container carry this run and nothing else: "
        "count their bytes (Linux)",
    )
    parser.add_argument("--metrics", metavar="HOST:PORT", help="answer Prometheus there, over HTTP")
    parser.add_argument(
        "--table",
        type=float,
        metavar="SECONDS",
        help="a table of the devices and their bytes in the log, so often and at the end",
    )
    add_log_options(parser)
    return parser
