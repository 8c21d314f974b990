import grpc
import pytest

from comlad.errors import ComladError, ConfigError, MessageError, RoundError, Status


@pytest.mark.parametrize("status", Status)
def test_numbers_a_status_as_grpc_does(status: Status) -> None:
    assert grpc.StatusCode[status.name].value[0] == status


@pytest.mark.parametrize("error", [ConfigError, MessageError, RoundError])
def test_can_be_caught_as_one_of_comlads(error: type[Exception]) -> None:
    assert issubclass(error, ComladError)


def test_calls_a_message_malformed_unless_told_otherwise() -> None:
    assert MessageError("reason").status is Status.INVALID_ARGUMENT
