"""Comparing methods: which there are, runs kept as they come, and the table made of them."""
