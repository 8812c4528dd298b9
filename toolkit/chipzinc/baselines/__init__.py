"""Baselines: what the search and the learned policies are compared with, over the same correction."""
