"""Correction: hints in, valid partitions out.

`hints` makes them, `projection` smooths them, `problem` compiles the rules once for a graph, `batch` asks the solver
for the correction of many hints in one process, and `memory` feeds overflows back until none is left.
"""
