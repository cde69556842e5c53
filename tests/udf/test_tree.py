"""What form do trees have? The plainest one, with one node for one value."""

from __future__ import annotations

from typing import Any

from dstreams.udf import Explanation, Opaque, Program, explain_function, read
from dstreams.udf.tree import MAX_SIZE, children

X, Y = ("arg", 0), ("arg", 1)


def tree(function: Any, arity: int = 1) -> Any:
    program = read(function, arity)
    assert isinstance(program, Program), program
    return program.tree


def items_of_result(function: Any, arity: int) -> Any:
    """The nodes of a tuple that is returned, maybe after something else was computed."""
    result = tree(function, arity)
    return result[2][1] if result[0] == "seq" else result[1]


def size(node: Any) -> int:
    return 1 + sum(map(size, children(node)))


def test_a_value_used_twice_is_one_node() -> None:
    def f(x):
        parts = x.split()
        return parts, len(parts)

    (parts, length) = tree(f)[1]
    assert length[2][0] is parts
    middle = tree(lambda x: 1 < len(x) < 5)
    assert middle[1][2][1] is middle[2][2][0]


def test_two_lists_of_equal_items_stay_two_lists() -> None:
    def f(x):
        first = x.split()
        if x:
            return first, x.split()
        return first, first

    _, second = items_of_result(f, 1)
    assert second[0] == "if", "a list of its own in one way, the same list in the other"


def test_lists_that_are_the_same_in_one_way_only() -> None:
    def f(x, y):
        if y:
            a = x.split()
            b = a
        else:
            a = x.split()
            b = x.split()
        return a, b

    a, b = items_of_result(f, 2)
    assert a is not b
    assert b[0] == "if"


def test_a_list_made_again_is_not_the_one_that_was_there() -> None:
    def f(x, y):
        before = x.split()
        if y:
            chosen = x.split()
        else:
            chosen = before
        return chosen, before

    chosen, before = items_of_result(f, 2)
    assert chosen[0] == "if"
    assert chosen[3] is before


def test_conditions_are_put_together() -> None:
    def both(x, y):
        if x and y:
            return 1
        return 2

    def either(x, y):
        if x or y:
            return 1
        return 2

    def neither(x, y):
        if x:
            return 2
        if not y:
            return 1
        return 2

    one, two = ("const", 1), ("const", 2)
    assert tree(both, 2) == ("if", ("and", X, Y), one, two)
    assert tree(either, 2) == ("if", ("or", X, Y), one, two)
    assert tree(neither, 2) == ("if", ("or", X, Y), two, one)
    assert tree(lambda x: 1 if not x else 2) == ("if", X, two, one)


def test_defaults_for_what_is_missing() -> None:
    def f(new, old):
        if old is None:
            old = 0
        return old + len(new)

    chosen = ("if", ("op", "is", (Y, ("const", None))), ("const", 0), Y)
    assert tree(f, 2) == ("op", "add", (chosen, ("op", "len", (X,))))
    assert tree(lambda x: (x or 0) + 1)[2][0] == ("or", X, ("const", 0))


def test_a_result_is_chosen_item_by_item() -> None:
    def f(x):
        if x:
            return x, 1
        return x, 2

    assert tree(f) == ("tuple", (X, ("if", X, ("const", 1), ("const", 2))))


def test_ways_that_meet_again_are_followed_once() -> None:
    lines = "".join(f"    y{i} = {i}\n    if x[{i}]: y{i} = 1\n" for i in range(40))
    names: dict[str, Any] = {}
    exec(f"def f(x):\n{lines}    return y0, y1, y39", names)
    assert size(tree(names["f"])) < MAX_SIZE


def test_what_fails_though_nobody_needs_it_is_kept() -> None:
    def f(x):
        int(x)
        return 1

    assert tree(f) == ("seq", (("op", "int", (X,)),), ("const", 1))


def test_comprehensions() -> None:
    item = ("item",)
    assert tree(lambda xs: [x + 1 for x in xs]) == ("each", ("op", "add", (item, ("const", 1))), X)
    assert tree(lambda xs: [x for x in xs if x]) == ("keep", item, X)
    assert tree(lambda xs: sum(x[0] for x in xs)) == (
        "op",
        "sum",
        (("each", ("op", "getitem", (item, ("const", 0))), X),),
    )


def test_trees_are_never_large_when_written_out() -> None:
    def doubles(x):
        x = (x, x)
        x = (x, x)
        x = (x, x)
        x = (x, x)
        x = (x, x)
        x = (x, x)
        x = (x, x)
        x = (x, x)
        x = (x, x)
        x = (x, x)
        x = (x, x)
        x = (x, x)
        x = (x, x)
        x = (x, x)
        x = (x, x)
        return x

    answer = read(doubles, 1)
    assert isinstance(answer, Opaque)
    assert answer.reason == "is too large"


def test_explanations_say_why_and_where() -> None:
    def prints(x):
        print(x)

    answer = explain_function(prints, [(1,)])
    assert not answer.native
    assert answer.reason == f"calls print, which has side effects (line {prints.__code__.co_firstlineno + 1})"
    assert explain_function(lambda a, b: a + b, use="reduceByKey").native
    assert not explain_function(lambda a, b: a + b, use="map").native


def test_explanations_try_the_function_with_the_sample() -> None:
    assert explain_function(lambda a, b: b, [(1, "a"), (2, "b")]) == Explanation(True, "")
    assert explain_function(lambda a: a + 1, [(2**63 - 1,)]) == Explanation(False, "an int beyond 64 bits")
    some = explain_function(lambda a: a + 1, [(2**63 - 1,), (1,), (2,)])
    assert some == Explanation(True, "but Python computes 1 of 3 samples: an int beyond 64 bits")


def test_explanations_know_what_a_method_does_with_a_function() -> None:
    assert explain_function(lambda a, b: max(a, b), [(1, 2)], use="reduceByKey") == Explanation(True, "")
    assert explain_function(lambda a, b: a - b, [(1, 2)], use="reduceByKey") == Explanation(True, "")
    assert "a fold that gives float" in explain_function(lambda a, b: a / b, [(1, 2)], use="reduceByKey").reason
    assert "a fold of lists" in explain_function(lambda a, b: a + b, [([1], [2])], use="reduceByKey").reason
    assert explain_function(lambda new, old: sum(new, old or 0), [([1], None)], use="updateStateByKey").native
    assert "called by Python" in explain_function(lambda a, b: a + b, [(1, 2)], use="treeReduce").reason
