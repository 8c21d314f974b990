"""`comlad compose`: the Docker Compose file of a cluster of so many devices.

Every container has a volume with its own key and sees no other's, which is why a file
names each device and has no number of replicas. It keeps to what both docker-compose 1.29
and `docker compose` understand.
"""

from comlad.config import require

__all__ = ["compose_file"]

_MOST_DEVICES = 1000  # containers on one engine; more devices share processes

_HEAD = """\
# A cluster in containers: a server, {count} devices, a key maker and a report.
# Written by: comlad compose --devices {count}
#
#   docker compose up                 trains, and leaves a figure and tables in ./out
#   docker compose down --volumes     forgets the run and the keys
#
# docker-compose 1.29 does as well. Settings, and who lies, are in .env; the rest of the
# experiment is in experiment.toml. The next `up` goes on with a run that was interrupted.

x-comlad: &comlad
  image: ${{COMLAD_IMAGE:-comlad:local}}
  read_only: true
  tmpfs: [/tmp]
  cap_drop: [ALL]
  security_opt: ["no-new-privileges:true"]

x-device: &device
  <<: *comlad
  depends_on:
    keys: {{condition: service_completed_successfully}}
  restart: on-failure:5
  mem_limit: 128m
  environment: &who-lies
    BYZANTINE: ${{BYZANTINE-8,9}}
    ATTACK: ${{ATTACK:-sign-flip}}
    ATTACK_PARAMETERS: ${{ATTACK_PARAMETERS-}}

services:
  # Makes what keys are missing. Only it ever sees the authority's.
  keys:
    <<: *comlad
    build:
      context: ${{COMLAD_SOURCE:-../..}}
      dockerfile: deploy/docker/Dockerfile
      network: ${{BUILD_NETWORK:-host}}
      args:
        - PYTHON_IMAGE=${{PYTHON_IMAGE:-python:3.12-slim}}
        - PIP_INDEX_URL
        - PIP_EXTRA_INDEX_URL
        - PIP_TRUSTED_HOST
    command: [cluster-keys, "{count}"]
    user: "0:0"
    cap_add: [CHOWN, DAC_OVERRIDE, FOWNER]
    network_mode: none
    mem_limit: 128m
    volumes:
      - key-authority:/keys
      - key-server:/keys/server
      - key-watcher:/keys/watcher
{keys}

  server:
    <<: *comlad
    depends_on:
      keys: {{condition: service_completed_successfully}}
    command: [cluster-server, "{count}"]
    restart: on-failure:5
    mem_limit: 512m
    stop_grace_period: 30s
    environment:
      <<: *who-lies
      ROUNDS: ${{ROUNDS:-1500}}
      TABLE: ${{TABLE:-5}}
    volumes:
      - ./experiment.toml:/experiment.toml:ro
      - results:/results
      - key-server:/keys:ro
      - key-watcher:/watcher:ro
    healthcheck:
      test: [CMD, comlad, watch, "127.0.0.1:5757", --keys, /watcher, --once]
      interval: 15s
      timeout: 10s
      start_period: 30s

  # Waits for the end of the run. Its files belong to whom the directory belongs to.
  report:
    <<: *comlad
    depends_on: [server]
    command: [cluster-report]
    user: "0:0"
    cap_add: [SETUID, SETGID]
    network_mode: none
    mem_limit: 768m
    volumes:
      - results:/results:ro
      - link:/link:ro
      - ${{OUT:-./out}}:/out
"""

_DEVICE = """\
  device-{device}:
    <<: *device
    command: [cluster-device, "{device}"]
    volumes: ["key-{device}:/keys:ro", "link:/link"]
"""

_VOLUMES = """\

volumes:
  results:
  link:
  key-authority:
  key-server:
  key-watcher:
"""


def compose_file(count: int) -> str:
    """The text of a compose.yaml with so many devices.

    Raises:
        ConfigError: There cannot be so many.
    """
    require(1 <= count <= _MOST_DEVICES, "--devices", count, f"must be from 1 to {_MOST_DEVICES}")
    keys = "\n".join(f"      - key-{device}:/keys/device-{device}" for device in range(count))
    devices = "".join("\n" + _DEVICE.format(device=device) for device in range(count))
    volumes = "".join(f"  key-{device}:\n" for device in range(count))
    return _HEAD.format(count=count, keys=keys) + devices + _VOLUMES + volumes
