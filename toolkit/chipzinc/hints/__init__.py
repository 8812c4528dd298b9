"""Hints: possibly invalid preferences over partitions, made without a solver and without a rule file."""
