"""The types of `dstreams.core.rddsampler`."""

# Written by scripts/stubs.py.
from dstreams.core.rddsampler import (
    RDDRangeSampler as RDDRangeSampler,
    RDDSampler as RDDSampler,
    RDDSamplerBase as RDDSamplerBase,
    RDDStratifiedSampler as RDDStratifiedSampler,
)
