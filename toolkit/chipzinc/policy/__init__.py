"""The learned policy: a graph and a package in, a distribution over chips for every group of ops out.

`instance` says what is partitioned, `features` and `candidate` turn it into scaled numbers, `network` scores groups
against chips, `draws` samples hints in a few refinement passes, `rollout` has the solver correct and a judge score
them, `archive` remembers the best of these, `learner` learns from both (PPO and imitation), `train` does that over
many graphs and `tune` on one. Torch is used here and nowhere else but in its importer; the solver is reached through
`chipzinc.correct` alone.
"""
