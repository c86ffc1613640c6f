import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from microdsd.progress.interrupts import held_interrupts


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


def test_the_echo_of_a_signal_waits_as_well(monkeypatch):
    """What torchrun passes on, within seconds; later it is a second signal."""
    now = 100.0
    monkeypatch.setattr("microdsd.progress.interrupts.time.monotonic", lambda: now)
    done = []

    def work():
        nonlocal now
        with held_interrupts(echo=10.0):
            os.kill(os.getpid(), signal.SIGTERM)
            now += 9.0
            os.kill(os.getpid(), signal.SIGTERM)
            done.append("one")
            now += 2.0
            os.kill(os.getpid(), signal.SIGTERM)
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


def test_children_never_hear_it_and_this_process_hears_it_at_the_end():
    """A child that starts inside lives on; what came meanwhile is raised by release."""
    with held_interrupts(children=True) as release:
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        os.kill(child.pid, signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        heard_within(10.0, release)
    child.communicate(b"\n")
    assert child.returncode == 0
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def heard_within(seconds, release):
    """Call release until the signal is heard: another thread may have been given it."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        release()
        time.sleep(0.01)


def test_a_thread_holds_nothing():
    before, failures = signal.getsignal(signal.SIGINT), []

    def work():
        try:
            with held_interrupts(children=True) as release:
                release()
        except Exception as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert failures == []
    assert signal.getsignal(signal.SIGINT) is before
