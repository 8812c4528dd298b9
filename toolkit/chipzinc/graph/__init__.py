"""Graphs: what a model is once its exporter is forgotten, its files, importers and coarsening."""
