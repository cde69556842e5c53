"""Every notebook runs from top to bottom in this interpreter, and shows in its cells what it promises."""

from __future__ import annotations

import json
import re
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

with warnings.catch_warnings():
    # Libraries of Jupyter announce changes of their own at import.
    warnings.simplefilter("ignore")
    import nbformat
    from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))

Run = Callable[[Path], list[str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Executes a notebook and gives the text on stdout of each code cell. The kernel is this very interpreter."""
    kernel = tmp_path / "jupyter" / "kernels" / "this-python"
    kernel.mkdir(parents=True)
    spec = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "this Python",
        "language": "python",
        # Settings of the user's IPython are no part of the lesson.
        "env": {"IPYTHONDIR": str(tmp_path / "ipython")},
    }
    (kernel / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")

    def execute(file: Path) -> list[str]:
        notebook = nbformat.read(file, as_version=4)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            NotebookClient(
                notebook, kernel_name="this-python", timeout=50, resources={"metadata": {"path": str(tmp_path)}}
            ).execute()
        cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        complaints = [output.text for cell in cells for output in cell.outputs if output.get("name") == "stderr"]
        assert complaints == []
        return ["".join(o.text for o in cell.outputs if o.get("name") == "stdout") for cell in cells]

    return execute


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_it_is_stored_without_outputs(file: Path) -> None:
    cells = [cell for cell in nbformat.read(file, as_version=4).cells if cell.cell_type == "code"]
    assert [(cell.outputs, cell.execution_count) for cell in cells] == [([], None)] * len(cells)


def check_first_stream(printed: list[str]) -> None:
    batch = re.compile(
        r"^-{43}\nTime: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\n-{43}\n((?:\('[a-z]+', \d+\)\n)+)\n", flags=re.MULTILINE
    )
    batches = [dict(re.findall(r"\('(\w+)', (\d+)\)", found)) for text in printed for found in batch.findall(text)]
    assert len(batches) >= 5
    # Ten lines a second, the two of them in turn: each of their words about five times, "to" and "be" twice that.
    words = {"to", "be", "or", "not", "that", "is", "the", "question"}
    assert set().union(*batches) == words
    full = batches[2]
    assert set(full) == words
    assert 4 <= int(full["question"]) <= 6 and 8 <= int(full["be"]) <= 12
    history = [text for text in printed if re.search(r"^\d\d:\d\d:\d\d \d+ lines$", text, flags=re.MULTILINE)]
    assert history
    assert re.search(r"^stopped after \d+ batches$", printed[-1], flags=re.MULTILINE)


CHECKS: dict[str, Callable[[list[str]], None]] = {"01_first_stream": check_first_stream}


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_it_runs_and_its_cells_show_what_it_promises(run: Run, file: Path) -> None:
    CHECKS[file.stem](run(file))
