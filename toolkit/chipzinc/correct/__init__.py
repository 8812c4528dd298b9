"""Correction: hints in, valid partitions out.

`problem` compiles the rules once for a graph, `projection` smooths hints, `batch` asks the solver for the correction
of many hints in one process, and `overflow` feeds what does not fit the memory over time back until nothing does.
"""
