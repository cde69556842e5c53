"""What are Hadoop's settings called? Old names, defaults that programs ask for, and which names mean something here.

1. Only names that say how files are read and written are honoured; they are the constants of this file.
2. Names that Hadoop knows but that have no meaning without a cluster are accepted silently. Any other name that a
   program passes as `conf=` is warned of, once in a process: it is a slip of the pen, or meant for Java code.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable

DELIMITER = "textinputformat.record.delimiter"
LONGEST = "mapreduce.input.linerecordreader.line.maxlength"
INPUT_DIR = "mapreduce.input.fileinputformat.inputdir"
RECURSIVE = "mapreduce.input.fileinputformat.input.dir.recursive"
PASS_FOLDERS = "mapreduce.input.fileinputformat.input.dir.nonrecursive.ignore.subdirs"
LEAST_SPLIT = "mapreduce.input.fileinputformat.split.minsize"
MOST_SPLIT = "mapreduce.input.fileinputformat.split.maxsize"
LOCAL_BLOCK = "fs.local.block.size"
PATH_FILTER = "mapreduce.input.pathFilter.class"
KEY_SEPARATOR = "mapreduce.input.keyvaluelinerecordreader.key.value.separator"
LINES_PER_SPLIT = "mapreduce.input.lineinputformat.linespermap"
RECORD_LENGTH = "fixedlengthinputformat.record.length"
LEAST_PER_NODE, LEAST_PER_RACK = LEAST_SPLIT + ".per.node", LEAST_SPLIT + ".per.rack"
OUTPUT_DIR = "mapreduce.output.fileoutputformat.outputdir"
COMPRESS = "mapreduce.output.fileoutputformat.compress"
CODEC = COMPRESS + ".codec"
COMPRESS_TYPE = COMPRESS + ".type"
BLOCK_BYTES = "io.seqfile.compress.blocksize"
OUTPUT_SEPARATOR = "mapreduce.output.textoutputformat.separator"
BASE_NAME = "mapreduce.output.basename"
MARKS_SUCCESS = "mapreduce.fileoutputcommitter.marksuccessfuljobs"
COMMITTER_VERSION = "mapreduce.fileoutputcommitter.algorithm.version"
OLD_FORMAT = "mapred.output.format.class"
NEW_FORMAT = "mapreduce.job.outputformat.class"
KEY_CLASS = "mapreduce.job.output.key.class"
VALUE_CLASS = "mapreduce.job.output.value.class"

_HONOURED = {
    DELIMITER, LONGEST, INPUT_DIR, RECURSIVE, PASS_FOLDERS, LEAST_SPLIT, MOST_SPLIT, LOCAL_BLOCK, PATH_FILTER,
    KEY_SEPARATOR, LINES_PER_SPLIT, RECORD_LENGTH, LEAST_PER_NODE, LEAST_PER_RACK, OUTPUT_DIR, COMPRESS, CODEC,
    COMPRESS_TYPE, BLOCK_BYTES, OUTPUT_SEPARATOR, BASE_NAME, MARKS_SUCCESS, COMMITTER_VERSION, OLD_FORMAT, NEW_FORMAT,
    KEY_CLASS, VALUE_CLASS,
}  # fmt: skip

# Of no meaning here: other file systems, the cluster, and what a job is called or how many tasks it has.
_ELSEWHERE = (
    "adl.", "dfs.", "file.", "fs.", "ftp.", "ha.", "hadoop.", "io.", "ipc.", "map.sort.", "mapred.job.", "mapred.map.",
    "mapred.reduce.", "mapred.task.", "mapred.child.", "mapred.mapper.", "mapred.reducer.", "mapreduce.am.",
    "mapreduce.client.", "mapreduce.cluster.", "mapreduce.fileoutputcommitter.", "mapreduce.framework.",
    "mapreduce.input.fileinputformat.", "mapreduce.job.", "mapreduce.jobhistory.", "mapreduce.jobtracker.",
    "mapreduce.jvm.", "mapreduce.map.", "mapreduce.outputcommitter.", "mapreduce.reduce.", "mapreduce.shuffle.",
    "mapreduce.task.", "mapreduce.tasktracker.", "net.", "nfs.", "rpc.", "s3.",
    "s3native.", "seq.io.", "tfile.",
    "yarn.", "zlib.", "mapred.input.format.class", "mapred.output.committer.class", "mapred.output.value.groupfn.class",
)  # fmt: skip

_OLD_NAMES = {
    "mapred.input.dir": INPUT_DIR,
    "mapred.input.dir.recursive": RECURSIVE,
    "mapred.min.split.size": LEAST_SPLIT,
    "mapred.max.split.size": MOST_SPLIT,
    "mapred.input.pathFilter.class": PATH_FILTER,
    "mapred.linerecordreader.maxlength": LONGEST,
    "mapred.min.split.size.per.node": LEAST_PER_NODE,
    "mapred.min.split.size.per.rack": LEAST_PER_RACK,
    "mapred.line.input.format.linespermap": LINES_PER_SPLIT,
    "key.value.separator.in.input.line": KEY_SEPARATOR,
    "mapred.output.dir": OUTPUT_DIR,
    "mapred.output.compress": COMPRESS,
    "mapred.output.compression.codec": CODEC,
    "mapred.output.compression.type": COMPRESS_TYPE,
    "mapred.textoutputformat.separator": OUTPUT_SEPARATOR,
    "mapred.output.key.class": KEY_CLASS,
    "mapred.output.value.class": VALUE_CLASS,
    "mapreduce.outputformat.class": NEW_FORMAT,
    "mapreduce.inputformat.class": "mapreduce.job.inputformat.class",
    "mapred.job.name": "mapreduce.job.name",
    "mapred.map.tasks": "mapreduce.job.maps",
    "mapred.reduce.tasks": "mapreduce.job.reduces",
    "fs.default.name": "fs.defaultFS",
    "dfs.umaskmode": "fs.permissions.umask-mode",
}

DEFAULTS = {
    "fs.defaultFS": "file:///",
    "io.file.buffer.size": "65536",
    "io.serializations": "org.apache.hadoop.io.serializer.WritableSerialization, "
    "org.apache.hadoop.io.serializer.avro.AvroSpecificSerialization, "
    "org.apache.hadoop.io.serializer.avro.AvroReflectSerialization",
    "fs.permissions.umask-mode": "022",
    "mapreduce.job.maps": "2",
    "mapreduce.job.reduces": "1",
    LEAST_SPLIT: "0",
    LINES_PER_SPLIT: "1",
    COMPRESS: "false",
    CODEC: "org.apache.hadoop.io.compress.DefaultCodec",
    COMPRESS_TYPE: "RECORD",
    COMMITTER_VERSION: "1",
    BLOCK_BYTES: "1000000",
}

_warned: set[str] = set()
_warning = threading.Lock()


def current_name(name: str) -> str:
    """The name that Hadoop uses today for a setting."""
    return _OLD_NAMES.get(name, name)


def warn_of_unknown(names: Iterable[str]) -> None:
    """Writes a warning for each name that means nothing, here and to Hadoop, and was not warned of before."""
    for name in names:
        current = current_name(name)
        if current in _HONOURED or current.startswith(_ELSEWHERE):
            continue
        with _warning:
            is_news = name not in _warned
            _warned.add(name)
        if is_news:
            logging.getLogger("dstreams").warning("conf: %s is no setting that is known here; it has no effect", name)
