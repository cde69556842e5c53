"""Programs that come with the package, written as for Spark: `dstreams demo` runs one."""
