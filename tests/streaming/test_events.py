"""The objects that listeners get: getters, maps and texts as of Spark's JVM objects."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.streaming import StreamingContext, StreamingListener

from dstreams.streaming.events import Time, _event

OUTPUT = {
    "batchTime": 1500,
    "id": 0,
    "name": "foreachRDD",
    "description": "at a line",
    "startTime": 1502,
    "endTime": 1504,
    "failureReason": None,
}
BATCH = {
    "batchTime": 1500,
    "submissionTime": 1501,
    "processingStartTime": 1502,
    "processingEndTime": 1505,
    "schedulingDelay": 1,
    "processingDelay": 3,
    "totalDelay": 4,
    "numRecords": 7,
    "inputs": [
        {"inputStreamId": 0, "numRecords": 7, "metadataDescription": None},
        {"inputStreamId": 2, "numRecords": 0, "metadataDescription": "/a\n/b"},
    ],
    "outputs": [OUTPUT],
}
RECEIVER = {
    "streamId": 0,
    "name": "SocketReceiver-0",
    "active": True,
    "location": "localhost",
    "executorId": "driver",
    "lastErrorMessage": "",
    "lastError": "",
    "lastErrorTime": -1,
}
INPUT_TEXTS = (
    "JavaStreamInputInfo(0,7,{},null)",
    "JavaStreamInputInfo(2,0,{files=List(/a, /b), Description=/a\n/b},/a\n/b)",
)
OUTPUT_TEXT = "JavaOutputOperationInfo(1500 ms,0,foreachRDD,at a line,1502,1504,null)"


def test_a_batch_prints_as_in_spark() -> None:
    batch = _event("onBatchCompleted", BATCH).batchInfo()
    text = (
        f"JavaBatchInfo(1500 ms,{{0={INPUT_TEXTS[0]}, 2={INPUT_TEXTS[1]}}},1501,1502,1505,1,3,4,7,{{0={OUTPUT_TEXT}}})"
    )
    assert str(batch) == batch.toString() == repr(batch) == text
    assert batch.getClass().getSimpleName() == batch.productPrefix() == "JavaBatchInfo"
    assert batch.getClass().getName() == "org.apache.spark.streaming.api.java.JavaBatchInfo"
    assert [batch.productElement(n) for n in (0, 2, 8)] == [Time(1500), 1501, 7]
    assert batch == _event("onBatchCompleted", BATCH).batchInfo()
    assert batch.equals(batch) and batch.hashCode() == _event("onBatchCompleted", BATCH).batchInfo().hashCode()
    assert batch != _event("onBatchCompleted", {**BATCH, "numRecords": 8}).batchInfo()


def test_outputs_and_receivers_print_as_in_spark() -> None:
    output = _event("onOutputOperationStarted", OUTPUT).outputOperationInfo()
    assert (str(output), output.failureReason(), output.endTime()) == (OUTPUT_TEXT, None, 1504)
    receiver = _event("onReceiverStarted", RECEIVER).receiverInfo()
    assert str(receiver) == "JavaReceiverInfo(0,SocketReceiver-0,true,localhost,driver,,,-1)"
    assert receiver.active() is True


@pytest.mark.parametrize(
    "name, facts, getter",
    [
        ("onStreamingStarted", {"time": 9}, "time"),
        ("onReceiverError", RECEIVER, "receiverInfo"),
        ("onBatchSubmitted", BATCH, "batchInfo"),
        ("onOutputOperationCompleted", OUTPUT, "outputOperationInfo"),
    ],
)
def test_events_say_what_they_are(name: str, facts: dict[str, Any], getter: str) -> None:
    event = _event(name, facts)
    kind = f"org.apache.spark.streaming.api.java.JavaStreamingListener{name[2:]}"
    assert event.getClass().getName() == kind
    assert str(event).startswith(f"{kind}@") and str(event) == event.toString()
    assert getattr(event, getter)() is not None
    with pytest.raises(Py4JError, match=rf"{name[2:]}\.nonsense: .* {getter}\(\)"):
        event.nonsense()


def test_maps_answer_as_javas_and_as_dicts() -> None:
    found = _event("onBatchCompleted", BATCH).batchInfo().outputOperationInfos()
    one = found.get(0)
    assert str(one) == OUTPUT_TEXT
    assert (found.size(), len(found), found.isEmpty(), list(found), dict(found)) == (1, 1, False, [0], {0: one})
    assert (found[0], found[9], found.get(9), found.getOrDefault(9, 7)) == (one, None, None, 7)
    assert (found.containsKey(0), 0 in found, found.containsKey(9), found.containsValue(one)) == (
        True,
        True,
        False,
        True,
    )
    assert (list(found.keySet()), list(found.values()), list(found.items())) == ([0], [one], [(0, one)])
    assert [(entry.getKey(), entry.getValue()) for entry in found.entrySet()] == [(0, one)]
    assert found.toString() == f"{{0={OUTPUT_TEXT}}}" and found.keySet().size() == 1 and found.keySet().contains(0)
    assert found == {0: one} and copy.deepcopy(found) == found
    assert pickle.loads(pickle.dumps(found)) == found
    for change in (lambda: found.put(1, one), lambda: found.clear(), lambda: found.__setitem__(1, one)):
        with pytest.raises(Py4JJavaError, match="UnsupportedOperationException"):
            change()


def test_a_time_is_milliseconds() -> None:
    time = _event("onBatchStarted", BATCH).batchInfo().batchTime()
    assert (time.milliseconds(), str(time), time.toString(), repr(time)) == (1500, "1500 ms", "1500 ms", "1500 ms")
    assert time == Time(1500) and time.equals(Time(1500)) and hash(time) == hash(Time(1500)) and time != Time(1)


def test_a_listener_of_a_stream_gets_them(
    ssc: StreamingContext, tmp_path: Path, eventually: Callable[..., None]
) -> None:
    class Notes(StreamingListener):
        def __init__(self) -> None:
            self.batches: list[Any] = []

        def onBatchCompleted(self, batchCompleted: Any) -> None:
            self.batches.append(batchCompleted.batchInfo())

    notes = Notes()
    ssc.addStreamingListener(notes)
    ssc.textFileStream(str(tmp_path)).foreachRDD(lambda rdd: None)
    ssc.queueStream([[1]]).foreachRDD(lambda rdd: None)
    ssc.start()
    eventually(lambda: notes.batches)
    batch = notes.batches[0]
    assert batch.outputOperationInfos().size() == 2
    assert batch.outputOperationInfos().get(1).failureReason() is None
    assert str(batch.streamIdToInputInfo().get(0)) == "JavaStreamInputInfo(0,0,{files=List(), Description=},)"
    assert str(batch).startswith(f"JavaBatchInfo({batch.batchTime()},{{0=JavaStreamInputInfo(")
