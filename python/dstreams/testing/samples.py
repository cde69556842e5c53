"""What does a made-up stream say? Lines for exercises: words, hashtags, a web server's log, events, measurements.

1. The same seed gives the same lines, in every process and version of Python that keeps `random`'s promises.
2. Times in the lines begin at a fixed moment and go on from line to line; they are not the time of sending.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

__all__ = ["KINDS", "sample_lines"]

_BEGIN = datetime(2025, 1, 1, 8, 0, 0, tzinfo=timezone.utc)
_NOUNS = [
    "stream",
    "batch",
    "window",
    "river",
    "word",
    "line",
    "state",
    "key",
    "value",
    "clock",
    "event",
    "record",
    "lesson",
    "spark",
    "python",
    "count",
]
_VERBS = ["meets", "counts", "follows", "holds", "splits", "joins", "keeps", "passes", "sorts", "finds"]
_TAGS = [
    "#spark",
    "#streaming",
    "#python",
    "#data",
    "#rust",
    "#pydata",
    "#bigdata",
    "#ml",
    "#news",
    "#sports",
    "#music",
    "#travel",
]
_PATHS = [
    "/",
    "/index.html",
    "/lessons",
    "/lessons/windows",
    "/exercises",
    "/login",
    "/search",
    "/images/logo.png",
    "/api/events",
    "/cart",
]
_USERS = [f"user{number}" for number in range(1, 21)]
_ACTIONS = ["view", "click", "search", "buy", "logout"]
_SENSORS = [f"sensor-{number}" for number in range(1, 9)]


def sample_lines(kind: str, count: int, seed: int = 0) -> list[str]:
    """`count` lines of a kind of `KINDS`.

    Raises: ValueError when there is no such kind, or the count is below 1.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, not {kind!r}")
    if count < 1:
        raise ValueError(f"count must be at least 1, not {count}")
    chance = random.Random(f"{kind} {seed}")
    line, lines, now = KINDS[kind], [], _BEGIN
    for _ in range(count):
        now += timedelta(milliseconds=chance.randrange(20, 2000))
        lines.append(line(chance, now))
    return lines


def _often_first(chance: random.Random, values: list[str]) -> str:
    # Some are much more frequent than others, so that counting them shows something.
    return values[min(int(chance.expovariate(4 / len(values))), len(values) - 1)]


def _words(chance: random.Random, now: datetime) -> str:
    said = [_often_first(chance, _NOUNS), chance.choice(_VERBS), "the", _often_first(chance, _NOUNS)]
    if chance.random() < 0.5:
        said += ["and", chance.choice(_VERBS), "a", _often_first(chance, _NOUNS)]
    return " ".join(said)


def _hashtags(chance: random.Random, now: datetime) -> str:
    tags = {_often_first(chance, _TAGS) for _ in range(chance.randrange(1, 4))}
    return " ".join([_words(chance, now), *sorted(tags)])


def _log(chance: random.Random, now: datetime) -> str:
    address = f"10.0.{chance.randrange(4)}.{chance.randrange(1, 30)}"
    status = chance.choices([200, 304, 404, 500], [80, 10, 8, 2])[0]
    method = chance.choices(["GET", "POST"], [9, 1])[0]
    asked = f"{method} {_often_first(chance, _PATHS)} HTTP/1.1"
    return f'{address} - - [{now:%d/%b/%Y:%H:%M:%S %z}] "{asked}" {status} {chance.randrange(200, 50_000)}'


def _event(chance: random.Random, now: datetime) -> str:
    action = _often_first(chance, _ACTIONS)
    event = {"time": now.isoformat(timespec="milliseconds"), "user": chance.choice(_USERS), "action": action}
    if action == "buy":
        event["price"] = round(chance.uniform(1, 100), 2)  # type: ignore[assignment]
    return json.dumps(event)


def _sensor(chance: random.Random, now: datetime) -> str:
    sensor = chance.choice(_SENSORS)
    level = 15 + 2 * _SENSORS.index(sensor)
    return f"{now.isoformat(timespec='milliseconds')},{sensor},{chance.gauss(level, 1.5):.2f}"


KINDS: dict[str, Callable[[random.Random, datetime], str]] = {
    "words": _words,
    "hashtags": _hashtags,
    "logs": _log,
    "events": _event,
    "sensors": _sensor,
}
