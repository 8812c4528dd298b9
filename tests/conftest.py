"""What holds for every test: none is about how fast this machine is today, and all check the shapes of the policy."""

from __future__ import annotations

import jaxtyping
from hypothesis import settings

# before anything imports it: annotations of shapes are checked at every call
jaxtyping.install_import_hook("chipzinc.policy", "beartype.beartype")

settings.register_profile("no-deadlines", deadline=None)
settings.load_profile("no-deadlines")
