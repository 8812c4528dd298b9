"""How sparse valid partitions are: counted where that can be done, estimated without bias where not.

`rates.py` is the entry; nothing here says what a rule means, MiniZinc judges.
"""
