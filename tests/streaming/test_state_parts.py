"""What checkpoints hold of the tables of `mapWithState`: parts that are small, and are all the states together."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dstreams.streaming import statetable
from dstreams.streaming.statetable import Batch, StateTable


def count(key: Any, value: int | None, state: Any) -> None:
    if state.isTimingOut():
        return
    if value == 0:
        if state.exists():
            state.remove()
    else:
        state.update((state.getOption() or 0) + value)


class Folder:
    """The parts that are there after each checkpoint."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def take(self, part: statetable.Part) -> int:
        self.parts = [*self.parts[part.first : part.until], part.dumped]
        return len(part.dumped)

    def restored(self, timed: bool = True) -> StateTable:
        table = StateTable(timed)
        table.restore(self.parts)
        return table


def held(table: StateTable) -> tuple[dict[Any, Any], dict[Any, Any]]:
    return dict(table._states), dict(table._times)


BATCHES = st.lists(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 2)), max_size=6), min_size=1, max_size=40)


@given(BATCHES, st.integers(1, 20), st.integers(0, 3))
def test_parts_together_are_the_states(batches: list[list[tuple[int, int]]], idle: int, behind: int) -> None:
    table, folder = StateTable(True), Folder()
    table.load(0, 1, [(n, 100) for n in range(40, 60)])
    kept: int | None = None
    after: dict[int, Any] = {}
    for time, pairs in enumerate(batches, 1):
        table.apply(Batch(time, time - idle if time % 3 == 0 else None, max(0, time - behind - 2), True), count, pairs)
        after[time] = held(table)
        # A checkpoint is of an earlier batch when others have begun meanwhile.
        version = time - behind
        if version > 0 and kept != version:
            folder.take(table.dump(kept, version))
            kept = version
            restored = folder.restored()
            assert held(restored) == after[version]
            assert restored.version == version


def test_no_part_but_the_first_is_large_and_their_number_is_bounded() -> None:
    table, folder = StateTable(False), Folder()
    table.load(0, 1, [(f"key-{n}", 0) for n in range(20_000)])
    pick = random.Random(1)
    sizes, kept = [], None
    for time in range(1, 200):
        pairs = [(f"key-{pick.randrange(20_000)}", 1) for _ in range(200)]
        table.apply(Batch(time, None, time - 1, True), count, pairs)
        sizes.append(folder.take(table.dump(kept, time)))
        kept = time
    assert max(sizes[1:]) * 20 < sizes[0]
    assert len(folder.parts) <= 210
    assert held(folder.restored(False))[0] == held(table)[0]


def test_batches_that_touch_nothing_add_no_parts() -> None:
    table, folder = StateTable(True), Folder()
    kept = None
    for time in range(1, 100):
        table.apply(Batch(time, None, time - 1, True), count, [(1, 1)] if time < 3 else [])
        folder.take(table.dump(kept, time))
        kept = time
    assert len(folder.parts) <= 3
    assert folder.restored().version == 99
