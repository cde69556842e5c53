"""More functions of streaming programs, chosen without looking at what is native: logs, dates, tags, averages, states.

An entry is (method, function, samples, native), as in `course_functions.py`, and tested with those.
"""

# The functions are as programs write them, also where there is a nicer way.
# ruff: noqa: B905, E741, SIM401, UP031, UP032

from __future__ import annotations

import math
import string
from collections import namedtuple
from typing import Any

Hit = namedtuple("Hit", "ip day method path status size")
Trade = namedtuple("Trade", ["symbol", "price", "volume"])
Entry = tuple[str, Any, list[tuple[Any, ...]], bool]

MONTHS = {"Jan": 1, "Feb": 2, "Mar": 3, "Apr": 4, "Jul": 7, "Dec": 12}
STOP = {"the", "a", "an", "of", "to", "in"}
BAD_STATUS = (500, 502, 503, 504)
LANGS = {"en": "English", "de": "German", "fr": "French"}
WEIGHTS = {"error": 10, "warning": 3}
POSITIVE = frozenset(["good", "great", "happy", "love"])
NEGATIVE = frozenset(["bad", "sad", "hate", "awful"])
ALPHA = 0.3


def status_code(line: str) -> int:
    fields = line.split(" ")
    return int(fields[8]) if len(fields) > 8 and fields[8].isdigit() else -1


def request_path(line: str) -> str:
    start = line.find('"')
    end = line.rfind('"')
    if start == -1 or end <= start:
        return ""
    parts = line[start + 1 : end].split()
    return parts[1] if len(parts) >= 2 else ""


def bytes_sent(line: str) -> int:
    last = line.rsplit(" ", 1)[-1]
    return 0 if last == "-" else int(last) if last.isdigit() else 0


def log_day(line: str) -> tuple[int, int, int]:
    stamp = line[line.find("[") + 1 : line.find("]")]
    day, month, rest = stamp.split("/")
    return int(rest[:4]), MONTHS.get(month, 0), int(day)


def client(line: str) -> str:
    return line.partition(" ")[0]


def month_of(date: str) -> str:
    return date[:7]


def day_of_year(date: str) -> int:
    month, day = int(date[5:7]), int(date[8:10])
    return (month - 1) * 30 + day


def quarter(date: str) -> str:
    return date[:4] + "-Q" + str((int(date[5:7]) - 1) // 3 + 1)


def seconds_of(clock: str) -> int:
    hours, minutes, seconds = clock.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds)


def is_weekend(day: int) -> bool:
    return day % 7 in (5, 6)


def bucket_of(price: float, width: float = 10.0) -> float:
    return math.floor(price / width) * width


def priced(line: str) -> tuple[str, float]:
    return bucket_label(float(line.split(",")[1])), 1.0


def bucket_label(value: float, limit: int = 100) -> str:
    return "cheap" if value < limit else "dear"


def normalized(word: str) -> str:
    return word.lower().strip(string.punctuation)


def sentiment(text: str) -> int:
    words = text.lower().split()
    return sum(1 for w in words if w in POSITIVE) - sum(1 for w in words if w in NEGATIVE)


def mood(score: int) -> str:
    if score > 0:
        return "positive"
    if score < 0:
        return "negative"
    return "neutral"


def key_value(text: str) -> tuple[str, str]:
    key, sep, value = text.partition("=")
    if not sep:
        return text, ""
    return key.strip(), value.strip()


def mean_of(pair: tuple[str, tuple[float, int]]) -> tuple[str, float]:
    key, (total, count) = pair
    return key, round(total / count, 2) if count else 0.0


def update_total(new: list[int], old: int | None) -> int:
    return sum(new) + (old if old is not None else 0)


def update_mean(new: list[float], old: tuple[float, int] | None) -> tuple[float, int]:
    total, count = old or (0.0, 0)
    return total + sum(new), count + len(new)


def update_max(new: list[int], old: int | None) -> int | None:
    if not new:
        return old
    best = max(new)
    return best if old is None or best > old else old


def update_with_end(new: list[int], old: int | None) -> int | None:
    if len(new) == 0 and old is None:
        return None
    total = (old or 0) + sum(new)
    return total if total > 0 else None


def update_range(new: list[int], old: tuple[int, int] | None) -> tuple[int, int] | None:
    if not new:
        return old
    low, high = min(new), max(new)
    if old is None:
        return low, high
    return min(low, old[0]), max(high, old[1])


def update_smooth(new: list[float], old: float | None) -> float:
    value = new[-1] if new else 0.0
    return value if old is None else ALPHA * value + (1 - ALPHA) * old


def update_seen(new: list[str], old: int | None) -> int:
    return (old or 0) + len([n for n in new if n])


def larger_pair(a: tuple[int, str], b: tuple[int, str]) -> tuple[int, str]:
    return a if a[0] >= b[0] else b


def merge_stats(a: tuple[int, float, float], b: tuple[int, float, float]) -> tuple[int, float, float]:
    return a[0] + b[0], min(a[1], b[1]), max(a[2], b[2])


def valid(line: str) -> bool:
    fields = line.split(",")
    return len(fields) == 3 and fields[0] != "" and fields[1].isdigit()


def sized(line: str) -> str:
    n = len(line)
    size = "short"
    if n > 20:
        size = "long"
    elif n > 10:
        size = "medium"
    return size


def mask(card: str) -> str:
    return "*" * (len(card) - 4) + card[-4:]


def initials(name: str) -> str:
    return "".join([part[0].upper() for part in name.split()])


def longest(line: str) -> str:
    return max(line.split(), key=len, default="")


def vowels(word: str) -> int:
    return sum(1 for c in word if c in "aeiou")


def acronym(word: str) -> bool:
    return word.isupper() and 2 <= len(word) <= 5


def severity(line: str) -> int:
    return WEIGHTS[line.split(":")[0].lower()] if line.split(":")[0].lower() in WEIGHTS else 0


def domain(mail: str) -> str:
    return mail.split("@")[-1].lower()


def extension(path: str) -> str:
    dot = path.rfind(".")
    return path[dot + 1 :] if dot != -1 else ""


def query_of(url: str) -> dict[str, str]:
    return dict(part.split("=") for part in url.split("?")[1].split("&"))


def safe_int(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        return 0


def pairs_of_words(line: str) -> list[tuple[str, str]]:
    words = line.split()
    return [(words[i], words[i + 1]) for i in range(len(words) - 1)]


def counted(words: list[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    return counts


def fahrenheit(celsius: float) -> float:
    return celsius * 9 / 5 + 32


def clamp(x: int, low: int = 0, high: int = 100) -> int:
    return max(low, min(high, x))


def collatz(n: int) -> int:
    return n // 2 if n % 2 == 0 else 3 * n + 1


def distance(p: tuple[float, float]) -> float:
    return math.sqrt(p[0] ** 2 + p[1] ** 2)


def fizz(n: int) -> str:
    return "FizzBuzz" if n % 15 == 0 else "Fizz" if n % 3 == 0 else "Buzz" if n % 5 == 0 else str(n)


def row_text(pair: tuple[str, int]) -> str:
    return f"{pair[0]:<10}|{pair[1]:>5d}"


LOG = '10.0.0.1 - - [07/Mar/2004:16:05:49 -0800] "GET /index.html HTTP/1.1" 200 6291'
LOGS = [(LOG,), (LOG.replace("200", "404"),), (LOG.replace("GET", "POST").replace("6291", "-"),)]
DATES = [("2024-03-09T12:00:05",), ("1999-12-31",), ("2000-01-01 00:00",)]
LINES = [("the quick brown fox",), ("I love this #spark #streaming",), ("a,12,x",), ("error: disk full",)]
WORDS = [("Spark",), ("#tag",), ("USA",), ("don't!",), ("x",)]
INTS = [(0,), (7,), (-3,), (15,), (250,)]
FLOATS = [(0.5,), (99.99,), (-12.25,), (120.0,)]
HITS = [(Hit("10.0.0.1", "2024-03-09", "GET", "/a", 200, 12),), (Hit("10.0.0.2", "2024-03-10", "POST", "/b", 503, 0),)]
TRADES = [(Trade("IBM", 101.5, 300),), (Trade("AAPL", 99.25, 10),)]
COUNTS = [(("a", 1),), (("bb", 20),), (("", -3),)]
NEW_INTS = [([1, 2], None), ([], 5), ([3], 4)]
NEW_FLOATS = [([1.5, 2.0], 3.0), ([2.5], 1.0)]

FUNCTIONS: list[Entry] = [
    ("map", status_code, LOGS, True),
    ("map", request_path, LOGS, True),
    ("map", bytes_sent, LOGS, True),
    ("map", log_day, LOGS, True),
    ("map", client, LOGS, True),
    ("map", lambda l: (l.split('"')[1].split(" ")[0], 1), LOGS, True),
    ("filter", lambda l: '" 404 ' in l or '" 500 ' in l, LOGS, True),
    ("map", lambda l: l.split(" ")[0].split(".")[:2], LOGS, True),
    ("map", lambda l: (l[l.index("[") + 1 : l.index("]")].split(":")[1], 1), LOGS, True),
    ("map", month_of, DATES, True),
    ("map", day_of_year, DATES, True),
    ("map", quarter, DATES, True),
    ("map", lambda d: "-".join([d[8:10], d[5:7], d[:4]]), DATES, True),
    ("map", lambda d: int(d[:4]) % 4 == 0 and (int(d[:4]) % 100 != 0 or int(d[:4]) % 400 == 0), DATES, True),
    ("map", lambda d: int(d.replace("-", "")[:8]), DATES, True),
    ("map", seconds_of, [("12:30:05",), ("00:00:00",), ("23:59:59",)], True),
    ("map", is_weekend, INTS, True),
    ("map", bucket_of, FLOATS, True),
    ("map", lambda x: bucket_of(x, 5), FLOATS, True),
    ("map", lambda x: bucket_label(x, limit=50), FLOATS, True),
    ("map", priced, [("a,12.5",), ("b,200",)], True),
    ("flatMap", lambda l: [w for w in l.split() if w.startswith("#")], LINES, True),
    ("flatMap", lambda l: [w.lower() for w in l.split() if w.lower() not in STOP], LINES, True),
    ("flatMap", lambda l: [(w, 1) for w in l.split(" ") if len(w) > 2 and w.isalpha()], LINES, True),
    ("flatMap", lambda l: [w[1:].lower() for w in l.split(" ") if w[:1] in ("#", "@")], LINES, True),
    ("flatMap", lambda l: ((w.strip(",.!?"), len(w)) for w in l.split()), LINES, True),
    ("flatMap", lambda l: set(l.split()), LINES, False),
    ("flatMap", pairs_of_words, LINES, True),
    ("flatMap", lambda l: enumerate(l.split()), LINES, True),
    ("flatMap", lambda l: zip(l.split(), l.split()[1:]), LINES, True),
    ("map", lambda l: sorted(l.split())[:2], LINES, True),
    ("map", lambda l: len(set(l.split())), LINES, True),
    ("map", lambda l: {"line": l, "n": len(l)}, LINES, False),
    ("map", lambda l: " ".join(w.capitalize() for w in l.split()), LINES, True),
    ("map", lambda l: " ".join(reversed(l.split())), LINES, True),
    ("map", lambda l: l[::-1], LINES, True),
    ("map", lambda l: min((len(w), w) for w in l.split()), LINES, True),
    ("map", lambda l: sum(len(w) for w in l.split()) / len(l.split()), LINES, True),
    ("map", lambda l: any(w in l for w in ("error", "fail")), LINES, True),
    ("map", lambda l: max(len(w) for w in l.split()), LINES, True),
    ("map", sentiment, LINES, True),
    ("map", lambda l: mood(sentiment(l)), LINES, True),
    ("map", longest, LINES, True),
    ("map", sized, LINES, True),
    ("map", severity, LINES, True),
    ("filter", valid, LINES, True),
    ("map", normalized, WORDS, True),
    ("map", vowels, WORDS, True),
    ("filter", acronym, WORDS, True),
    ("filter", lambda w: w not in STOP and not w.startswith(("#", "@")), WORDS, True),
    ("map", lambda w: (w[0], w), WORDS, True),
    ("map", lambda w: (w, len(w), w == w[::-1]), WORDS, True),
    ("map", lambda w: "".join(c for c in w if c.isalnum()), WORDS, True),
    ("map", lambda w: "".join(sorted(w)), WORDS, True),
    ("map", lambda w: ord(w[0]) - ord("a"), WORDS, True),
    ("map", lambda w: w.center(12, "*"), WORDS, True),
    ("map", lambda w: w.translate(str.maketrans("", "", string.punctuation)), WORDS, False),
    ("map", mask, [("1234567812345678",), ("12345",)], True),
    ("map", initials, [("Ada Lovelace",), ("alan m turing",)], True),
    ("map", domain, [("a@B.com",), ("nobody",)], True),
    ("map", extension, [("a/b.tar.gz",), ("none",)], True),
    ("map", query_of, [("/a?x=1&y=2",), ("/b?z=3",)], False),
    ("map", safe_int, [("12",), ("x",)], True),
    ("map", key_value, [("a = 1",), ("b",)], True),
    ("map", lambda code: LANGS.get(code, "other"), [("en",), ("xx",)], True),
    ("map", lambda code: LANGS[code] if code in LANGS else code.upper(), [("en",), ("xx",)], True),
    ("map", fahrenheit, FLOATS, True),
    ("map", lambda x: round(x * 1.19, 2), FLOATS, True),
    ("map", lambda x: "%.1f" % x, FLOATS, True),
    ("map", lambda x: f"{x:,.2f} EUR", FLOATS, True),
    ("map", lambda x: "{:.3f}".format(x), FLOATS, True),
    ("map", lambda x: int(x) if x >= 0 else -int(-x), FLOATS, True),
    ("map", distance, [((3.0, 4.0),), ((0.5, -1.0),)], True),
    ("map", clamp, INTS, True),
    ("map", collatz, INTS, True),
    ("map", fizz, INTS, True),
    ("map", lambda n: [i for i in range(1, n + 1) if n % i == 0], [(12,), (7,), (0,)], True),
    ("filter", lambda n: n > 1 and all(n % i for i in range(2, int(n**0.5) + 1)), [(2,), (9,), (97,), (1,)], True),
    ("map", lambda n: bin(n), INTS, False),
    ("map", lambda n: divmod(n, 60), INTS, True),
    ("map", lambda n: str(n).zfill(5), INTS, True),
    ("map", lambda n: sum(int(d) for d in str(abs(n))), INTS, True),
    ("map", lambda n: (n % 2 == 0 and "even") or "odd", INTS, True),
    ("map", lambda n: n / 100.0 if n else None, [(50,), (25,)], True),
    ("map", lambda n: ["low", "mid", "high"][min(n // 50, 2)], [(7,), (250,)], True),
    ("map", lambda n: math.log(n + 1), [(0,), (7,)], True),
    ("map", lambda h: (h.path, h.size), HITS, True),
    ("filter", lambda h: h.status in BAD_STATUS and h.method != "GET", HITS, True),
    ("map", lambda h: ((h.day, h.status // 100), (h.size, 1)), HITS, True),
    ("map", lambda t: (t.symbol, t.price * t.volume), TRADES, True),
    ("map", lambda t: t._replace(price=0.0), TRADES, False),
    ("map", lambda t: f"{t.symbol}@{t.price:.2f}", TRADES, True),
    ("map", lambda r: Trade(r[0], float(r[1]), int(r[2])), [(("IBM", "1.5", "3"),)], False),
    ("map", row_text, COUNTS, True),
    ("map", lambda kv: (kv[1], kv[0]), COUNTS, True),
    ("map", lambda kv: "%s: %d" % kv, COUNTS, True),
    ("map", lambda kv: "%s: %i" % (kv[0], kv[1]), COUNTS, True),
    ("map", lambda kv: (-kv[1], kv[0].lower()), COUNTS, True),
    ("map", mean_of, [(("a", (3.0, 2)),), (("b", (0.0, 0)),)], True),
    ("mapValues", lambda p: p[0] / p[1], [((3, 2),), ((10, 4),)], True),
    ("mapValues", lambda vs: sorted(vs, reverse=True)[:3], [([3, 1, 2, 9],), ([1],)], True),
    ("mapValues", lambda vs: sum(vs) / len(vs) if vs else 0.0, [([3, 1],), ([1],)], True),
    ("reduceByKey", larger_pair, [((1, "a"), (2, "b"))], True),
    ("reduceByKey", merge_stats, [((1, 2.0, 3.0), (4, 1.0, 9.0))], True),
    ("reduceByKey", lambda a, b: (a[0] + b[0], a[1] + b[1], max(a[2], b[2])), [((1, 2, 3), (4, 5, 6))], True),
    ("reduceByKey", lambda a, b: a if len(a) >= len(b) else b, [("a", "bb")], True),
    ("reduceByKey", lambda a, b: a + "," + b, [("a", "b")], True),
    ("reduceByKey", lambda a, b: a * b % 1000, [(2, 3)], True),
    ("reduceByKey", lambda x, y: x and y, [(True, False)], True),
    ("update", update_total, NEW_INTS, True),
    ("update", update_max, NEW_INTS, True),
    ("update", update_with_end, NEW_INTS, True),
    ("update", update_mean, [([1.0], (2.0, 1)), ([], (2.0, 1)), ([1.0, 2.0], None)], True),
    ("update", update_range, [([1, 2], None), ([3], (1, 2)), ([], (1, 2))], True),
    ("update", update_smooth, NEW_FLOATS, True),
    ("update", update_seen, [(["a", ""], None), ([], 3)], True),
    ("update", lambda new, old: (old or 0) + 1 if new else old, NEW_INTS, True),
    ("update", lambda new, old: max([*new, old or 0]), NEW_INTS, False),
    ("update", lambda new, old: (old or []) + new, [([1], [2]), ([], [2])], True),
    ("flatMap", lambda l: [(i, w) for i, w in enumerate(l.split(), start=1) if len(w) > 1], LINES, True),
    ("flatMap", lambda l: [a + " " + b for a, b in zip(l.split(" "), l.split(" ")[1:], strict=False)], LINES, True),
    ("map", lambda l: sorted(set(l.lower().split())), LINES, True),
    ("map", lambda l: "-".join(set(l)), LINES, False),
    ("map", lambda vs: sum(set(vs)), [([3, 1, 3],)], True),
    ("map", lambda x: round(math.log10(x) + math.log2(x), 6), [(0.5,), (1000,)], True),
    ("map", lambda x: 1 / (1 + math.exp(-x)), FLOATS, True),
    ("map", lambda l: min(l.split(","), default=None, key=len), LINES, True),
    ("map", lambda vs: max(vs, default=-1), [([3, 1],), ([],)], True),
    ("map", counted, [(["a", "b", "a"],)], False),
]
