"""What helps to test and to show streaming programs: feeders of text, and the demo built on them.

Import the submodule you need (`dstreams.testing.feeder`); nothing is imported here.
"""
