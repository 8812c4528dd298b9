"""Runs the command line as `python -m chipzinc`."""

from chipzinc.cli.entry import main

if __name__ == "__main__":
    main()
