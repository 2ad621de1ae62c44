"""What every test runs under."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# The same examples on every machine, and no test against the speed of a busy one. Another profile
# (HYPOTHESIS_PROFILE=search) looks for new examples each time, and for more of them.
_SLOW_MACHINES = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("repeatable", derandomize=True, max_examples=60, **_SLOW_MACHINES)
settings.register_profile("search", max_examples=1000, print_blob=True, **_SLOW_MACHINES)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))
