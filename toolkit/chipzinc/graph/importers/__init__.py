"""Importers, one file format each; each is the only module that knows its format's library."""
