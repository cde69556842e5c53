"""Count the words that arrive at a socket, second by second.

Start a text server in another terminal, for example `nc -lk 9999`, then run

    python examples/network_word_count.py localhost 9999
"""

import sys

from pyspark import SparkContext
from pyspark.streaming import StreamingContext

if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: network_word_count.py HOST PORT")
    host, port = sys.argv[1], int(sys.argv[2])

    sc = SparkContext(appName="NetworkWordCount")
    ssc = StreamingContext(sc, 1)

    lines = ssc.socketTextStream(host, port)
    words = lines.flatMap(lambda line: line.split(" "))
    counts = words.map(lambda word: (word, 1)).reduceByKey(lambda a, b: a + b)
    counts.pprint()

    ssc.start()
    try:
        ssc.awaitTermination()
    except KeyboardInterrupt:
        ssc.stop()
