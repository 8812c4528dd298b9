"""Designs made by hand: what is wrong with them and why, and the smallest change that mends them.

How the parts lie on each other: `witness` (who is to blame for a violated instance) <- `judgement` (a design, whole or
in part, against every rule) and `part` (the least that some ops must move) <- `repair`, `conflict` <- `explain`.
"""
