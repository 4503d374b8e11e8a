"""A function run in processes of torch.distributed; what each of them returns."""

import os
import subprocess
import sys
from pathlib import Path

import torch

PROGRAM = """
import importlib, os, sys
from datetime import timedelta
import torch
sys.path.insert(0, sys.argv[1])
torch.set_num_threads(1)
module, function, rank, count, address, result = sys.argv[2:8]
wait = timedelta(seconds=150)
meet = {"init_method": f"file://{address}", "rank": int(rank), "world_size": int(count), "timeout": wait}
torch.distributed.init_process_group("gloo", **meet)
torch.save(getattr(importlib.import_module(module), function)(int(rank), os.path.dirname(address)), result)
torch.distributed.barrier()
os._exit(0)  # gloo's threads can outlive the interpreter and keep the process from ending
"""
"""Threads of gloo end with their process alone."""
LIMIT_S = 200
"""A limit that only a defect reaches."""


def in_processes(count: int, file: str, function: str, folder: Path) -> list[object]:
    """What the function of a file gives for its place and the folder, in each of so many processes."""
    where, module = Path(file).parent, Path(file).stem
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "GLOO_SOCKET_IFNAME": "lo"}
    results = [folder / f"result-{rank}" for rank in range(count)]
    command = [sys.executable, "-c", PROGRAM, str(where), module, function]
    ranks = [
        subprocess.Popen([*command, str(rank), str(count), str(folder / "meet"), str(results[rank])], env=environment)
        for rank in range(count)
    ]
    try:
        assert [rank.wait(timeout=LIMIT_S) for rank in ranks] == [0] * count
    finally:
        for rank in ranks:
            rank.kill()
            rank.wait()
    return [torch.load(result, weights_only=False) for result in results]
