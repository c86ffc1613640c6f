import pytest
import torch

from microdsd.device import precision as precision_module
from microdsd.device.precision import Precision, fastest_threads, resolve_dtype, single_threaded
from microdsd.errors import InputError

CPU = torch.device("cpu")


@pytest.mark.parametrize("failing", [False, True])
def test_threads_and_precision_are_restored(failing):
    before = torch.get_num_threads()
    try:
        with Precision("bfloat16", 3).applied(CPU):
            assert torch.get_num_threads() == 3
            assert torch.is_autocast_enabled("cpu")
            if failing:
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert torch.get_num_threads() == before
    assert not torch.is_autocast_enabled("cpu")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_convolutions_run_in_the_precision(dtype):
    convolution = torch.nn.Conv2d(1, 1, 3)
    with Precision(dtype, 1).applied(CPU):
        assert str(convolution(torch.zeros(1, 1, 4, 4)).dtype) == f"torch.{dtype}"


def flags(tmp_path, text):
    path = tmp_path / "cpuinfo"
    path.write_text(text)
    return precision_module._processor_flags(path)


@pytest.mark.parametrize(
    ("cpuinfo", "dtype"),
    [
        ("processor\t: 0\nflags\t\t: fpu avx512f avx512_bf16\nbugs\t: none\n", "bfloat16"),
        ("flags\t\t: fpu amx_bf16 amx_tile\n", "bfloat16"),
        ("flags\t\t: fpu avx2 avx512f avx512_vnni\nflags\t\t: avx512_bf16\n", "float32"),
        ("flags\t\t: avx512_bf16_not\n", "float32"),
        ("", "float32"),
    ],
)
def test_the_hardware_decides(tmp_path, monkeypatch, cpuinfo, dtype):
    """What x86 processors say of themselves, and nothing else."""
    monkeypatch.setattr(precision_module.platform, "machine", lambda: "x86_64")
    found = flags(tmp_path, cpuinfo)
    monkeypatch.setattr(precision_module, "_processor_flags", lambda: found)
    assert resolve_dtype("auto", CPU) == dtype


def test_a_machine_that_says_nothing_runs_float32(tmp_path, monkeypatch):
    monkeypatch.setattr(precision_module.platform, "machine", lambda: "arm64")
    assert flags(tmp_path, "flags: avx512_bf16") == frozenset()
    assert precision_module._processor_flags(tmp_path / "nowhere") == frozenset()


def test_no_stopwatch_decides(monkeypatch):
    """However slow a machine is now, its precision is that of its hardware."""
    before = resolve_dtype("auto", CPU)
    with monkeypatch.context() as patch:
        patch.setattr(precision_module, "_seconds", lambda *a: pytest.fail("measured"))
        patch.setattr(precision_module.time, "perf_counter", lambda: pytest.fail("measured"))
        assert resolve_dtype("auto", CPU) == before


@pytest.mark.parametrize("asked", ["float32", "bfloat16"])
def test_a_precision_asked_for_is_taken(asked):
    assert resolve_dtype(asked, CPU) == asked


@pytest.mark.parametrize("asked", ["double", "float16", "", "BFLOAT16"])
def test_other_precisions_are_refused(asked):
    with pytest.raises(InputError, match=f"precision='{asked}': choose 'auto', 'float32'"):
        resolve_dtype(asked, CPU)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_s_capability_decides():
    expected = "bfloat16" if torch.cuda.get_device_capability()[0] >= 8 else "float32"
    assert resolve_dtype("auto", torch.device("cuda")) == expected


def test_the_faster_thread_count_is_chosen(monkeypatch):
    seconds = {1: 0.03, 2: 0.002}
    monkeypatch.setattr(precision_module, "_thread_counts", lambda device: [1, 2])
    monkeypatch.setattr(precision_module, "_seconds", lambda work, how, *rest: seconds[how.threads])
    monkeypatch.setattr(precision_module.os, "getloadavg", lambda: (0.1, 99.0, 99.0))
    assert fastest_threads(lambda: None, CPU, "float32") == 2
    seconds[1] = 0.001
    assert fastest_threads(lambda: None, CPU, "float32") == 1


def test_where_all_cores_are_taken_no_second_thread_is_tried(monkeypatch):
    monkeypatch.setattr(precision_module, "_thread_counts", lambda device: [1, 2])
    monkeypatch.setattr(precision_module, "_seconds", lambda *a: pytest.fail("tried"))
    monkeypatch.setattr(precision_module.os, "getloadavg", lambda: (999.0, 0.0, 0.0))
    assert fastest_threads(lambda: None, CPU, "float32") == 1


def test_a_function_on_one_thread():
    """And the caller's number of threads comes back, also after an error."""

    @single_threaded
    def count(wrong=False):
        assert not wrong
        return torch.get_num_threads()

    torch.set_num_threads(2)
    assert count() == 1
    with pytest.raises(AssertionError):
        count(wrong=True)
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize(("asked", "counts"), [("4", [1, 4]), ("1", [1]), ("3,2", [1, 3])])
def test_thread_counts_obey_the_environment(monkeypatch, asked, counts):
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert precision_module._thread_counts(CPU) == counts


@pytest.mark.parametrize("asked", ["", "many", "0"])
def test_thread_counts_without_a_number_in_the_environment(monkeypatch, asked):
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert 1 in precision_module._thread_counts(CPU)


@pytest.mark.parametrize(
    ("dtype", "threads"),
    [("float32", 0), ("float32", 2**70), ("float32", -1), ("float32", 2.0), ("float32", True),
     ("float64", 1), ("", 1)],
)  # fmt: skip
def test_what_no_machine_runs_with_is_refused(dtype, threads):
    with pytest.raises(InputError, match="give "):
        Precision(dtype, threads)
