"""Memory that is free."""

import torch

from microdsd.device import memory


def test_what_is_free_is_what_the_machine_or_its_control_group_has(tmp_path, monkeypatch):
    assert 1e6 < memory.available_memory() < 1e14
    for name, text in {"max": "1000", "current": "700", "stat": "anon 1\ninactive_file 50"}.items():
        (tmp_path / f"memory.{name}").write_text(text)
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    assert memory.available_memory() == 350
    (tmp_path / "memory.max").write_text("max")
    assert memory.available_memory() > 1e6


def test_a_gpu_is_asked_itself(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (5_000, 10_000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 300)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 100)
    assert memory.available_memory(torch.device("cuda", 0)) == 5_200
