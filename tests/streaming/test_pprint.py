"""`pprint` prints what Apache Spark 3.5.9 printed for the same stream, byte for byte."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from pyspark import SparkContext
from pyspark.streaming import StreamingContext

# Recorded from Spark; {time} stands for the time of the batch. Per batch four outputs, in order of definition.
RECORDED = [
    """\
-------------------------------------------
Time: {time}
-------------------------------------------
plain
it's
say "hi"
tab	here
new
line

ünï ☃ 𝄞
b'bytes'
1
1.0

-------------------------------------------
Time: {time}
-------------------------------------------
('plain', 1)
("it's", 1)
...

-------------------------------------------
Time: {time}
-------------------------------------------
...

-------------------------------------------
Time: {time}
-------------------------------------------
10

""",
    """\
-------------------------------------------
Time: {time}
-------------------------------------------
True
None
(1, 'a')
['l', 2.5]
{'k': (1,)}
{1}
1e+100
10000000000000000000000000
nan
('nested', ('x', [None]))
...

-------------------------------------------
Time: {time}
-------------------------------------------
(True, 1)
(None, 1)
...

-------------------------------------------
Time: {time}
-------------------------------------------
...

-------------------------------------------
Time: {time}
-------------------------------------------
11

""",
    """\
-------------------------------------------
Time: {time}
-------------------------------------------

-------------------------------------------
Time: {time}
-------------------------------------------

-------------------------------------------
Time: {time}
-------------------------------------------

-------------------------------------------
Time: {time}
-------------------------------------------
0

""",
]

INPUT = [
    ["plain", "it's", 'say "hi"', "tab\there", "new\nline", "", "ünï ☃ 𝄞", b"bytes", 1, 1.0],
    [
        *(True, None, (1, "a"), ["l", 2.5], {"k": (1,)}, {1}, 1e100, 10**25, float("nan")),
        *(("nested", ("x", [None])), "eleventh"),
    ],
    [],
]


def test_it_prints_what_spark_prints(
    sc: SparkContext, ssc: StreamingContext, eventually: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    times = []
    stream = ssc.queueStream([sc.parallelize(batch, 3) for batch in INPUT])
    stream.pprint()
    stream.map(lambda x: (x, 1)).pprint(2)
    stream.pprint(0)
    stream.count().pprint(num=1)
    stream.foreachRDD(lambda time, rdd: times.append(time))
    ssc.start()
    eventually(lambda: len(times) >= 3)
    ssc.stop(stopSparkContext=False)
    expected = "".join(text.replace("{time}", str(time)) for text, time in zip(RECORDED, times, strict=False))
    assert capsys.readouterr().out[: len(expected)] == expected


def test_the_time_of_a_whole_second_has_no_fraction_and_others_have_microseconds(
    ssc: StreamingContext, eventually: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    times = []
    stream = ssc.queueStream([[1]])
    stream.pprint()
    stream.foreachRDD(lambda time, rdd: times.append(time))
    ssc.start()
    eventually(lambda: any(time.microsecond == 0 for time in times) and len(times) > 3)
    ssc.stop(stopSparkContext=False)
    printed = re.findall(r"^Time: (.*)$", capsys.readouterr().out, flags=re.MULTILINE)
    assert printed[: len(times)] == [str(time) for time in times]
    assert {len(text) for text in printed} == {len("2026-01-01 12:00:00"), len("2026-01-01 12:00:00.050000")}


def test_pprint_does_not_run_through_a_batch_of_which_it_prints_little(
    sc: SparkContext, ssc: StreamingContext, eventually: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    asked = sc.accumulator(0)
    ssc.queueStream([sc.range(200_000, numSlices=1)]).map(lambda x: asked.add(1) or x).pprint(2)
    ssc.start()
    eventually(lambda: asked.value)
    ssc.stop(stopSparkContext=False)
    assert "\n0\n1\n...\n\n" in capsys.readouterr().out
    assert asked.value < 100_000
