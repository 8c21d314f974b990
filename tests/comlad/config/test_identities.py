import tracemalloc

import pytest

from comlad.config import SERVER, WATCHER, Identity, parse_identity
from comlad.errors import ConfigError

IDENTITIES = {
    "urn:comlad:server": SERVER,
    "urn:comlad:watcher": WATCHER,
    "urn:comlad:devices:3": Identity.of_devices([3]),
    "urn:comlad:devices:0-4,7": Identity.of_devices([7, 4, 3, 2, 1, 0]),
}


@pytest.mark.parametrize("uri", IDENTITIES)
def test_reads_the_name_that_it_writes(uri: str) -> None:
    assert parse_identity(uri) == IDENTITIES[uri]
    assert IDENTITIES[uri].uri == uri


@pytest.mark.parametrize(
    ("uri", "directory"),
    [*zip(IDENTITIES, ["server", "watcher", "device-3", "devices-0-4,7"], strict=True)],
)
def test_names_a_directory(uri: str, directory: str) -> None:
    assert IDENTITIES[uri].directory == directory


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "urn:comlad:devices",
        "urn:comlad:devices:",
        "urn:comlad:devices:3,3",
        "urn:comlad:devices:4-2",
        "urn:comlad:devices:99999999999",
        "urn:comlad:device:3",
        "urn:comlad:server:3",
        "URN:comlad:server",
        "https://example.org/urn:comlad:server",
        "urn:comlad:" + "x" * 10**6,
    ],
)
def test_reads_no_other_name(uri: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_identity(uri)

    assert len(str(caught.value)) < 300


def test_sorts_the_devices_of_a_name() -> None:
    assert parse_identity("urn:comlad:devices:7,0-4") == IDENTITIES["urn:comlad:devices:0-4,7"]


def test_takes_no_memory_for_a_billion_devices() -> None:
    tracemalloc.start()
    try:
        identity = parse_identity("urn:comlad:devices:0-999999999,2000000000")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 100_000
    assert identity.count == 10**9 + 1
    assert 999_999_999 in identity
    assert 10**9 not in identity


@pytest.mark.parametrize(
    ("identity", "text"),
    [
        (SERVER, "the server"),
        (WATCHER, "the watcher"),
        (Identity.of_devices([3]), "device 3"),
        (Identity.of_devices([0, 1, 4]), "devices 0-1,4"),
    ],
)
def test_is_named_in_complaints(identity: Identity, text: str) -> None:
    assert str(identity) == text


def test_is_named_in_few_words_however_many_devices_it_is() -> None:
    text = str(Identity.of_devices(range(0, 10_000, 2)))

    assert text.startswith("devices 0,2,4,")
    assert text.endswith(" and more")
    assert len(text) < 100
