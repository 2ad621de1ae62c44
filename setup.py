"""How the compiled part is built; all else about the package stands in pyproject.toml."""

from pathlib import Path

from setuptools import Extension, setup

KERNEL = Extension(
    "events.kernel._scan",
    sources=["events/kernel/scan.c"],
    depends=sorted(map(str, Path("events/kernel").glob("*.h"))),
    extra_compile_args=["-O3"],
    define_macros=[("Py_LIMITED_API", "0x030B0000")],
    py_limited_api=True,
    optional=True,  # without a compiler the package installs all the same, and is slower
)

setup(ext_modules=[KERNEL], options={"bdist_wheel": {"py_limited_api": "cp311"}})
