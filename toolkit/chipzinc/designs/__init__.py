"""Designs made by hand: what is wrong with them and why, and the smallest change that mends them.

How the parts lie on each other: `witness` (who is to blame for a violated instance), `part` (the least that some ops
must move) <- `judgement` (a design, whole or in part, against every rule) <- `search` (what is known near a design)
<- `repair` (the nearest valid partition), `conflict` (why there is none) <- `explain` (and what would help).
"""
