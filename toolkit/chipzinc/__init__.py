"""chipzinc: partition machine-learning models over multi-chip modules.

A policy hints, a constraint solver corrects, a throughput model scores. Importing the package loads none of
its parts; import what you need, such as `chipzinc.recipe.partition` or `chipzinc.graph.opgraph.OpGraph`.
"""

__version__ = "0.1.0"
