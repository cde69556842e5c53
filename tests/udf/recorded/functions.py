"""Functions whose instructions are recorded: what CPython's compiler makes of them is kept beside this file.

Whoever changes this file records it anew, on each CPython that has a record: `tests/support/record_code.py` says how.
"""

# The functions are as programs write them, also where there is a nicer way.
# ruff: noqa

from __future__ import annotations

import math
import operator
from collections import namedtuple
from functools import partial

Reading = namedtuple("Reading", ["sensor", "celsius", "ok"])
LIMIT = 30
BOUNDS = (0, 10.5)
UNITS = {"c": 1, "f": 2.5, None: "nothing"}
STOP = {"the"}
CHANGES = []


def parse(line):
    fields = line.split(",")
    return fields[0], float(fields[2])


def number_or(x):
    try:
        return int(x)
    except ValueError:
        return -1


def reading_or_none(line):
    try:
        fields = line.split(",")
        if len(fields) != 3:
            return None
        value = (fields[0], float(fields[2]))
    except (ValueError, IndexError) as error:
        value = None
    return value


def ratio(line):
    kind = "good"
    result = 0.0
    try:
        a, b = line.split("=")
        result = int(a) / int(b)
    except ZeroDivisionError:
        kind = "zero"
    except Exception:
        kind = "bad"
    else:
        kind = kind + "!"
    return kind, len(line)


def looked_up(x):
    try:
        return UNITS[x]
    except:
        pass
    return "none"


def all_numbers(line):
    try:
        return [int(x) for x in line.split(",")]
    finally:
        line = None


def deep(x):
    try:
        try:
            return int(x)
        except KeyError:
            return 1
    except ValueError:
        return 0


def bucket(x):
    if x < 10:
        return "low"
    elif x < 100:
        return "mid"
    else:
        return "high"


def celsius(f):
    c = (f - 32) * 5 / 9
    return round(c, 1)


def add_or_start(new, running):
    if running is None:
        running = 0
    return sum(new, running)


def drop_when_idle(new, old):
    if not new:
        return None
    return (old or 0) + len(new)


def mean_so_far(new, old):
    if old is None:
        total, count = 0, 0
    else:
        total, count = old
    return total + sum(new), count + len(new)


def in_another_order(line):
    last = line[-1]
    first = line[0]
    return first, last


def dropped_in_one_way(x):
    if x:
        x[0]
    return x


def merges(x):
    if x is None:
        kind, size = "none", 0
    elif x == 7:
        kind, size = "seven", 1
    else:
        kind, size = "else", len(x)
    return kind, size


def augmented(x):
    total = 1
    total += x
    total *= 2
    total -= 3
    total //= 4
    total %= 1000
    return total


def swap_three(x):
    a, b, c = x
    c, a, b = a, b, c
    return [a, b, c]


def unpack_nested(x):
    (a, b), (c, d) = x
    return a, d


def with_default(x, y=3, *, z="z"):
    return x, y, z


def inner_with_closure(x):
    k = 2

    def add(y, z=1, *, w=0):
        return y + k + z + w

    return add(x), add(x, z=3), add(x, w=4)


def calls_helpers(x):
    return bucket(x), with_default(y=x, x=1), with_default(x, z=None)


def through(f, x):
    return f(x), f(str(x))


def maker(n, unit):
    return lambda x: (x, n, unit)


def shared(x):
    parts = x.split()
    return parts[0], len(parts), parts


def ten_choices(x):
    a = x or 1
    b = x and 2
    c = 3 if x else 4
    d = a or b
    e = c and d
    f = e if a else b
    g = f or x
    h = g and a
    i = h or b
    j = i if c else d
    return a, b, c, d, e, f, g, h, i, j


def forgets(x):
    y = x
    del y
    return x


def annotated(x: int) -> int:
    y: int = x
    return y


def nothing(x):
    pass


def maybe_unset(x):
    if x:
        y = 1
    return y


def builds(x):
    return {"a": x, "b": 1}.get("a"), x in {1, 2, 3}, [x, [x]], (x, 1)


def constants(x):
    return x + 255, x + 256, -1, 10**20, 2.5, "s", b"b", None, True, (1, (2.0, "x"))


def far_apart(x):
    if x:
        y = (x, x + 1, x + 2, x + 3, x + 4, x + 5, x + 6, x + 7, x + 8, x + 9, x + 10, x + 11, x + 12, x + 13, x + 14)
        z = (y[0] * x, y[1] * x, y[2] * x, y[3] * x, y[4] * x, y[5] * x, y[6] * x, y[7] * x, y[8] * x, y[9] * x)
        return z, y
    return x


def around_none(x):
    if x is not None:
        if x is None:
            return 1
        return x
    while x is None:
        return 2


def loops(xs):
    total = 0
    for x in xs:
        total += x
    return total


def while_loop(x):
    while x > 1:
        x -= 2
    return x


def tries(x):
    try:
        return int(x)
    except ValueError:
        return None


def opens(x):
    with open(x) as file:
        return file.read()


def raises(x):
    if x:
        raise ValueError(x)
    return x


def asserts(x):
    assert x, "empty"
    return x


def generates(x):
    yield x
    yield from x


async def waits(x):
    return await x


def imports(x):
    import os

    return os.path.join(x)


def sets_global(x):
    global LIMIT
    LIMIT = x


def changes(x):
    CHANGES.append(x)
    x[0] = 1
    return x


def counts():
    n = 0

    def count(x):
        nonlocal n
        n += 1
        return x, n

    return count


def star_arguments(*xs):
    return xs


def calls_with_stars(x):
    return max(*x), dict(**x)


def unpacks_with_star(x):
    first, *rest = x
    return first, rest


def defines_class(x):
    class Box:
        value = x

    return Box


def items_of_dict(x):
    return {key: value for key, value in x}


def items_of_set(x):
    return {item for item in x}


def deletes(x):
    del x[0]
    return x


def matches(x):
    match x:
        case 1:
            return "one"
        case "a" | "b":
            return "letter"
        case _:
            return "other"


# How many arguments, and the function.
FUNCTIONS = [
    *((1, f) for f in (parse, bucket, celsius, in_another_order, dropped_in_one_way, merges, augmented, swap_three)),
    *((1, f) for f in (unpack_nested, with_default, inner_with_closure, calls_helpers, shared, ten_choices, forgets)),
    *((1, f) for f in (annotated, nothing, maybe_unset, builds, constants, far_apart, around_none, loops)),
    *(
        (1, f)
        for f in (while_loop, tries, opens, raises, asserts, generates, waits, imports, sets_global, changes, counts())
    ),
    *((1, f) for f in (star_arguments, calls_with_stars, unpacks_with_star, defines_class, items_of_dict)),
    *((1, f) for f in (items_of_set, deletes, matches, maker(3, "m"), maker((1, "x"), -0.0))),
    *((2, f) for f in (add_or_start, drop_when_idle, mean_so_far, with_default, through)),
    (1, partial(bucket)),
    (1, partial(through, len)),
    (1, partial(with_default, 1, z=2)),
    (1, lambda line: line.split(" ")),
    (1, lambda line: line.lower().split(sep=",", maxsplit=1)),
    (1, lambda w: (w.lower(), 1)),
    (1, lambda l: l.replace(",", " ").replace("-", " ").strip()),
    (1, lambda l: l[:3] + l[-3:] + l[::2] + l[:]),
    (1, lambda l: l[len(l) : 5]),
    (1, lambda l: l[:: len(l)]),
    (1, lambda x: [1, 2, 3]),
    (1, lambda l: int(l.split(",")[0])),
    (1, lambda l: "%s!" % l),
    (1, lambda l: "%5.1f|%s" % (l, l)),
    (1, lambda l: f"{l}:{len(l)}"),
    (1, lambda x: f"{x:>10}|{x!r}|{x!s:>8}|{x!a}|{x:{LIMIT}}"),
    (1, lambda w: "a" in w and w not in ("ab", "abc")),
    (1, lambda w: w.startswith("#") or w and not w.isdigit()),
    (1, lambda w: w in STOP or w in UNITS),
    (1, lambda w: UNITS.get(w, 0)),
    (1, lambda x: x + 1 - 2 * x),
    (1, lambda x: x / 4 // 3 % 10),
    (1, lambda x: x**2 << 3 >> 1),
    (1, lambda x: (x & 6, x | 1, x ^ 5)),
    (1, lambda x: (-x, +x, ~x, not x)),
    (1, lambda x: -x if x < 0 else x),
    (1, lambda x: 5 < x < LIMIT),
    (1, lambda x: BOUNDS[0] <= x <= BOUNDS[1]),
    (1, lambda x: (x == 1, x != 2, x >= 3, x > 4)),
    (1, lambda x: x is None or x is not True),
    (1, lambda x: bool(x) == (not x)),
    (1, number_or),
    (1, reading_or_none),
    (1, ratio),
    (1, looked_up),
    (1, all_numbers),
    (1, deep),
    (1, lambda kv: (kv[1], kv[0])),
    (1, lambda kv: kv[1] > 0),
    (1, lambda r: r.ok and r.celsius > 0),
    (1, lambda r: Reading(r.sensor, 1.0, False)),
    (1, lambda x: math.pi * x),
    (1, lambda x: operator.add(x, 1)),
    (1, lambda x: max(1, x, key=len)),
    (1, lambda x: (lambda y, z=2: (y, z, x))(x)),
    (1, lambda x: (n := len(x), n + 1)),
    (1, lambda x: 1 if x == 1 or x == "a" and x else 2),
    (1, lambda xs: [x + 1 for x in xs]),
    (1, lambda xs: [x for x in xs if x > 2 and x < 7]),
    (1, lambda xs: [(x, y) for x, y in xs]),
    (1, lambda xs: [x * 2 for x in xs if x] + [len(xs)]),
    (1, lambda xs: (lambda k: [x + k for x in xs])(3)),
    (1, lambda xs: sum(x[0] for x in xs)),
    (1, lambda xs: any(x > LIMIT for x in xs if x)),
    (1, lambda xs: (all(x for x in xs), tuple(x + 1 for x in xs))),
    (1, lambda xs: sorted([str(x) for x in xs], reverse=True)),
    (1, lambda xs: [y for x in xs for y in x]),
    (1, lambda xs: ",".join([x.strip() for x in xs])),
    (1, lambda x: print(x)),
    (1, lambda x: x()),
    (1, lambda x: open(x)),
    (2, lambda a, b: a + b),
    (2, lambda a, b: a if a > b else b),
    (2, lambda a, b: (a[0] + b[0], max(a[1], b[1]))),
    (2, lambda new, old: sum(new) + (old or 0)),
    (2, lambda new, old: new[-1] if new else old),
]
