"""Does a function with `try` give what Python gives, natively where the exceptions are known, in Python elsewhere?"""

# The functions are as programs write them, also where there is a nicer way.
# ruff: noqa: E722, F841, RUF059

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dstreams import SparkConf, SparkContext
from dstreams.udf import Program, explain_function, read

UNITS = {"c": 1, "f": 2.5, "7": None}


def number(x):
    try:
        return int(x)
    except ValueError:
        return -1


def number_or_none(x):
    try:
        value = float(x)
    except (ValueError, TypeError):
        value = None
    return value


def reading(line):
    try:
        fields = line.split(",")
        if len(fields) != 3:
            return None
        return fields[0], float(fields[2])
    except ValueError:
        return None


def third(line):
    try:
        return line.split(",")[2]
    except IndexError:
        return ""


def default_first(line):
    count = 0
    try:
        count = int(line)
    except:
        pass
    return count * 2


def set_on_the_way(line):
    first = "none"
    try:
        first, rest = line.split("=")
        value = int(rest)
    except ValueError:
        value = 0
    return value


def with_else(line):
    try:
        value = int(line)
    except ValueError:
        text = "bad"
    else:
        text = "good" if value > 0 else "low"
    return text


def with_finally(line):
    try:
        return int(line)
    finally:
        line = ""


def named(line):
    try:
        return float(line)
    except ValueError as error:
        return 0.5


def shown(line):
    try:
        return float(line)
    except ValueError as error:
        return str(error)


def printed(line):
    try:
        return int(line)
    except ValueError:
        print("bad", line)
        return 0


def several(line):
    try:
        a, b = line.split("=")
        return int(a) // int(b)
    except ZeroDivisionError:
        return 0
    except ValueError:
        return -1


def of_the_base(line):
    try:
        return 100 % int(line)
    except ArithmeticError:
        return -7


def looked_up(line):
    try:
        return UNITS[line]
    except KeyError:
        return 0.5


def of_a_lookup(line):
    try:
        return line.split(",")[1]
    except LookupError:
        return line


def all_numbers(line):
    try:
        return sum([int(part) for part in line.split(",")])
    except ValueError:
        return 0


def some_numbers(line):
    try:
        return [part for part in line.split(",") if int(part) > 5]
    except ValueError:
        return []


def short_circuit(line):
    try:
        return line != "" and (line[0] == "7" or int(line) > 10)
    except ValueError:
        return None


def divided(x):
    try:
        return 12 / x
    except ZeroDivisionError:
        return 0.0


def again(line):
    try:
        value = int(line)
    except ValueError:
        raise
    return value


def from_none(line):
    try:
        return int(line)
    except ValueError:
        raise KeyError("other") from None


def twice(line):
    try:
        a = int(line)
    except ValueError:
        a = 1
    try:
        b = 10 // a
    except ZeroDivisionError:
        b = -1
    return a, b


def in_a_handler(line):
    try:
        return int(line)
    except ValueError:
        try:
            return int(line[0])
        except (IndexError, ValueError):
            return 0


def helped(line):
    return number(line) + number(line + "1")


def called_in_it(line):
    try:
        return strict(line) + 1
    except ValueError:
        return 0


def strict(line):
    name, value = line.split("=")
    return int(value)


def square_root(x):
    try:
        return math.sqrt(x)
    except ValueError:
        return -1.0


def other_exception(line):
    try:
        return int(line)
    except KeyError:
        return 0


def returned_late(line):
    kind = "number"
    try:
        value = float(line)
        if value < 0:
            return "negative"
    except ValueError:
        kind = "text"
    if kind == "text" and line:
        return kind + line[0]
    return kind


PLAIN = "7/12/-3/ 5 /x/a=1/=/a=x/6=3/6=0/1,2,3/1,,3/a,b,2.5/f/c/1_0/1.5"
TEXTS = ["", *PLAIN.split("/")]
NUMERALS = "nan/inf/1e5/0x1/+/1__0/-0"
# Only Python knows what some of them are as numbers.
ODD = ["\u0663", "\u00e9", "1\u00a0", "9" * 30, "\x1c1", "\u00bd", "12\u00fc", *NUMERALS.split("/")]
NUMBERS: list[Any] = [True, 0, 7, 2**70, 0.0, -0.0, 2.5, math.nan, math.inf]
OTHERS: list[Any] = [*NUMBERS, None, (), (1, 2), [], [1], b"7", ("a", "b", "c")]
# Each with whether its tree has a value wherever it has one itself, for text.
FUNCTIONS: list[tuple[Callable[..., Any], bool]] = [
    (number, True),
    (number_or_none, True),
    (reading, True),
    (third, True),
    (default_first, True),
    (set_on_the_way, True),
    (with_else, True),
    (with_finally, True),
    (named, True),
    (shown, False),
    (printed, False),
    (several, False),
    (of_the_base, True),
    (looked_up, True),
    (of_a_lookup, True),
    (all_numbers, False),
    (some_numbers, False),
    (short_circuit, True),
    (divided, True),
    (again, True),
    (from_none, True),
    (twice, True),
    (in_a_handler, True),
    (helped, True),
    (called_in_it, True),
    (square_root, True),
    (other_exception, True),
    (returned_late, True),
]
IDS = [function.__name__ for function, _ in FUNCTIONS]


@pytest.mark.parametrize(("function", "handles"), FUNCTIONS, ids=IDS)
def test_the_tree_gives_what_the_function_gives(
    both_outcomes: Callable[..., Any], function: Callable[..., Any], handles: bool
) -> None:
    program = read(function, 1)
    assert isinstance(program, Program), program
    left = 0
    for value in [*TEXTS, *ODD, *OTHERS]:
        native, python = both_outcomes(program, function, value)
        if native[0] == "raises" or native == "bail":
            left += isinstance(value, str) and python[0] == "gives"
            continue  # the engine asks Python
        assert native == python, (value, program.tree)
    assert handles is (left == 0)


@pytest.fixture(scope="module")
def sc() -> Iterator[SparkContext]:
    context = SparkContext(conf=SparkConf().setMaster("local[2]").setAppName("tries"))
    yield context
    context.stop()


def shape(value: Any) -> Any:
    """The value with its types, for comparing."""
    if isinstance(value, (tuple, list)):
        return type(value), [shape(item) for item in value]
    return type(value), repr(value)


def in_python(function: Callable[..., Any], value: Any) -> Any:
    try:
        return shape(function(value))
    except Exception as error:
        return type(error).__name__


@pytest.mark.parametrize(("function", "handles"), FUNCTIONS, ids=IDS)
def test_the_engine_gives_what_the_function_gives(
    sc: SparkContext, function: Callable[..., Any], handles: bool
) -> None:
    for values in (TEXTS, ODD, TEXTS * 40, [text for text in TEXTS if text.isdigit()], *([value] for value in OTHERS)):
        expected = [in_python(function, value) for value in values]
        # One at a time where Python raises, else all in one block, so that those that are handled are among others.
        good = [value for value, answer in zip(values, expected, strict=True) if not isinstance(answer, str)]
        found = [shape(answer) for answer in sc.parallelize(good, 1).map(function).collect()]
        assert found == [answer for answer in expected if not isinstance(answer, str)]
        for value, answer in zip(values[:20], expected, strict=False):
            if isinstance(answer, str):
                with pytest.raises(Exception, match=answer):
                    sc.parallelize([value], 1).map(function).collect()


@pytest.mark.parametrize(("function", "handles"), FUNCTIONS, ids=IDS)
def test_it_is_native_for_what_it_takes(function: Callable[..., Any], handles: bool) -> None:
    parted = function in (set_on_the_way, several, called_in_it, strict)
    taken = 4.0 if function in (divided, square_root) else "6=3" if parted else "7"
    verdict = explain_function(function, [(taken,)])
    assert verdict.native, verdict.reason


@pytest.mark.parametrize("function", [number, third, looked_up, twice, returned_late])
def test_bad_text_among_good_one_is_native(function: Callable[..., Any]) -> None:
    verdict = explain_function(function, [(text,) for text in TEXTS])
    assert verdict.native, verdict.reason


def test_a_changed_class_is_noticed(sc: SparkContext) -> None:
    names: dict[str, Any] = {}
    exec("Bad = ValueError\ndef f(x):\n    try:\n        return int(x)\n    except Bad:\n        return 0", names)
    assert sc.parallelize(["1", "x"], 1).map(names["f"]).collect() == [1, 0]
    names["Bad"] = KeyError
    with pytest.raises(Exception, match="ValueError"):
        sc.parallelize(["1", "x"], 1).map(names["f"]).collect()


def test_classes_of_the_program_stay_python(sc: SparkContext) -> None:
    def parsed(line):
        try:
            return int(line)
        except json.JSONDecodeError:
            return 0

    with pytest.raises(Exception, match="ValueError"):
        sc.parallelize(["1", "x"], 1).map(parsed).collect()
