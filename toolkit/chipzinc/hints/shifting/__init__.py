"""Items of a pipeline shifted from chip to chip by annealing, as machine code: this folder holds what is compiled."""
