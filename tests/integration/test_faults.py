"""Devices that die, ports that are taken, servers that are not there, and Ctrl-C."""

import signal
import socket
import subprocess
from pathlib import Path

import psutil
import pytest
from cluster import (
    PATIENCE_S,
    SMALL,
    Server,
    comlad,
    devices,
    read_rounds,
    serving,
    wait_until,
    write_experiment_file,
)
from stranger import Stranger

pytestmark = pytest.mark.integration

# Long beside a round, so that only a device that is gone misses it.
DEADLINE_S = 5.0


def test_goes_on_without_a_device_that_was_killed(tmp_path: Path) -> None:
    tables = SMALL | {"rounds": 1000, "devices": {"count": 4, "deadline_s": DEADLINE_S}}

    with serving(tables, tmp_path) as server, devices(server.address, 0, 1, 2, 3) as processes:
        wait_until(lambda: server.rounds_closed() > 20, "some rounds")
        processes[3].kill()
        summary = server.finish()

    records = read_rounds(server.out)
    lost = next(record["round"] for record in records if record["missing"])
    assert summary["rounds"] == 1000
    assert summary["loss"]["final"] < summary["loss"]["initial"]
    assert lost > 0
    assert all(record["missing"] == [3] for record in records[lost:])
    assert summary["faults"]["by_device"] == {"3": {"missing": 1000 - lost, "refused": 0}}
    # The round in which it died may wait until the deadline, those after it do not.
    assert sum(record["seconds"] >= DEADLINE_S for record in records) <= 1


def last_round(server: Server) -> str:
    return (server.out / "rounds.jsonl").read_text().splitlines()[-1]


def test_takes_a_device_back_from_the_open_round_on(tmp_path: Path) -> None:
    tables = SMALL | {"rounds": 10**6, "devices": {"count": 2, "deadline_s": DEADLINE_S}}

    with serving(tables, tmp_path) as server, devices(server.address, 0):
        with devices(server.address, 1):
            wait_until(lambda: server.rounds_closed() > 20, "some rounds")
        alone = server.rounds_closed()
        wait_until(lambda: server.rounds_closed() > alone + 20, "some rounds without it")
        with devices(server.address, 1):
            wait_until(lambda: '"missing": []' in last_round(server), "its return")
            back = server.rounds_closed()
            wait_until(lambda: server.rounds_closed() > back + 20, "some rounds with it")
            server.process.send_signal(signal.SIGINT)
            server.end()

    # The summary would also count replies to the round that the signal broke off.
    records = read_rounds(server.out)
    missing = [record["missing"] for record in records]
    left = missing.index([1])
    returned = missing.index([], left)
    assert not any(record["refused"] for record in records)
    assert missing[left:returned] == [[1]] * (returned - left)
    assert missing[returned : returned + 20] == [[]] * 20


def test_waits_when_nobody_is_left_and_refuses_nobody_who_comes_back(tmp_path: Path) -> None:
    tables = SMALL | {"rounds": 1000, "devices": {"count": 2, "deadline_s": 1.0}}

    with serving(tables, tmp_path) as server:
        with devices(server.address, "0-1"):
            wait_until(lambda: server.rounds_closed() > 20, "some rounds")
        wait_until(lambda: server.says("no device is connected"), "the server to notice")
        with devices(server.address, "0-1"):
            summary = server.finish()

    assert summary["rounds"] == 1000
    assert summary["faults"]["refused"] == 0
    assert summary["faults"]["missing"] <= 2 * 2


def test_waits_for_a_server_that_is_not_there_yet(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"

    with devices(address, "0-3") as (process,):
        assert process.stderr is not None
        complaint = process.stderr.readline()
        server = Server(write_experiment_file(tmp_path, SMALL), tmp_path / "out", address)
        summary = server.finish()
        assert process.wait(PATIENCE_S) == 0

    assert f"no server at {address} yet" in complaint
    assert summary["rounds"] == 10


def test_comes_back_to_a_server_that_was_killed_and_started_again(tmp_path: Path) -> None:
    tables = SMALL | {"rounds": 500}

    with serving(tables, tmp_path) as first, devices(first.address, 0, 1, 2, 3) as processes:
        wait_until(lambda: first.rounds_closed() > 20, "some rounds")
        first.process.kill()
        first.process.wait(PATIENCE_S)
        second = Server(tmp_path / "small.toml", tmp_path / "again", first.address)
        summary = second.finish()
        statuses = [process.wait(PATIENCE_S) for process in processes]

    assert statuses == [0, 0, 0, 0]
    assert summary["rounds"] == 500
    assert summary["faults"]["refused"] == 0


def test_says_that_a_port_is_in_use_and_leaves_earlier_results(tmp_path: Path) -> None:
    file = write_experiment_file(tmp_path, SMALL)
    out = tmp_path / "out"
    out.mkdir()
    (out / "summary.json").write_text("earlier")

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        server = Server(file, out, address)
        status, errors = server.end()

    assert status == 2
    (line,) = errors.splitlines()
    assert f"--listen {address}: the port is in use" in line
    assert (out / "summary.json").read_text() == "earlier"


def test_finishes_a_run_in_which_a_device_was_killed(tmp_path: Path) -> None:
    tables = SMALL | {"rounds": 1000, "devices": {"count": 4, "deadline_s": 2.0}}
    file = write_experiment_file(tmp_path, tables)
    out = tmp_path / "out"
    run = subprocess.Popen(comlad("run", file, "--out", out), stderr=subprocess.PIPE, text=True)
    rounds = out / "rounds.jsonl"
    wait_until(lambda: rounds.exists() and rounds.read_text().count("\n") > 5, "some rounds")

    children = psutil.Process(run.pid).children(recursive=True)
    next(child for child in children if "comlad_device" in child.cmdline()).kill()
    _, errors = run.communicate(timeout=PATIENCE_S)

    assert run.returncode == 0
    # On a busy machine devices may take longer than the deadline to start, which is said.
    (line,) = [line for line in errors.splitlines() if "still waiting for" not in line]
    assert "ended with status -9; the run goes on without" in line
    assert len(read_rounds(out)) == 1000


def test_ends_when_no_device_is_left(tmp_path: Path) -> None:
    file = write_experiment_file(tmp_path, SMALL | {"rounds": 10**6})
    out = tmp_path / "out"
    run = subprocess.Popen(comlad("run", file, "--out", out), stderr=subprocess.PIPE, text=True)
    rounds = out / "rounds.jsonl"
    wait_until(lambda: rounds.exists() and rounds.read_text().count("\n") > 5, "some rounds")

    for child in psutil.Process(run.pid).children(recursive=True):
        if "comlad_device" in child.cmdline():
            child.kill()
    _, errors = run.communicate(timeout=PATIENCE_S)

    assert run.returncode == 1
    assert errors.splitlines()[-1] == "comlad: no device is left; what was reached is kept"
    assert '"stopped"' in (out / "summary.json").read_text()


def test_gives_up_an_id_that_is_taken(tmp_path: Path) -> None:
    with serving(SMALL, tmp_path) as server, Stranger(server.address, [2]):
        with devices(server.address, 2) as (second,):
            _, errors = second.communicate(timeout=PATIENCE_S)

    assert second.returncode == 1
    assert "ALREADY_EXISTS: device 2 is connected already" in errors


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_keeps_what_was_reached_in_one_process(tmp_path: Path, number: signal.Signals) -> None:
    file = write_experiment_file(tmp_path, SMALL | {"rounds": 10**6})
    out = tmp_path / "out"
    command = comlad("run", file, "--out", out, "--engine", "inprocess")
    run = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    rounds = out / "rounds.jsonl"
    wait_until(lambda: rounds.exists() and rounds.read_text().count("\n") > 5, "some rounds")

    run.send_signal(number)
    _, errors = run.communicate(timeout=PATIENCE_S)

    assert run.returncode == 130
    assert errors == "comlad: interrupted; what was finished is kept\n"
    assert '"stopped": "interrupted"' in (out / "summary.json").read_text()


def test_keeps_a_summary_when_stopped_before_the_first_round(tmp_path: Path) -> None:
    with serving(SMALL, tmp_path) as server, devices(server.address, "0-2") as (process,):
        server.process.send_signal(signal.SIGINT)
        status, errors = server.end()

    assert status == 1
    assert errors.splitlines()[-1] == "comlad-server: stopped by SIGINT"
    assert '"rounds": 0' in (server.out / "summary.json").read_text()
    assert process.poll() is not None


def test_says_who_is_waited_for(tmp_path: Path) -> None:
    tables = SMALL | {
        "devices": {"count": 4, "byzantine": [3], "deadline_s": 0.5},
        "attack": {"command": ["sleep", "1000"]},
    }
    file = write_experiment_file(tmp_path, tables)
    with subprocess.Popen(
        comlad("run", file, "--out", tmp_path / "out"), stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stderr is not None
        lines = iter(run.stderr.readline, "")
        said = any("still waiting for 1 devices, the first is 3" in line for line in lines)
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=PATIENCE_S)

    assert said
    assert run.returncode == 130


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ends_every_process_when_interrupted(tmp_path: Path, number: signal.Signals) -> None:
    tables = SMALL | {
        "rounds": 10**6,
        "devices": {"count": 4, "byzantine": 1},
        "attack": {"kind": "sign-flip"},
    }
    file = write_experiment_file(tmp_path, tables)
    out = tmp_path / "out"
    run = subprocess.Popen(
        comlad("run", file, "--out", out), stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    rounds = out / "rounds.jsonl"
    wait_until(lambda: rounds.exists() and rounds.read_text().count("\n") > 5, "some rounds")
    children = psutil.Process(run.pid).children(recursive=True)

    run.send_signal(number)
    _, errors = run.communicate(timeout=PATIENCE_S)

    assert len(children) == 5
    assert not psutil.wait_procs(children, timeout=PATIENCE_S)[1]
    assert run.returncode == 130
    assert errors.endswith("comlad: interrupted; what was finished is kept\n")
    assert '"stopped": "stopped by SIGTERM"' in (out / "summary.json").read_text()
    assert (out / "model.npy").exists()
    assert len(read_rounds(out)) > 5


def test_ends_the_others_when_the_server_dies(tmp_path: Path) -> None:
    file = write_experiment_file(tmp_path, SMALL | {"rounds": 10**6})
    out = tmp_path / "out"
    run = subprocess.Popen(comlad("run", file, "--out", out), stderr=subprocess.PIPE, text=True)
    rounds = out / "rounds.jsonl"
    wait_until(lambda: rounds.exists() and rounds.read_text().count("\n") > 5, "some rounds")
    children = psutil.Process(run.pid).children(recursive=True)
    server = next(child for child in children if "comlad_server" in child.cmdline())

    server.kill()
    _, errors = run.communicate(timeout=PATIENCE_S)

    assert run.returncode == 1
    assert errors.startswith("comlad: ")
    assert not psutil.wait_procs(children, timeout=PATIENCE_S)[1]


def test_ends_when_an_attack_program_does_not_last(tmp_path: Path) -> None:
    tables = SMALL | {
        "devices": {"count": 4, "byzantine": 1},
        "attack": {"command": ["false"]},
    }
    file = write_experiment_file(tmp_path, tables)

    done = subprocess.run(
        comlad("run", file, "--out", tmp_path / "out"),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )

    assert done.returncode == 1
    assert "ended with status 1 before the run began" in done.stderr
