import signal

import pytest

from comlad_deploy.interrupts import heeded_signals

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_a_run_where_it_is_asked_for(number: signal.Signals) -> None:
    with heeded_signals() as check:
        check()
        signal.raise_signal(number)  # in the middle of something
        with pytest.raises(KeyboardInterrupt):
            check()


def test_a_second_signal_ends_it_anywhere() -> None:
    with heeded_signals():
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)


def test_further_signals_do_not_break_off_what_follows_its_end() -> None:
    with heeded_signals() as check:
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            check()

        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)


def test_signals_mean_afterwards_what_they_meant_before() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]

    with heeded_signals():
        pass

    assert [signal.getsignal(number) for number in SIGNALS] == before
