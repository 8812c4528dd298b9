"""Hardware specs, and the packages of chips and links they describe; knows no partition and no solver."""
