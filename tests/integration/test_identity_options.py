"""The options by which servers and devices say who they are, as a person meets them."""

from pathlib import Path

import pytest
from cluster import SMALL, write_experiment_file

from comlad_device.cli import main as device_main
from comlad_server.cli import main as server_main

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def unchanged_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRPC_VERBOSITY", "NONE")  # which both set for their process


class TestOptions:
    @pytest.mark.parametrize("listen", ["0.0.0.0:0", "[::]:0", "10.1.2.3:5757"])
    def test_of_a_server_say_how_others_connect(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], listen: str
    ) -> None:
        file = write_experiment_file(tmp_path, SMALL)
        command = ["--experiment", str(file), "--out", str(tmp_path / "out"), "--listen", listen]

        with pytest.raises(SystemExit) as caught:
            server_main(command)

        (line,) = capsys.readouterr().err.splitlines()
        assert caught.value.code == 2
        assert line.startswith(
            f"comlad-server: --listen {listen}: must have --keys DIR, or --insec"
        )
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize(
        ("options", "complaint"),
        [
            (
                ["10.0.0.1:5757", "--device", "0"],
                "--server 10.0.0.1:5757: must have --keys DIR, or",
            ),
            (["localhost:5757"], "--device is missing: must be given where there are no --keys"),
            (
                ["localhost:1", "--device", "0", "--give-up", "0"],
                "--give-up = 0.0: must be above 0",
            ),
            (["localhost:1", "--keys", "KEYS"], "has 10 devices' keys; say --device"),
            (["localhost:1", "--keys", "KEYS", "--device", "10"], "with the key of device 10"),
            (
                ["h:1", "--keys", "KEYS", "--insecure", "--device", "0"],
                "--insecure: must be without",
            ),
        ],
    )
    def test_of_a_device_say_how_it_connects(
        self,
        keys: Path,
        capsys: pytest.CaptureFixture[str],
        options: list[str],
        complaint: str,
    ) -> None:
        words = [str(keys) if word == "KEYS" else word for word in options]

        with pytest.raises(SystemExit) as caught:
            device_main(["--server", *words])

        (line,) = capsys.readouterr().err.splitlines()
        assert caught.value.code == 2
        assert complaint in line
