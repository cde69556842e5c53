"""Which settings does a context run with?"""

from __future__ import annotations

import os
import shlex
from typing import Any

from dstreams.core.engine.arguments import java_bool, java_text, optional_text
from dstreams.errors import PySparkRuntimeError

__all__ = ["SparkConf"]


_OPTIONS = {
    "--master": "spark.master",
    "--name": "spark.app.name",
    "--driver-memory": "spark.driver.memory",
    "--executor-memory": "spark.executor.memory",
}


def _submit_arguments() -> dict[str, str]:
    """Settings from PYSPARK_SUBMIT_ARGS, as `pyspark` and notebooks set them."""
    found: dict[str, str] = {}
    words = iter(shlex.split(os.environ.get("PYSPARK_SUBMIT_ARGS", "")))
    for word in words:
        option, _, value = word.partition("=")
        if option in _OPTIONS or option == "--conf":
            value = value or next(words, "")
            key, _, setting = value.partition("=")
            if option == "--conf":
                found[key] = setting
            else:
                found[_OPTIONS[option]] = value
    return found


_defaults: dict[str, str] = {}


def set_default(key: str, value: str) -> None:
    """Sets a setting of every SparkConf with defaults that is made from now on."""
    _defaults[key] = value


class SparkConf:
    """Settings as pairs of text. Setters return the conf itself, so that calls chain."""

    def __init__(self, loadDefaults: bool = True, _jvm: Any = None, _jconf: Any = None) -> None:
        defaults = {**_submit_arguments(), **_defaults} if java_bool("loadDefaults", loadDefaults) else {}
        self._conf: dict[str, str] = defaults

    @property
    def _jconf(self) -> SparkConf:
        """What PySpark keeps its settings in: there is nothing beneath this object here."""
        return self

    def set(self, key: str, value: Any) -> SparkConf:
        """Set a setting, as text."""
        self._conf[java_text("key", key)] = str(value)
        return self

    def setIfMissing(self, key: str, value: Any) -> SparkConf:
        """Set a setting unless it is set."""
        if not self.contains(key):
            self.set(key, value)
        return self

    def setMaster(self, value: str) -> SparkConf:
        """Set where tasks run, such as `local[2]`."""
        return self.set("spark.master", value)

    def setAppName(self, value: str) -> SparkConf:
        """Set the application's name."""
        return self.set("spark.app.name", value)

    def setSparkHome(self, value: str) -> SparkConf:
        """Set Spark's folder; kept, not used."""
        return self.set("spark.home", value)

    def setExecutorEnv(
        self, key: str | None = None, value: str | None = None, pairs: list[tuple[str, str]] | None = None
    ) -> SparkConf:
        """Set environment variables for tasks: `key` and `value`, or `pairs`."""
        if (key is not None and pairs is not None) or (key is None and pairs is None):
            raise PySparkRuntimeError(error_class="KEY_VALUE_PAIR_REQUIRED", message_parameters={})
        for name, text in pairs if pairs is not None else [(key, value)]:
            self.set(f"spark.executorEnv.{name}", text)
        return self

    def setAll(self, pairs: list[tuple[str, Any]]) -> SparkConf:
        """Set several settings from pairs."""
        for key, value in pairs:
            self.set(key, value)
        return self

    def get(self, key: str, defaultValue: str | None = None) -> str | None:
        """A setting, or the default."""
        return self._conf.get(java_text("key", key), optional_text("defaultValue", defaultValue))

    def getAll(self) -> list[tuple[str, str]]:
        """All settings as pairs."""
        return list(self._conf.items())

    def contains(self, key: str) -> bool:
        """Whether a setting is set."""
        return java_text("key", key) in self._conf

    def toDebugString(self) -> str:
        """All settings, a line each, in the order of their names."""
        return "\n".join(f"{key}={value}" for key, value in sorted(self._conf.items()))

    def _copy(self) -> SparkConf:
        copy = SparkConf(loadDefaults=False)
        copy._conf = dict(self._conf)
        return copy
