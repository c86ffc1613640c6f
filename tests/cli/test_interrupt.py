import os
import signal

import pytest

from microdsd.cli.interrupt import held_interrupts


@pytest.fixture(autouse=True)
def interruptible():
    """Tests that run as a background job were born ignoring interrupts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_waits_for_the_end_of_the_step(number):
    before = signal.getsignal(number)
    done = []

    def work():
        with held_interrupts() as release:
            for step in range(3):
                if step == 1:
                    os.kill(os.getpid(), number)
                done.append(step)
                release()

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == [0, 1]
    assert signal.getsignal(number) is before


def test_a_second_signal_does_not_wait():
    done = []

    def work():
        with held_interrupts():
            os.kill(os.getpid(), signal.SIGINT)
            done.append("one")
            os.kill(os.getpid(), signal.SIGINT)
            done.append("two")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["one"]


def test_a_background_job_goes_on_ignoring_interrupts():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with held_interrupts() as release:
            os.kill(os.getpid(), signal.SIGINT)
            release()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
