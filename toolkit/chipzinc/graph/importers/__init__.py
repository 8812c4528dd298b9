"""Importers, one file format each; each is the only module that knows its format's library.

To add one: read the format into a `chipzinc.graph.rawgraph.RawGraph` (every value with a static shape, operands in the
order `chipzinc.graph.flops` states, kinds from `chipzinc.graph.kinds`), hand it to `chipzinc.graph.build.build_graph`,
which settles weights, constants, views and replication, and name the format's ending in `chipzinc.graph.load`. Import
the library inside functions, and raise `chipzinc.errors.InputError` naming the node where a shape is not static.
"""
