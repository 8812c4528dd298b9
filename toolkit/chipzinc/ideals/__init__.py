"""Pipelines as chains of ideals: sets of ops that hold all ops before theirs, each chip what one adds to the last."""
