"""Rules: MiniZinc files found by name, their documentation, parameters and cases.

One rule, one file, one name everywhere. Nothing here says what a rule means: that is in its file alone.
"""
