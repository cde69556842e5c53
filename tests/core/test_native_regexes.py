"""Do jobs whose functions use regular expressions give the same natively and in Python?"""

from __future__ import annotations

import re
from collections import namedtuple
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dstreams import Row, SparkContext
from dstreams.explain import explain_rdd

LOG = re.compile(r'^(\S+) (\S+) (\S+) \[([\w:/]+\s[+\-]\d{4})\] "(\S+) (\S+)\s*(\S*)" (\d{3}) (\S+)')
Access = namedtuple("Access", "host status size")
LINES = [
    line
    for number in range(300)
    for line in (
        f'10.0.0.{number % 7} - - [07/Mar/2004:16:05:49 -0800] "GET /p/{number} HTTP/1.1" {200 + number % 3} {number}',
        f"line {number} of no log",
    )
]


@pytest.fixture
def sc() -> Iterator[SparkContext]:
    context = SparkContext("local[2]", "regexes")
    yield context
    context.stop()


def parse(line: str) -> Any:
    m = LOG.match(line)
    return (m.group(1), int(m.group(9))) if m else None


def parse_to_class(line: str) -> Any:
    m = LOG.match(line)
    return Access(m.group(1), int(m.group(8)), int(m.group(9))) if m else None


def parse_to_row(line: str) -> Any:
    m = re.match(LOG, line)
    if m is None:
        return None
    return Row(host=m.group(1), size=int(m.group(9)))


def both_ways(monkeypatch: pytest.MonkeyPatch, job: Callable[[], Any]) -> Any:
    monkeypatch.setenv("DSTREAMS_NATIVE", "1")
    native = job()
    monkeypatch.setenv("DSTREAMS_NATIVE", "0")
    assert repr(job()) == repr(native)
    return native


@pytest.fixture
def lines(sc: SparkContext, tmp_path: Any) -> Any:
    (tmp_path / "log.txt").write_text("\n".join(LINES) + "\n", encoding="utf-8")
    return lambda: sc.textFile(str(tmp_path / "log.txt"), 3)


JOBS: dict[str, Callable[[Any], Any]] = {
    "sum by host": lambda rdd: rdd.map(parse).filter(lambda x: x is not None).reduceByKey(lambda a, b: a + b).collect(),
    "by truth": lambda rdd: rdd.map(parse).filter(lambda x: x).groupByKey().mapValues(list).collect(),
    "none kept": lambda rdd: rdd.map(parse).collect(),
    "matches": lambda rdd: rdd.filter(lambda line: LOG.match(line)).map(lambda line: line.split(" ")[0]).collect(),
    "method": lambda rdd: rdd.filter(re.compile(r"\b[37]\b").search).collect(),
    "words": lambda rdd: rdd.flatMap(re.compile(r"[a-z]+").findall).map(lambda w: (w, 1)).countByKey(),
    "classes": lambda rdd: rdd.map(parse_to_class).filter(lambda x: x is not None).map(lambda x: x.size).sum(),
    "rows": lambda rdd: rdd.map(parse_to_row).filter(lambda x: x is not None).map(lambda r: (r.host, 1)).countByKey(),
    "cleaned": lambda rdd: rdd.map(lambda line: re.sub(r"[^\w\s]+", " ", line)).distinct().count(),
}


@pytest.mark.parametrize("name", JOBS)
def test_jobs_give_the_same_both_ways(lines: Any, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert both_ways(monkeypatch, lambda: JOBS[name](lines()))


@pytest.mark.parametrize("other", ["é", "ünï 10", "\u2028"])
def test_lines_that_are_not_ascii_are_pythons(sc: SparkContext, monkeypatch: pytest.MonkeyPatch, other: str) -> None:
    data = [LINES[0] + other, *LINES[:50], other]
    found = both_ways(monkeypatch, lambda: sc.parallelize(data, 2).map(lambda line: re.findall(r"\w+", line)).collect())
    assert found == [re.findall(r"\w+", line) for line in data]


def test_a_missing_match_raises_as_in_python(sc: SparkContext, lines: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def failure() -> str:
        with pytest.raises(Exception, match="'NoneType' object has no attribute 'group'") as caught:
            lines().map(lambda line: LOG.match(line).group(1)).collect()
        return type(caught.value).__name__ + repr(caught.value.__cause__)

    assert "AttributeError" in both_ways(monkeypatch, failure)


def test_explain_says_that_they_are_native(lines: Any) -> None:
    rdd = lines().map(parse).filter(lambda x: x is not None).reduceByKey(lambda a, b: a + b)
    report = explain_rdd(rdd)
    assert [line.verdict for block in report.blocks for line in block.lines] == ["native"] * 4
    (ahead,) = explain_rdd(lines().map(lambda line: re.sub(r"a(?=b)", "", line))).blocks[0].lines
    assert ahead.verdict.startswith("Python: it uses a regular expression that looks ahead or back (line ")
