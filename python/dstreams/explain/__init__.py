"""What runs natively, what runs in Python, and why? In words for whoever wrote the program.

`explain_rdd` and `explain_stream` give a `Report`, whose `str` is what `RDD.explain()` and `DStream.explain()` print;
`program.py` is `python -m dstreams explain`. Nothing is decided here: the engine's own plan says what runs natively
(`_native.Chain`), and the reader of functions says why one does not (`dstreams.udf`). Inside:

    report     what there is to say, and its text     source     what a function is called, and where it is
    verdicts   the functions of a chain of steps      methods    what a step is to a program
    lineage    an RDD, back to where its data is from
    streams    a stream's graph, as the RDDs of one batch
"""

from __future__ import annotations

from dstreams.explain.lineage import explain_rdd
from dstreams.explain.report import Block, Line, Report
from dstreams.explain.streams import explain_context, explain_stream

__all__ = ["Block", "Line", "Report", "explain_context", "explain_rdd", "explain_stream"]
