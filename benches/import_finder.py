"""What does an installed dstreams add to interpreter start, and its finder to other imports?

Prints milliseconds and nanoseconds; promise: under 1 ms at start. Starts are measured in turns in two empty
environments that differ in nothing but the finder and its start line. What is printed is the median of the
differences between neighbours, since a busy machine disturbs both alike.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sysconfig
import tempfile
import time
import venv
from pathlib import Path

import _dstreams_names

TURNS = 100


def environment(home: Path, finder: bool) -> Path:
    """The interpreter of a new environment with nothing in it, or with the finder alone."""
    venv.create(home, with_pip=False, symlinks=True)
    site = Path(sysconfig.get_path("platlib", vars={"base": str(home), "platbase": str(home)}))
    python = home / "bin" / "python"
    if finder:
        shutil.copy(_dstreams_names.__file__, site)
        (site / "dstreams_names.pth").write_text("import _dstreams_names\n")
        subprocess.run([python, "-m", "compileall", "-q", site], check=True)
    code = "import sys; print('_dstreams_names' in sys.modules)"
    assert subprocess.check_output([python, "-c", code], text=True).strip() == str(finder)
    return python


def start_seconds(python: Path) -> float:
    """How long one start of an interpreter takes that does nothing."""
    begun = time.perf_counter()
    subprocess.run([python, "-c", "pass"], check=True)
    return time.perf_counter() - begun


def look_seconds(rounds: int = 1_000_000) -> float:
    """How long the finder takes to say that a name is none of its own."""
    find = _dstreams_names.Names.find_spec
    assert find("json.decoder") is None
    begun = time.perf_counter()
    for _ in range(rounds):
        find("json.decoder")
    return (time.perf_counter() - begun) / rounds


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        bare = environment(Path(folder, "without"), finder=False)
        ours = environment(Path(folder, "with"), finder=True)
        differences = [start_seconds(ours) - start_seconds(bare) for _ in range(TURNS)]
        start = statistics.median(start_seconds(bare) for _ in range(TURNS))
    print(f"an interpreter start takes    {start * 1e3:6.2f} ms (median of {TURNS})")
    print(f"the finder adds to it         {statistics.median(differences) * 1e3:6.2f} ms (median of {TURNS})")
    print(f"and to every other import     {look_seconds() * 1e9:6.0f} ns")


if __name__ == "__main__":
    main()
