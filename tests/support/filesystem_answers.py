"""What a file system, the real one or a model, answers."""

from __future__ import annotations

import pytest


def read(fs, path):
    with fs.open_read(path) as file:
        return file.read()


def code_of(call, *arguments):
    with pytest.raises(OSError) as caught:  # noqa: PT011 - the number is what is looked at
        call(*arguments)
    return caught.value.errno
