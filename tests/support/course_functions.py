"""Functions of the kind that courses on streaming and first programs are full of, each with sample arguments.

An entry is (method, function, samples, native): the method it is used with, and whether it runs natively, as
`dstreams.udf.explain_function` says. What each gives is CPython's word alone: `tests/udf/test_course_functions.py`.
"""

# The functions are as programs write them, also where there is a nicer way.
# ruff: noqa: RUF021, UP030, UP031, UP032

from __future__ import annotations

import math
import operator
import re
import string
from collections import namedtuple
from typing import Any

Order = namedtuple("Order", "user item price count")
LEVELS = {"ERROR": 3, "WARN": 2, "INFO": 1}
STOP_WORDS = {"the", "a", "of"}
VOWELS = "aeiou"
SEPARATOR = ","
THRESHOLDS = (0, 10, 100)
POSITIVE = ["good", "great", "love"]


ACCESS = re.compile(r'(\S+) \S+ \S+ \[([^\]]+)\] "(?P<request>[^"]*)" (\d{3}) (\d+|-)')


def parse_access(line: str) -> Any:
    match = ACCESS.match(line)
    if not match:
        return None
    host, when, _, status, size = match.groups()
    return host, when[:11], match.group("request"), int(status), 0 if size == "-" else int(size)


def clean(line: str) -> str:
    return line.strip().lower().replace("\t", " ")


def clean_all(line: str) -> str:
    return clean(line).rstrip(string.punctuation)


def parse_order(line: str) -> tuple[str, float]:
    user, _, price = line.split(",")
    return user, float(price)


def status_of(line: str) -> int:
    parts = line.split(" ")
    if len(parts) < 9:
        return 0
    return int(parts[8])


def level(line: str) -> str:
    if "ERROR" in line:
        return "error"
    if "WARN" in line:
        return "warn"
    return "other"


def grade(score: float) -> str:
    if score >= 90:
        letter = "A"
    elif score >= 80:
        letter = "B"
    else:
        letter = "C"
    return letter


def scaled(x: float, factor: float = 2.5, offset: float = 1) -> float:
    return x * factor + offset


def is_valid(line: str) -> bool:
    return len(line) > 0 and not line.startswith("#") and line.count(",") == 2


def key_of_hour(line: str) -> tuple[str, int]:
    time = line[11:19]
    hour, minute, second = time.split(":")
    return hour, int(minute) * 60 + int(second)


def sign(x: float) -> int:
    return (x > 0) - (x < 0)


def clamp(x: float) -> float:
    return max(0, min(x, 100))


def add_pair(a: tuple[Any, Any], b: tuple[Any, Any]) -> tuple[Any, Any]:
    return (a[0] + b[0], a[1] + b[1])


def is_prime(n: int) -> bool:
    return n > 1 and all(n % d for d in range(2, int(n**0.5) + 1))


def count_letters(word: str) -> int:
    total = 0
    for letter in word:
        if letter in VOWELS:
            total += 1
    return total


def safe_int(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        return -1


LINES = [("a b  c",), ("",), ("one,two,3.5",), ("#Tag x",), ("  Pad  ",), ("the cat of a house",), ("x" * 40,)]
CSV = [("ann,tea,2.5",), ("bob,milk,10",), ("eve,bread,0",)]
LOGS = [
    ("2024-01-02T10:20:30 ERROR disk full",),
    ("2024-01-02T11:00:05 INFO started",),
    ("2024-01-02T23:59:59 WARN slow",),
]
WEB = [('1.2.3.4 - - [x y] "GET /a HTTP/1.1" 200 512',), ('9.9.9.9 - - [x y] "POST /b HTTP/1.1" 404 7',)]
INTS = [(0,), (7,), (-3,), (95,), (10**12,)]
FLOATS = [(0.5,), (-2.25,), (99.95,), (1e6,)]
WORDS = [("Spark",), ("a",), ("",), ("level",), ("#tag",), ("@me",), ("Hello",)]
NUMERALS = [("12",), ("-7",), (" 3 ",)]
COUNTS = [(("w", 3),), (("", 1),), (("é", 20),)]
NESTED = [(("k", (3, 4.5)),), (("j", (1, 0.5)),)]
JOINED = [(("k", ("left", None)),), (("k", ("left", 2)),)]
ORDERS = [(Order("ann", "tea", 2.5, 2),), (Order("bob", "milk", 1.0, 12),)]
GROUPS = [([1, 2, 3],), ([5],), ([-1, 4],)]
TWO = [(1, 2), (5, 3), (-1, -1)]
TWO_PAIRS = [((1, 2.5), (3, 4.5)), ((0, 0.1), (5, 0.2))]
TWO_TEXTS = [("a", "bc"), ("", "x"), ("zz", "z")]
TWO_KEYED = [(("a", 3), ("b", 4)), (("x", 1), ("y", 1))]
ACCESSES = [
    ('10.0.0.1 - - [07/Mar/2004:16:05:49 -0800] "GET /index.html HTTP/1.1" 200 512',),
    ('h - - [07/Mar/2004:16:05:49 -0800] "-" 404 -',),
]

Entry = tuple[str, Any, list[tuple[Any, ...]], bool]

TEXT: list[Entry] = [
    ("map", clean, LINES, True),
    ("map", clean_all, LINES, True),
    ("map", str.strip, LINES, True),
    ("map", str.split, LINES, True),
    ("flatMap", str.splitlines, LINES, True),
    ("flatMap", lambda line: re.split(r"\W+", line), LINES, True),
    ("flatMap", lambda line: line.strip().split(" "), LINES, True),
    ("flatMap", lambda line: [w for w in line.split(" ") if w], LINES, True),
    ("flatMap", lambda line: [w.lower() for w in line.split() if len(w) > 1], LINES, True),
    ("flatMap", lambda line: [(w, 1) for w in line.split()], LINES, True),
    ("flatMap", lambda line: ((w.lower(), 1) for w in line.split(" ")), LINES, True),
    ("flatMap", lambda line: list(line), LINES, True),
    ("flatMap", lambda line: map(str.lower, line.split()), LINES, True),
    ("flatMap", lambda line: filter(None, line.split(" ")), LINES, True),
    ("map", lambda line: " ".join(line.split()), LINES, True),
    ("map", lambda line: " ".join(w.capitalize() for w in line.split()), LINES, True),
    ("map", lambda line: " ".join(sorted(line.split())), LINES, True),
    ("map", lambda line: line.split(" ")[-1], LINES, True),
    ("map", lambda line: line.split(" ", 1)[0], LINES, True),
    ("map", lambda line: len(line.split()), LINES, True),
    ("map", lambda line: sum(len(w) for w in line.split()), LINES, True),
    ("map", lambda line: max(line.split(), key=len), [("a bb c",), ("x yy",)], True),
    ("map", lambda line: line.count("a"), LINES, True),
    ("map", lambda line: line.find("a") if "a" in line else None, LINES, True),
    ("map", lambda line: line.partition(",")[0], LINES, True),
    ("map", lambda line: line.translate(str.maketrans("", "", string.punctuation)), LINES, False),
    ("map", lambda line: re.sub("[^a-z ]", "", line.lower()), LINES, True),
    ("map", parse_access, ACCESSES, True),
    ("map", lambda line: re.search(r"(\d{3}) \S+$", line).group(1), ACCESSES, True),
    ("filter", lambda line: re.search("error", line, re.I), LINES, True),
    ("flatMap", re.compile(r"\w+").findall, LINES, True),
    ("flatMap", lambda line: re.findall(r"#(\w+)", line), LINES, True),
    ("filter", lambda line: re.match("(?!#)", line), LINES, False),
    ("map", lambda line: "".join(c for c in line if c.isalpha()), LINES, True),
    ("map", lambda line: "".join(reversed(line)), LINES, True),
    ("map", lambda line: line[::-1], LINES, True),
    ("map", lambda line: (line[:1], len(line)), LINES, True),
    ("map", lambda line: line.title().center(30, "*"), LINES, True),
    ("map", lambda line: line.encode("utf-8"), LINES, False),
    ("map", lambda line: any(w in STOP_WORDS for w in line.split()), LINES, True),
    ("map", lambda line: [w for w in line.split() if w not in ("the", "a", "of")], LINES, True),
    ("map", lambda line: sum(1 for w in line.split() if w in POSITIVE), LINES, True),
    ("map", lambda line: any(w.startswith("#") for w in line.split()), LINES, True),
    ("filter", lambda line: all(c.isdigit() for c in line), LINES, True),
    ("filter", lambda line: line.strip() != "", LINES, True),
    ("filter", is_valid, LINES, True),
    ("filter", lambda line: line and line[0] != "#", LINES, True),
    ("filter", lambda line: "ERROR" in line or "WARN" in line, LOGS, True),
    ("filter", lambda line: not ("cat" in line and "dog" in line), LINES, True),
    ("filter", lambda line: line.lower().find("error") >= 0, LOGS, True),
    ("filter", lambda line: line.startswith(("#", "@")), LINES, True),
    ("map", level, LOGS, True),
    ("map", key_of_hour, LOGS, True),
    ("map", lambda line: (line.split(" ")[1], 1), LOGS, True),
    ("map", lambda line: LEVELS.get(line.split(" ")[1], 0), LOGS, True),
    ("map", lambda line: (line[:13], line.split(" ", 2)[2]), LOGS, True),
    ("map", status_of, WEB, True),
    ("map", lambda line: line.split('"')[1].split(" ")[1], WEB, True),
    ("map", lambda line: (line.split()[0], int(line.split()[-1])), WEB, True),
    ("map", parse_order, CSV, True),
    ("map", lambda line: tuple(line.split(",")), CSV, True),
    ("map", lambda line: line.split(SEPARATOR)[:2], CSV, True),
    ("map", lambda line: dict(zip(("user", "item", "price"), line.split(","), strict=True)), CSV, False),
    ("map", lambda line: [float(x) for x in line.split(",")[2:]], CSV, True),
    ("map", lambda line: Order(*line.split(","), 1), CSV, False),
    ("map", operator.methodcaller("split", ","), CSV, True),
]
WORD: list[Entry] = [
    ("map", lambda w: (w[0] if w else "", 1), WORDS, True),
    ("map", lambda w: (w, len(w)), WORDS, True),
    ("map", lambda w: (len(w), [w]), WORDS, True),
    ("map", lambda w: w == w[::-1], WORDS, True),
    ("map", lambda w: w.lower().strip(".,!?;:"), WORDS, True),
    ("map", lambda w: w[1:] if w.startswith("#") else w, WORDS, True),
    ("map", lambda w: "".join(sorted(w)), WORDS, True),
    ("map", lambda w: ord(w[0]) % 3 if w else 0, WORDS, True),
    ("map", count_letters, WORDS, False),
    ("map", lambda w: sum(c in "aeiou" for c in w), WORDS, True),
    ("map", lambda w: sum(map(w.count, VOWELS)), WORDS, False),
    ("map", lambda w: w.isupper() and w or w.upper(), WORDS, True),
    ("map", lambda w: "{:>10}|{:<5}".format(w, len(w)), WORDS, True),
    ("map", lambda w: "%-10s|%3d" % (w, len(w)), WORDS, True),
    ("map", lambda w: f"{w!r:>12} {len(w):03d}", WORDS, True),
    ("map", lambda w: w + "!" * 3, WORDS, True),
    ("map", lambda w: w in ("a", "the", "level"), WORDS, True),
    ("filter", lambda w: w not in STOP_WORDS, WORDS, True),
    ("filter", lambda w: len(w) >= 3 and w.isalpha(), WORDS, True),
    ("filter", lambda w: w.isalnum() or w[:1] == "#", WORDS, True),
    ("map", int, NUMERALS, True),
    ("map", float, NUMERALS, True),
    ("map", safe_int, NUMERALS, True),
    ("map", lambda t: int(t) if t.strip().isdigit() else -1, NUMERALS, True),
    ("map", lambda t: int(t, 16), NUMERALS, True),
]
NUMBER: list[Entry] = [
    ("map", lambda x: (x, x * x, x**3), [(2,), (-3,), (10,)], True),
    ("map", lambda x: x * 9 / 5 + 32, FLOATS, True),
    ("map", scaled, INTS, True),
    ("map", lambda x: scaled(x, offset=0), FLOATS, True),
    ("map", grade, INTS, True),
    ("map", sign, INTS, True),
    ("map", clamp, INTS, True),
    ("map", lambda x: round(x, 2), FLOATS, True),
    ("map", lambda x: round(x), FLOATS, True),
    ("map", lambda x: int(x // 10 * 10), FLOATS, True),
    ("map", lambda x: divmod(x, 60), INTS, True),
    ("map", lambda x: "even" if x % 2 == 0 else "odd", INTS, True),
    (
        "map",
        lambda x: "FizzBuzz" if x % 15 == 0 else "Fizz" if x % 3 == 0 else "Buzz" if x % 5 == 0 else str(x),
        INTS,
        True,
    ),
    ("map", lambda x: math.sqrt(x), [(4,), (2,), (0,)], True),
    ("map", lambda x: math.floor(x), FLOATS, True),
    ("map", lambda x: math.ceil(x / 10), FLOATS, True),
    ("map", lambda x: abs(x) > 2, FLOATS, True),
    ("map", lambda x: f"{x:.2f}", FLOATS, True),
    ("map", lambda x: f"{x:,}", INTS, True),
    ("map", lambda x: "%05d" % x, INTS, True),
    ("map", lambda x: "{}-{}".format(x, x + 1), INTS, True),
    ("map", lambda x: str(x).zfill(5), INTS, True),
    ("map", lambda x: hex(x), INTS, False),
    ("map", lambda x: bin(x).count("1"), INTS, False),
    ("map", lambda x: [x, x + 1, x + 2], INTS, True),
    ("flatMap", lambda x: range(x), [(0,), (3,), (5,)], True),
    ("flatMap", lambda x: [x] * 2, INTS, True),
    ("flatMap", lambda x: [(x, i) for i in range(3)], INTS, True),
    ("filter", lambda x: x > 0 and x % 3 != 0, INTS, True),
    ("filter", lambda x: THRESHOLDS[0] <= x < THRESHOLDS[2], INTS, True),
    ("filter", is_prime, [(2,), (9,), (13,)], True),
    ("map", lambda x: sum(int(d) for d in str(x)), [(0,), (17,), (905,)], True),
    ("map", lambda x: (x // 60, x % 60), INTS, True),
    ("map", lambda x: x if x is not None else 0, INTS, True),
    ("map", lambda x: bool(x) and 100 / x, [(5,), (2,)], True),
    ("map", lambda x: (x & 1, x >> 1, x ^ 3), INTS, True),
]
PAIR: list[Entry] = [
    ("map", operator.itemgetter(1), COUNTS, True),
    ("map", operator.itemgetter(1, 0), COUNTS, True),
    ("map", lambda kv: "%s,%s" % (kv[0], kv[1]), COUNTS, True),
    ("map", lambda kv: "%s: %d" % kv, COUNTS, True),
    ("map", lambda kv: "{}-{}".format(*kv), COUNTS, False),
    ("map", lambda kv: "{0}={1:.1f}".format(kv[0], kv[1]), COUNTS, True),
    ("map", lambda kv: f"{kv[0]} ({kv[1]})", COUNTS, True),
    ("map", lambda kv: ",".join([kv[0], str(kv[1])]), COUNTS, True),
    ("map", lambda kv: ",".join(str(x) for x in kv), COUNTS, True),
    ("map", lambda kv: ",".join(map(str, kv)), COUNTS, True),
    ("map", lambda kv: str(kv), COUNTS, True),
    ("map", lambda kv: {"word": kv[0], "count": kv[1]}, COUNTS, False),
    ("map", lambda kv: (kv[0].upper(), -kv[1]), COUNTS, True),
    ("map", lambda kv: ((kv[0], kv[1] % 2), 1), COUNTS, True),
    ("map", lambda kv: (*kv, True), COUNTS, True),
    ("map", lambda kv: kv + (0.5,), COUNTS, True),
    ("filter", lambda kv: kv[1] >= 3 and kv[0] != "", COUNTS, True),
    ("filter", lambda kv: kv[0][:1] in "wé" and kv[1] > 1, COUNTS, True),
    ("map", lambda kv: (kv[0], kv[1][1] / kv[1][0]), NESTED, True),
    ("map", lambda kv: (kv[0],) + kv[1], NESTED, True),
    ("mapValues", lambda v: round(v[1] / v[0], 2), [((3, 4.5),), ((2, 1.0),)], True),
    ("map", lambda kv: (kv[0], kv[1][1] if kv[1][1] is not None else 0), JOINED, True),
    ("map", lambda kv: (kv[0], kv[1][1] or 0), JOINED, True),
    ("filter", lambda kv: kv[1][1] is None, JOINED, True),
    ("map", lambda o: (o.user, o.price * o.count), ORDERS, True),
    ("map", operator.attrgetter("item"), ORDERS, True),
    ("filter", lambda o: o.count > 10 or o.price < 2, ORDERS, True),
    ("map", lambda o: o._asdict(), ORDERS, False),
    ("map", lambda o: f"{o.user}: {o.price:.2f} x {o.count}", ORDERS, True),
    ("mapValues", sum, GROUPS, True),
    ("mapValues", lambda vs: sum(vs) / len(vs), GROUPS, True),
    ("mapValues", lambda vs: (min(vs), max(vs)), GROUPS, True),
    ("mapValues", lambda vs: sorted(vs)[-2:], GROUPS, True),
    ("mapValues", lambda vs: sorted(vs, reverse=True)[0], GROUPS, True),
    ("mapValues", lambda vs: [v * 2 for v in vs if v > 0], GROUPS, True),
    ("mapValues", lambda vs: len(set(vs)), GROUPS, True),
    ("mapValues", lambda vs: ",".join(str(v) for v in vs), GROUPS, True),
    ("mapValues", list, GROUPS, True),
]
FOLD: list[Entry] = [
    ("reduceByKey", lambda a, b: a * 10 + b, TWO, True),
    ("reduceByKey", lambda a, b: a if a[1] >= b[1] else b, TWO_KEYED, True),
    ("reduceByKey", lambda a, b: max(a, b, key=lambda p: p[1]), TWO_KEYED, True),
    ("reduceByKey", add_pair, TWO_PAIRS, True),
    ("reduceByKey", lambda a, b: (min(a[0], b[0]), max(a[1], b[1])), TWO_PAIRS, True),
    ("reduceByKey", lambda a, b: tuple(x + y for x, y in zip(a, b, strict=True)), TWO_PAIRS, False),
    ("reduceByKey", lambda a, b: a + "," + b, TWO_TEXTS, True),
    ("reduceByKey", lambda a, b: a if len(a) > len(b) else b, TWO_TEXTS, True),
    ("reduceByKey", lambda a, b: (a + b) % 1000, TWO, True),
    ("reduceByKey", lambda a, b: a and b, TWO, True),
    ("reduceByKey", operator.mul, TWO, True),
    ("reduceByKey", min, TWO, True),
    ("reduce", lambda a, b: a if a > b else b, TWO, True),
    ("aggregateByKey", lambda acc, v: (acc[0] + v, acc[1] + 1), [((0, 0), 3), ((4, 2), 5)], True),
    ("aggregateByKey", lambda acc, v: (acc[0] + v, max(acc[1], v)), [((0.0, 0.5), 3.5)], True),
    ("foldByKey", operator.add, TWO, True),
    ("fold", lambda acc, v: acc + v * v, TWO, True),
    ("aggregate", lambda acc, v: (acc[0] + len(v), acc[1] + 1), [((0, 0), "ab")], True),
    ("combineByKey", lambda acc, v: [*acc, v], [([1], 2)], False),
    ("reduceByKeyLocally", lambda a, b: b if b else a, TWO, True),
]

FUNCTIONS: list[Entry] = [*TEXT, *WORD, *NUMBER, *PAIR, *FOLD]
