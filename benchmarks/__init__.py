"""What the documentation claims in figures, measured: each module prints one table; `make bench` runs them all."""
