"""Proven lower bounds on the interval; knows no rule file and no constraint solver."""
