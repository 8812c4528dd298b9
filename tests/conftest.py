"""What holds for every test: no test is about how fast this machine is today."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("no-deadlines", deadline=None)
settings.load_profile("no-deadlines")
