"""What does memory cost after a pause, on ordinary pages and on huge ones?

Fills two pieces of memory, and each second looks through 2.4 MB of one of them, as the batch of a stream does. Prints
the milliseconds of each look: the median, and the longest. Needs Linux with transparent huge pages at `madvise` or
`always`; uses nothing of dstreams.

    python benches/cold_pages.py [--pauses 12]
"""

from __future__ import annotations

import argparse
import mmap
import statistics
import time

SIZE, LOOKED_AT = 64 << 20, 2_400_000


def filled(huge: bool) -> mmap.mmap:
    memory = mmap.mmap(-1, SIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_HUGEPAGE if huge else mmap.MADV_NOHUGEPAGE)
    memory.write(b"\1" * SIZE)
    return memory


def look(memory: mmap.mmap) -> float:
    begin = time.perf_counter()
    # From the second huge page on: the first one may begin in the middle.
    assert memory.find(b"\2", 4 << 20, (4 << 20) + LOOKED_AT) == -1
    return (time.perf_counter() - begin) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pauses", type=int, default=12)
    options = parser.parse_args()
    pieces = {"ordinary": filled(False), "huge": filled(True)}
    looks: dict[str, list[float]] = {name: [] for name in pieces}
    tiny = mmap.mmap(-1, 4096)
    for _ in range(options.pauses):
        for name, memory in pieces.items():
            time.sleep(1)
            tiny.find(b"\2")  # what the look itself needs
            looks[name].append(look(memory))
    for name, found in looks.items():
        again = look(pieces[name])
        print(f"{name}: {statistics.median(found):.2f} ms, at most {max(found):.2f}; at once again {again:.2f}")


if __name__ == "__main__":
    main()
