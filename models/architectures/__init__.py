"""Architectures of the model zoo, written anew from their publications; one module a family of ideas."""
