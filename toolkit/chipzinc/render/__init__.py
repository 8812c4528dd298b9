"""Rendering: a graph, a package and its rules as a MiniZinc model and its data.

The only place that knows Jinja. Rules are copied, never rewritten; numbers travel as data.
"""
