"""Runs the command line as `python -m chipzinc`."""

from chipzinc.cli.app import main

if __name__ == "__main__":
    main()
