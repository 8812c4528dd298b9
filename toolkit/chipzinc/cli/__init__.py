"""The command line: each command parses, calls the library, prints. Nothing is computed here."""
