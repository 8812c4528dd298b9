"""Optimisation: from a valid partition to better ones, by MiniZinc solves of neighbourhoods of the best so far.

How the parts lie on each other: `score` (what is better) <- `neighbourhood` (one solve) <- `regions` (which one next)
<- `search` (the loop). Validity always comes from the rules.
"""
