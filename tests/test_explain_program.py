"""`python -m dstreams explain`: a table of a program's functions, whatever the program does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
from pyspark import SparkContext
from pyspark.streaming import StreamingContext

def clean(line):
    words = []
    for word in line.split():
        words.append(word)
    return words

sc = SparkContext("local[2]", "test")
ssc = StreamingContext(sc, 1)
host, port = sys.argv[1:]
numbers = sc.parallelize([1, 2]).map(lambda x: x + 1)
print("sum", numbers.sum())
numbers.foreach(lambda x: print(end=""))
never_used = numbers.map(lambda x: x * 2)
words = ssc.socketTextStream(host, int(port)).flatMap(clean).filter(lambda word: len(word) > 1)
words.map(lambda word: (word, 1)).reduceByKey(lambda a, b: a + b).foreachRDD(lambda rdd: print(rdd.collect()))
try:
    ssc.start()
    ssc.awaitTermination()
finally:
    print("the end")
    ssc.stop()
"""

TABLE = """\
sum 5
the end
Functions of {program}:
  flatMap      clean                             app.py:6   Python: it uses a loop (line 8)
  map          lambda x: x + 1                   app.py:15  native
  foreach      lambda x: print(end="")           app.py:17  Python: it calls print, which has side effects (line 17)
  map          lambda x: x * 2                   app.py:18  native
  filter       lambda word: len(word) > 1        app.py:19  native, each element taken in as it is made
  map          lambda word: (word, 1)            app.py:20  native
  reduceByKey  lambda a, b: a + b                app.py:20  native
  foreachRDD   lambda rdd: print(rdd.collect())  app.py:20  Python: it runs in the driver, once per batch
5 of 7 functions run natively. 1 more runs in the driver, once per batch.
"""


def explain(tmp_path: Path, text: str, *arguments: str) -> tuple[subprocess.CompletedProcess[str], str]:
    program = tmp_path / "app.py"
    program.write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "dstreams", "explain", str(program), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60), str(program)


def test_every_function_is_listed_once_with_its_line(tmp_path: Path) -> None:
    done, program = explain(tmp_path, PROGRAM, "localhost", "9")
    assert (done.stderr, done.returncode) == ("", 0)
    if sys.version_info >= (3, 11):
        assert done.stdout == TABLE.format(program=program)
    else:
        # Where two lambdas with equal parameters are in one line, their texts are not told apart.
        assert done.stdout.splitlines()[-1] == TABLE.splitlines()[-1]


def test_waiting_ends_the_program_even_if_it_swallows_all(tmp_path: Path) -> None:
    swallowing = PROGRAM.replace("    ssc.start()", "    try:\n        ssc.start()\n    except: pass")
    done, _ = explain(tmp_path, swallowing, "localhost", "9")
    assert done.stdout == explain(tmp_path, PROGRAM, "localhost", "9")[0].stdout
    assert done.returncode == 0


def test_a_program_that_fails_shows_its_own_traceback(tmp_path: Path) -> None:
    done, program = explain(tmp_path, PROGRAM)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        "Traceback (most recent call last):\n"
        f'  File "{program}", line 14, in <module>\n'
        "    host, port = sys.argv[1:]\n" + ("    ^^^^^^^^^^\n" if sys.version_info >= (3, 11) else "") + ""
        "ValueError: not enough values to unpack (expected 2, got 0)\n"
        f"dstreams: {program} failed; it made nothing before\n"
    )


def test_a_program_that_fails_later_has_its_functions_listed(tmp_path: Path) -> None:
    text = "from pyspark import SparkContext\nSparkContext('local').parallelize([0]).map(lambda x: 1 / x).collect()\n"
    done, _ = explain(tmp_path, text)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    assert done.stderr.endswith("failed; this is what it made before\n")
    assert done.stdout.endswith("map  lambda x: 1 / x  app.py:2  native\nThe only function runs natively.\n")


def test_a_program_that_is_no_python_fails(tmp_path: Path) -> None:
    done, program = explain(tmp_path, "this is no Python")
    assert done.returncode == 1
    assert f'File "{program}", line 1' in done.stderr
    assert "dstreams/explain" not in done.stderr


def test_the_exit_code_of_a_program_is_kept(tmp_path: Path) -> None:
    assert explain(tmp_path, "import sys; sys.exit(3)")[0].returncode == 3
    done, program = explain(tmp_path, "import sys; sys.exit('why not')")
    assert (done.returncode, done.stderr) == (1, "why not\n")
    assert done.stdout == f"{program} gives no function to an RDD or a stream.\n"


def test_a_stream_that_cannot_start_fails_as_it_would(tmp_path: Path) -> None:
    text = PROGRAM.replace(".foreachRDD(lambda rdd: print(rdd.collect()))", "")
    done, _ = explain(tmp_path, text, "localhost", "9")
    assert done.returncode == 1
    assert "No output operations registered" in done.stderr


def test_a_program_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "dstreams", "explain", str(tmp_path / "none.py")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
