"""Plans: the files that carry a partition and how it came about.

Knows graphs and packages, nothing of rules, solvers or scores beyond their being numbers.
"""
