import platform
import subprocess
import sys

import pytest

# Blocks of 64 MiB are made and freed; the pages touched anew tell whether they were given back.
SCRIPT = """
import ctypes, resource, sys
from cnnviz_desktop.engine.allocator import keep_freed_memory
if sys.argv[1] == "kept":
    keep_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
size = 64 * 2**20
def turn():
    block = libc.malloc(size)
    ctypes.memset(block, 1, size)
    libc.free(block)
turn()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(8):
    turn()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(mode: str) -> int:
    run = [sys.executable, "-c", SCRIPT, mode]
    return int(subprocess.run(run, check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc alone gives memory back so")
def test_a_large_block_that_was_freed_serves_the_next_one():
    assert faults("as it is") > 8 * 10  # huge pages may make a page of what else would be 512
    assert faults("kept") < faults("as it is") / 10


def test_other_systems_are_left_alone(monkeypatch):
    from cnnviz_desktop.engine import allocator

    monkeypatch.setattr(sys, "platform", "win32")
    allocator.keep_freed_memory()
