"""`RDD.explain()`: does it tell what the engine does with each function, why, and where?"""

from __future__ import annotations

import importlib
import math
import re
from collections.abc import Callable
from operator import add

import pytest
from pyspark import RDD, BasicProfiler, SparkContext

from dstreams.explain import Line, Report, explain_rdd
from dstreams.explain.methods import _OF_FUNCTIONS
from dstreams.udf import decode

SEEN = [1]


def clean(word):
    for mark in ".,":
        word = word.replace(mark, "")
    return word


def tidy(word):
    return clean(word)


LOOP = clean.__code__.co_firstlineno + 1
HERE = "test_explain.py"


def lines_of(report: Report) -> list[Line]:
    return [line for block in report.blocks for line in block.lines]


def verdicts(report: Report) -> list[tuple[str, str, str]]:
    return [(line.method, line.text, line.verdict) for line in lines_of(report)]


def reason_of(rdd) -> str:
    return lines_of(explain_rdd(rdd))[-1].verdict


# -- the picture ------------------------------------------------------------------------------------
def test_a_word_count_is_told_by_its_shuffle(sc: SparkContext, capsys: pytest.CaptureFixture[str]) -> None:
    lines = sc.parallelize(["to be", "or not"], 2)
    words = lines.flatMap(lambda line: line.split(" "))
    first = test_a_word_count_is_told_by_its_shuffle.__code__.co_firstlineno + 2
    counts = words.map(lambda word: (word, 1)).reduceByKey(lambda a, b: a + b).map(tidy)
    assert counts.explain() is None
    assert capsys.readouterr().out == (
        "1. data (2 partitions)\n"
        f'     flatMap      lambda line: line.split(" ")  {HERE}:{first}  native\n'
        f"     map          lambda word: (word, 1)        {HERE}:{first + 2}  native\n"
        f"     reduceByKey  lambda a, b: a + b            {HERE}:{first + 2}  native\n"
        "2. shuffle of 1 (2 partitions)\n"
        f"     reduceByKey  lambda a, b: a + b            {HERE}:{first + 2}  native\n"
        f"     map          tidy                          {HERE}:{LOOP + 5}  "
        f"Python: it calls clean (line {LOOP + 6}), which uses a loop (line {LOOP})\n"
        "3 of 4 functions run natively.\n"
    )


def test_a_lineage_with_branches_names_its_blocks_by_number(sc: SparkContext) -> None:
    words = sc.parallelize(["a", "b"], 2).map(str.upper)
    left = words.map(lambda word: (word, 1))
    right = words.map(lambda word: (word, 2)).partitionBy(3, lambda key: len(key))
    report = explain_rdd(left.union(right))
    assert [block.title for block in report.blocks] == [
        "data (2 partitions)",
        "goes on from 1",
        "goes on from 1",
        "shuffle of 3 (3 partitions)",
        "union of 2 and 4 (5 partitions)",
    ]
    assert [(line.method, line.text) for line in report.blocks[3].lines] == [("partitionBy", "lambda key: len(key)")]
    assert len(report.functions) == 4


def test_files_have_their_path_in_the_title(sc: SparkContext, tmp_path) -> None:
    path = tmp_path / "lines.txt"
    path.write_text("a\n")
    assert explain_rdd(sc.textFile(str(path), 1)).blocks[0].title == f"textFile {path} (1 partition)"


def test_files_that_are_missing_are_a_note(sc: SparkContext, tmp_path) -> None:
    report = explain_rdd(sc.textFile(str(tmp_path / "none")).map(len))
    assert "number of partitions is not known" in report.notes[0]
    assert verdicts(report) == [("map", "len", "native")]


# -- what the plan does -----------------------------------------------------------------------------
def test_a_function_between_functions_of_python_is_told_as_that(sc: SparkContext) -> None:
    rdd = sc.parallelize(["a"]).map(clean).map(lambda word: word + "!")
    assert "it could run natively, but what comes before it needs Python" in reason_of(rdd)
    # A fold by key wants columns, so the same function is native before one.
    counted = rdd.map(lambda word: (word, 1)).reduceByKey(add)
    told = {line.text: line.native for line in lines_of(explain_rdd(counted))}
    assert told == {
        "clean": False,
        'lambda word: word + "!"': True,
        "lambda word: (word, 1)": True,
        "operator.add": True,
    }


def test_a_native_step_after_one_of_python_says_how_it_gets_its_elements(sc: SparkContext) -> None:
    taken_in = "native, each element taken in as it is made"
    made = sc.parallelize(["a"]).map(clean)
    counted = made.filter(lambda word: len(word) > 1).map(lambda word: (word, 1)).reduceByKey(add)
    told = [line.verdict for line in lines_of(explain_rdd(counted))[1:]]
    # Whatever follows gets its columns, and so does what comes after a shuffle.
    assert told == [taken_in, "native", "native", "native"]
    assert taken_in in str(explain_rdd(counted))
    assert [line.verdict for line in lines_of(explain_rdd(made.groupBy(len).mapValues(len)))][-1] != taken_in
    plain = sc.parallelize(["a"]).map(lambda word: (word, 1)).reduceByKey(add)
    assert {line.verdict for line in lines_of(explain_rdd(plain))} == {"native"}
    # A sample hands elements on as they are.
    sampled = lines_of(explain_rdd(made.sample(False, 0.5, 1).map(lambda word: word + "!")))
    assert "what comes before it needs Python" in sampled[-1].reason
    again = lines_of(explain_rdd(made.sample(False, 0.5, 1).map(lambda word: (word, 1)).reduceByKey(add)))
    assert [line.verdict for line in again if line.method == "map"][-1] == taken_in
    assert not any(line.takes_in for line in lines_of(explain_rdd(plain.sample(False, 0.5, 1).map(len))))


def test_a_placing_function_is_called_for_what_python_makes(sc: SparkContext) -> None:
    def told(rdd: RDD[tuple[str, int]]) -> str:
        placed = explain_rdd(rdd.partitionBy(2, lambda key: len(key)))
        return next(line.verdict for line in lines_of(placed) if line.method == "partitionBy")

    pairs = sc.parallelize([("a", 1)])
    assert told(pairs.map(lambda pair: pair)) == "native"
    assert told(pairs.map(lambda pair: (clean(pair[0]), SEEN[0]))) == "Python: it is called for each key"


def test_what_is_told_before_an_action_holds_after_it(sc: SparkContext) -> None:
    rdd = sc.parallelize(["a b"], 1).flatMap(str.split).map(clean).map(lambda word: (word, SEEN[0])).reduceByKey(add)
    before = explain_rdd(rdd)
    rdd.collect()
    assert verdicts(explain_rdd(rdd)) == verdicts(before)


def test_explaining_freezes_nothing_and_takes_no_number(sc: SparkContext) -> None:
    factor = 2
    rdd = sc.parallelize([1, 2]).map(lambda x: x * factor)
    explain_rdd(rdd)
    factor = 3
    assert rdd.collect() == [3, 6]
    other = sc.parallelize([1]).map(lambda x: x + 1)
    explain_rdd(other)
    assert other.id() == sc.parallelize([1]).map(lambda x: x).id() - 2


def test_turned_off_all_is_python_and_a_note_says_why(sc: SparkContext, monkeypatch: pytest.MonkeyPatch) -> None:
    rdd = sc.parallelize([1]).map(lambda x: x + 1)
    monkeypatch.setenv("DSTREAMS_NATIVE", "0")
    report = explain_rdd(rdd)
    assert report.notes == ("DSTREAMS_NATIVE is 0, so all functions run in Python.",)
    assert not lines_of(report)[0].native
    frozen = sc.parallelize([1]).map(lambda x: x + 1)
    frozen.collect()
    monkeypatch.delenv("DSTREAMS_NATIVE")
    # It was frozen without native functions, and stays so.
    assert not lines_of(explain_rdd(frozen))[0].native
    assert lines_of(explain_rdd(rdd))[0].native


def test_on_an_unknown_python_one_line_says_so(sc: SparkContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "RULES", {})
    text = str(explain_rdd(sc.parallelize([1]).map(lambda x: x - 1).filter(lambda x: x - 2)))
    assert len(re.findall("a Python that is not known here", text)) == 1
    assert text.startswith("Note: This is CPython 3.")
    assert [line.rsplit("  ", 1)[1] for line in text.splitlines()[2:4]] == ["Python", "Python"]


def test_worker_processes_are_told_of(spark: Callable[..., SparkContext]) -> None:
    sc = spark("local[2]", {"spark.dstreams.python.workers": "1"})
    called = explain_rdd(sc.parallelize(["a"]).map(clean))
    assert called.notes == ("Python functions of block 1 are called in worker processes.",)
    assert explain_rdd(sc.parallelize(["a"]).map(str.upper)).notes == ()


def test_a_profiler_has_all_functions_called(spark: Callable[..., SparkContext], tmp_path) -> None:
    sc = spark("local[2]", {"spark.python.profile": "true"})
    assert isinstance(sc.profiler_collector.profiler_cls(sc), BasicProfiler)
    rdd = sc.parallelize([1]).map(lambda x: x + 1)
    wanted = "Python: a profiler is on (spark.python.profile), so all functions are called"
    assert [line.verdict for line in lines_of(explain_rdd(rdd))] == [wanted]
    rdd.collect()
    assert [line.verdict for line in lines_of(explain_rdd(rdd))] == [wanted]
    sc.dump_profiles(str(tmp_path))  # else they are printed at the end


# -- reasons ----------------------------------------------------------------------------------------
def test_reasons_are_in_plain_words(sc: SparkContext) -> None:
    rdd = sc.parallelize([1])
    assert reason_of(rdd.map(lambda x: SEEN[0])).startswith("Python: it reads the list `SEEN`, which may change (line ")
    divided = reason_of(rdd.map(lambda x: math.gcd(x, 2)))
    assert divided.startswith("Python: it calls math.gcd, which the engine does not know (line ")
    assert reason_of(rdd.mapPartitions(lambda xs: xs)) == (
        "Python: it gets a whole partition, and only functions of single elements run natively"
    )
    pairs = rdd.map(lambda x: (x, x))
    folded = explain_rdd(pairs.combineByKey(lambda v: {v}, lambda a, b: a | {b}, lambda a, b: a | b)).blocks[0].lines
    assert folded[1].verdict.startswith("Python: it builds a set (line ")
    made = explain_rdd(pairs.combineByKey(lambda v: v + 1, add, add)).blocks[0].lines
    assert [line.verdict for line in made[1:]] == ["native"] * 2


def test_functions_inside_of_the_librarys_own_are_found(sc: SparkContext) -> None:
    rdd = sc.parallelize(["a", "b"], 1)
    grouped = rdd.groupBy(lambda word: clean(word))
    assert verdicts(explain_rdd(grouped))[0] == (
        "keyBy",
        "lambda word: clean(word)",
        f"Python: it calls clean (line {lines_of(explain_rdd(grouped))[0].line}), which uses a loop (line {LOOP})",
    )
    folded = rdd.map(lambda word: (word, 1)).aggregateByKey(0, lambda a, b: a + b + 1, add)
    assert ("aggregateByKey", "lambda a, b: a + b + 1") in [told[:2] for told in verdicts(explain_rdd(folded))]
    assert not any("deepcopy" in line.text for line in lines_of(explain_rdd(folded)))


def test_a_function_that_cannot_travel_is_a_note(sc: SparkContext) -> None:
    report = explain_rdd(sc.parallelize([1]).map(lambda x: [sc, x]))
    assert "SPARK-5063" in report.notes[0]
    assert len(lines_of(report)) == 1


# -- names ------------------------------------------------------------------------------------------
def test_lambdas_of_one_line_are_told_apart(sc: SparkContext) -> None:
    rdd = sc.parallelize([1]).map(lambda x: x + 1).map(lambda x: x + 2).map(lambda x: (lambda y: y)(x)).map(len)
    texts = [line.text for line in lines_of(explain_rdd(rdd))]
    assert texts[:3] == ["lambda x: x + 1", "lambda x: x + 2", "lambda x: (lambda y: y)(x)"] or (
        # Positions are known since CPython 3.11.
        not hasattr(clean.__code__, "co_positions") and texts[:3] == ["lambda x: ..."] * 3
    )
    assert texts[3] == "len"


def test_a_function_without_source_has_a_name_and_no_text(sc: SparkContext) -> None:
    names: dict = {}
    exec(compile("f = lambda a: a\ndef g(b): return b", "/nowhere/made.py", "exec"), names)
    told = lines_of(explain_rdd(sc.parallelize([1]).map(names["f"]).map(names["g"]).map(str.lower)))
    assert [(line.text, line.place) for line in told] == [
        ("lambda a: ...", "made.py:1"),
        ("g", "made.py:2"),
        ("str.lower", ""),
    ]


def test_the_summary_counts_each_function_once(sc: SparkContext) -> None:
    rdd = sc.parallelize([1])
    assert str(explain_rdd(rdd)).endswith("No function of the program runs for each element.")
    assert str(explain_rdd(rdd.map(str))).endswith("The only function runs natively.")
    assert str(explain_rdd(rdd.map(clean))).endswith("The only function runs in Python.")
    assert str(explain_rdd(rdd.map(str).map(clean).map(clean))).endswith("1 of 2 functions run natively.")


def test_every_function_in_the_table_of_methods_is_there() -> None:
    for name in _OF_FUNCTIONS:
        module, _, function = name.rpartition(".")
        assert callable(getattr(importlib.import_module(f"dstreams.{module}"), function)), name
