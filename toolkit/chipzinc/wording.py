"""Numbers as people read them, in messages and tables. Loads nothing."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """A number of things: ``1 op``, ``2 ops``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def format_bytes(size: int) -> str:
    """A size in the largest binary unit that it reaches: ``512 B``, ``47.2 KiB``, ``31.25 MiB``."""
    if abs(size) < 2**10:
        return f"{size} B"
    return f"{size / 2**10:.1f} KiB" if abs(size) < 2**20 else f"{size / 2**20:,.2f} MiB"
