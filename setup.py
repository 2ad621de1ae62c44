"""How the compiled part is built; all else about the package stands in pyproject.toml."""

import sysconfig
from pathlib import Path

from setuptools import Extension, setup

# A Python without the GIL has no stable ABI that 3.11 shares: there it is built for that one alone.
STABLE = not sysconfig.get_config_var("Py_GIL_DISABLED")

KERNEL = Extension(
    "events.kernel._scan",
    sources=["events/kernel/scan.c"],
    depends=sorted(map(str, Path("events/kernel").glob("*.h"))),
    extra_compile_args=["-O3"],
    define_macros=[("Py_LIMITED_API", "0x030B0000")] if STABLE else [],
    py_limited_api=STABLE,
    optional=True,  # without a compiler the package installs all the same, and is slower
)

setup(ext_modules=[KERNEL], options={"bdist_wheel": {"py_limited_api": "cp311"}} if STABLE else {})
