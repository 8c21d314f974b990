"""`comlad run`: its options."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from comlad_deploy.commands._command import Command

__all__ = ["RUN"]


def _add_options(parser: ArgumentParser) -> None:
    parser.add_argument("experiment", type=Path, metavar="EXPERIMENT.toml")
    parser.add_argument(
        "--engine",
        choices=["processes", "inprocess"],
        default="processes",
        help="a process for the server and one for each device (default), or all in this one",
    )
    parser.add_argument(
        "--per-process", type=int, default=1, metavar="M", help="devices in a process (default: 1)"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="a.b=value",
        help="a key of the experiment; may be repeated",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: out/NAME")
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
        help="rounds from one checkpoint to the next; default: %(default)s",
    )
    parser.add_argument(
        "--attendance",
        type=Path,
        metavar="ROUNDS.jsonl",
        help="repeat a run over the network, with its absences, in this process",
    )
    parser.add_argument("--json", action="store_true", help="the summary on stdout, nothing else")


def _run(options: Namespace) -> None:
    from comlad_deploy.run import Persistence, run_file

    run_file(
        options.experiment,
        engine=options.engine,
        per_process=options.per_process,
        assignments=options.set,
        out=options.out,
        as_json=options.json,
        attendance=options.attendance,
        persistence=Persistence(
            resume=options.resume or options.resume_from is not None,
            resume_from=options.resume_from,
            every=options.checkpoint_every,
        ),
    )


RUN = Command(
    help="run an experiment file",
    description="Run an experiment to its end and leave summary.json, rounds.jsonl, "
    "model.npy and the resolved experiment.toml in a directory, in place of an earlier run's.",
    add_options=_add_options,
    run=_run,
)
