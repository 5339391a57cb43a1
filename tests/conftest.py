"""For all tests: a property takes the time it takes, for machines may be busy."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("recurra", deadline=None)
settings.load_profile("recurra")
