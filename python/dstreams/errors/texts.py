"""Which text does the name of an error class stand for?

Owns the error classes that RDDs and streams raise. The texts are Spark's, because programs and people look for them.
"""

from __future__ import annotations

import re

TEXTS = {
    "APPLICATION_NAME_NOT_SET": "An application name must be set in your configuration.",
    "BROADCAST_VARIABLE_NOT_LOADED": "Broadcast variable `<variable>` not loaded.",
    "CALL_BEFORE_INITIALIZE": "Not supported to call `<func_name>` before initialize <object>.",
    "CANNOT_CONVERT_TYPE": "Cannot convert <from_type> into <to_type>.",
    "CANNOT_SET_TOGETHER": "<arg_list> should not be set together.",
    "CONTEXT_ONLY_VALID_ON_DRIVER": (
        "It appears that you are attempting to reference SparkContext from a broadcast variable, action, or "
        "transformation. SparkContext can only be used on the driver, not in code that it run on workers. For more "
        "information, see SPARK-5063."
    ),
    "INCORRECT_CONF_FOR_PROFILE": (
        "`spark.python.profile` or `spark.python.profile.memory` configuration\n must be set to `true` to enable "
        "Python profile."
    ),
    "INVALID_BROADCAST_OPERATION": "Broadcast can only be <operation> in driver.",
    "KEY_VALUE_PAIR_REQUIRED": "Key-value pair or a list of pairs is required.",
    "MASTER_URL_NOT_SET": "A master URL must be set in your configuration.",
    "MISSING_LIBRARY_FOR_PROFILER": (
        "Install the 'memory_profiler' library in the cluster to enable memory profiling."
    ),
    "NOT_IN_BARRIER_STAGE": "It is not in a barrier stage.",
    "PIPE_FUNCTION_EXITED": "Pipe function `<func_name>` exited with error code <error_code>.",
    "PYTHON_HASH_SEED_NOT_SET": "Randomness of hash of string should be disabled via PYTHONHASHSEED.",
    "RDD_TRANSFORM_ONLY_VALID_ON_DRIVER": (
        "It appears that you are attempting to broadcast an RDD or reference an RDD from an \naction or "
        "transformation. RDD transformations and actions can only be invoked by the \ndriver, not inside of other "
        "transformations; for example, \nrdd1.map(lambda x: rdd2.values.count() * x) is invalid because the values "
        "\ntransformation and count action cannot be performed inside of the rdd1.map \ntransformation. For more "
        "information, see SPARK-5063."
    ),
    "STOP_ITERATION_OCCURRED": "Caught StopIteration thrown from user's code; failing the task: <exc>",
    "TOO_MANY_VALUES": "Expected <expected> values for `<item>`, got <actual>.",
    "VALUE_NOT_ACCESSIBLE": "Value `<value>` cannot be accessed inside tasks.",
}

_GAP = re.compile("<([a-zA-Z0-9_-]+)>")


def filled(error_class: str, parameters: dict[str, str]) -> str:
    """The text of an error class.

    Raises: ValueError for an error class that is unknown, AssertionError for other parameters than its text names.
    """
    if error_class not in TEXTS:
        raise ValueError(f"Cannot find main error class '{error_class}'")
    text = TEXTS[error_class]
    assert set(_GAP.findall(text)) == set(parameters), (
        f"Undefined error message parameter for error class: {error_class}. Parameters: {parameters}"
    )
    return _GAP.sub(lambda gap: str(parameters[gap.group(1)]), text)
