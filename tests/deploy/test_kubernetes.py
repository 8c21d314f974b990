"""The manifests: what Kubernetes' schema says, and what must agree between them."""

import base64
import os
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from cluster import run_summary
from command_lines import commands_in, unknown_options

KUBERNETES = Path(__file__).parent.parent.parent / "deploy" / "kubernetes"
README = (KUBERNETES / "README.md").read_text("utf-8")
EXPERIMENT = tomllib.loads((KUBERNETES / "experiment.toml").read_text("utf-8"))
KUSTOMIZATION = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text("utf-8"))
OBJECTS: dict[tuple[str, str], dict[str, Any]] = {
    (thing["kind"], thing["metadata"]["name"]): thing
    for file in KUSTOMIZATION["resources"]
    for thing in yaml.safe_load_all((KUBERNETES / file).read_text("utf-8"))
}
SERVER = OBJECTS["StatefulSet", "comlad-server"]
DEVICES, BYZANTINE = OBJECTS["Job", "comlad-devices"], OBJECTS["Job", "comlad-byzantine"]
PODS = {
    thing["metadata"]["name"]: thing["spec"]["template"] for thing in (SERVER, DEVICES, BYZANTINE)
}

needs_kubectl = pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not installed")


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]


def scripts(value: object) -> Iterator[str]:
    """Every command line in a manifest, as a shell would read it."""
    if isinstance(value, dict):
        if "command" in value:
            words = [*value["command"], *value.get("args", [])]
            yield words[-1] if words[0] == "sh" and words[1].endswith("c") else shlex.join(words)
        for part in value.values():
            yield from scripts(part)
    elif isinstance(value, list):
        for part in value:
            yield from scripts(part)


def words_of(pod: dict[str, Any]) -> list[str]:
    main = pod["spec"]["containers"][0]
    (command,) = commands_in(shlex.join([*main["command"], *main["args"]]))
    return command


def option(pod: dict[str, Any], name: str) -> str:
    (value,) = (word.partition("=")[2] for word in words_of(pod) if word.startswith(f"{name}="))
    return value


def build() -> list[dict[str, Any]]:
    done = subprocess.run(
        ["kubectl", "kustomize", KUBERNETES], capture_output=True, text=True, check=True, timeout=60
    )
    return list(yaml.safe_load_all(done.stdout))


# The schema.


@pytest.mark.parametrize("name", OBJECTS, ids="-".join)
@pytest.mark.parametrize("release", ["1.29", kubernetes_validate.latest_version()])
def test_is_what_the_schema_wants(name: tuple[str, str], release: str) -> None:
    kubernetes_validate.validate(OBJECTS[name], release, strict=True)


def test_schema_finds_a_misspelt_field() -> None:
    broken = {**DEVICES, "spec": {**DEVICES["spec"], "paralellism": 8}}

    with pytest.raises(kubernetes_validate.ValidationError, match="paralellism"):
        kubernetes_validate.validate(broken, kubernetes_validate.latest_version(), strict=True)


@needs_kubectl
def test_kustomize_builds_all_of_it() -> None:
    built = build()

    assert {(thing["kind"], thing["metadata"]["name"]) for thing in built} >= set(OBJECTS)
    for thing in built:
        kubernetes_validate.validate(thing, kubernetes_validate.latest_version(), strict=True)
        assert thing["kind"] == "Namespace" or thing["metadata"]["namespace"] == "comlad"
    (config,) = (thing for thing in built if thing["kind"] == "ConfigMap")
    assert config["data"]["experiment.toml"] == (KUBERNETES / "experiment.toml").read_text("utf-8")
    assert config["data"]["hold.sh"] == (KUBERNETES / "hold.sh").read_text("utf-8")
    (server,) = (thing for thing in built if thing["kind"] == "StatefulSet")
    mounted = server["spec"]["template"]["spec"]["volumes"][0]["configMap"]["name"]
    assert mounted == config["metadata"]["name"] != "comlad-experiment"


# Who is which device.


def test_the_two_jobs_are_all_devices_of_the_experiment() -> None:
    honest, lying = DEVICES["spec"]["completions"], BYZANTINE["spec"]["completions"]

    assert EXPERIMENT["devices"]["count"] == honest + lying
    assert EXPERIMENT["devices"]["byzantine"] == list(range(honest, honest + lying))
    for job in (DEVICES, BYZANTINE):
        assert job["spec"]["completionMode"] == "Indexed"
        assert job["spec"]["parallelism"] == job["spec"]["completions"]


def test_liars_tell_the_experiments_lie() -> None:
    words = words_of(PODS["comlad-byzantine"])
    attack = dict(EXPERIMENT["attack"])

    assert option(PODS["comlad-byzantine"], "--attack") == attack.pop("kind")
    given = [word.partition("=")[2] for word in words if word.startswith("--set=")]
    assert given == [f"{key}={value}" for key, value in attack.items()]


@pytest.mark.parametrize("job", [DEVICES, BYZANTINE], ids=["honest", "byzantine"])
def test_a_pod_gets_the_key_of_its_index_and_no_other(job: dict[str, Any], tmp_path: Path) -> None:
    spec = job["spec"]["template"]["spec"]
    (step,) = spec["initContainers"]
    everything, own = tmp_path / "all", tmp_path / "own"
    for index in range(job["spec"]["completions"]):
        shutil.rmtree(everything, ignore_errors=True)
        shutil.rmtree(own, ignore_errors=True)
        everything.mkdir()
        own.mkdir()
        (everything / "ca.pem").touch()
        for device in range(EXPERIMENT["devices"]["count"]):
            for file in ("cert.pem", "key.pem"):
                (everything / f"device-{device}.{file}").write_text(f"{device} {file}")
        script = step["args"][0].replace("/all/", f"{everything}/").replace("/keys/", f"{own}/")
        variables = {variable["name"]: variable["value"] for variable in step.get("env", [])}
        subprocess.run(
            [*step["command"], script],
            env={**os.environ, **variables, "JOB_COMPLETION_INDEX": str(index)},
            check=True,
        )

        device = index + (DEVICES["spec"]["completions"] if job is BYZANTINE else 0)
        assert {file.name for file in own.iterdir()} == {"ca.pem", "cert.pem", "key.pem"}
        assert (own / "key.pem").read_text() == f"{device} key.pem"
        assert (own / "key.pem").stat().st_mode & 0o777 == 0o600


def test_a_device_never_sees_the_secret_of_all() -> None:
    for job in (DEVICES, BYZANTINE):
        spec = job["spec"]["template"]["spec"]
        secrets = {volume["name"] for volume in spec["volumes"] if "secret" in volume}
        (device,) = spec["containers"]
        assert secrets
        assert not secrets & {mount["name"] for mount in device["volumeMounts"]}


@needs_kubectl
def test_secrets_hold_what_the_pods_mount(tmp_path: Path) -> None:
    for directory in ("server", "watcher", *(f"device-{device}" for device in range(10)), "."):
        (tmp_path / directory).mkdir(exist_ok=True)
        for file in ("ca.pem", "ca.key", "cert.pem", "key.pem"):
            (tmp_path / directory / file).write_text(f"{directory} {file}")
        if directory != ".":
            (tmp_path / directory / "ca.key").unlink()

    done = subprocess.run(
        [KUBERNETES / "secrets.sh", tmp_path, "8", "2"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    secrets = {
        thing["metadata"]["name"]: thing for thing in yaml.safe_load_all(done.stdout) if thing
    }
    mounted = {
        volume["secret"]["secretName"]
        for pod in PODS.values()
        for volume in pod["spec"]["volumes"]
        if "secret" in volume
    }
    assert set(secrets) == mounted
    assert {thing["metadata"]["namespace"] for thing in secrets.values()} == {"comlad"}
    assert set(secrets["comlad-server"]["data"]) == {"ca.pem", "cert.pem", "key.pem"}
    for name, ids in (("comlad-devices", range(8)), ("comlad-byzantine", range(8, 10))):
        files = {f"device-{i}.{file}" for i in ids for file in ("cert.pem", "key.pem")}
        assert set(secrets[name]["data"]) == {"ca.pem", *files}
    key = base64.b64decode(secrets["comlad-byzantine"]["data"]["device-9.key.pem"])
    assert key == b"device-9 key.pem"
    assert "secrets.sh keys 8 2 | kubectl apply -f -" in README


# Ports, images, rights.


def test_ports_are_the_same_everywhere() -> None:
    ports = {
        port["name"]: port["containerPort"]
        for port in containers(PODS["comlad-server"])[0]["ports"]
    }
    service = {port["name"]: port for port in OBJECTS["Service", "comlad-server"]["spec"]["ports"]}

    assert {name: port["port"] for name, port in service.items()} == ports
    assert {name: port["targetPort"] for name, port in service.items()} == {
        name: name for name in ports
    }
    assert option(PODS["comlad-server"], "--listen") == f"0.0.0.0:{ports['training']}"
    assert option(PODS["comlad-server"], "--metrics") == f"0.0.0.0:{ports['metrics']}"
    for name in ("comlad-devices", "comlad-byzantine"):
        assert option(PODS[name], "--server") == f"comlad-server:{ports['training']}"
    inward = OBJECTS["NetworkPolicy", "comlad-server"]["spec"]["ingress"]
    assert [rule["ports"][0]["port"] for rule in inward] == [ports["training"], ports["metrics"]]
    outward = OBJECTS["NetworkPolicy", "comlad-devices"]["spec"]["egress"]
    assert outward[0]["ports"][0]["port"] == ports["training"]


def test_selectors_find_the_pods_they_mean() -> None:
    def found_by(selector: dict[str, str]) -> set[str]:
        return {
            name
            for name, pod in PODS.items()
            if selector.items() <= pod["metadata"]["labels"].items()
        }

    server, devices = {"comlad-server"}, {"comlad-devices", "comlad-byzantine"}
    inward = OBJECTS["NetworkPolicy", "comlad-server"]["spec"]
    outward = OBJECTS["NetworkPolicy", "comlad-devices"]["spec"]
    assert found_by(OBJECTS["Service", "comlad-server"]["spec"]["selector"]) == server
    assert found_by(SERVER["spec"]["selector"]["matchLabels"]) == server
    assert found_by(inward["podSelector"]["matchLabels"]) == server
    assert found_by(inward["ingress"][0]["from"][0]["podSelector"]["matchLabels"]) == devices
    assert found_by(outward["podSelector"]["matchLabels"]) == devices
    assert found_by(outward["egress"][0]["to"][0]["podSelector"]["matchLabels"]) == server


def test_all_pods_run_one_image_with_no_more_rights_than_they_need() -> None:
    image = KUSTOMIZATION["images"][0]
    assert image["newTag"] == version("comlad")
    for pod in PODS.values():
        assert pod["spec"]["automountServiceAccountToken"] is False
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
        assert pod["spec"]["securityContext"]["runAsUser"] == 10001
        assert pod["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in containers(pod):
            assert container["image"] == image["name"]
            assert set(container["resources"]["limits"]) == {"cpu", "memory"}
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


# The programs.


def test_programs_know_every_option_they_are_given() -> None:
    text = [script for thing in OBJECTS.values() for script in scripts(thing)]
    text += re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    commands = [command for script in text for command in commands_in(script)]

    assert {command[0] for command in commands} == {
        *("comlad", "comlad-server", "comlad-device", "comlad-byzantine")
    }
    for command in commands:
        assert not unknown_options(command), command


def test_experiment_is_one(tmp_path: Path) -> None:
    out = tmp_path / "out"

    summary = run_summary(
        KUBERNETES / "experiment.toml", out, "--engine", "inprocess", "--set", "rounds=3"
    )

    assert summary["rounds"] == 3
    assert summary["experiment"]["devices"]["byzantine"] == [8, 9]


def test_readme_links_to_files_that_are_there() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)

    assert links
    for link in [*links, *re.findall(r"`([\w.-]+\.(?:yaml|toml|sh))`", README)]:
        assert (KUBERNETES / link).exists(), link
