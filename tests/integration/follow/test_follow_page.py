"""The page about following names each scenario, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.command import ROOT

PAGE = ROOT / "docs" / "explanation" / "following.md"


def test_the_page_names_each_scenario_and_no_other():
    told = set()
    for section in PAGE.read_text(encoding="utf-8").split("\n### ")[1:]:
        path = re.search(r"^`(tests/[\w/]+\.py)`$", section, re.MULTILINE)
        assert path is not None, section
        told |= {
            (path[1], name) for name in re.findall(r"\| `(test_\w+)` \|$", section, re.MULTILINE)
        }
    there = {
        (str(path.relative_to(ROOT)), name)
        for path in Path(__file__).parent.glob("test_*.py")
        if path != Path(__file__)
        for name in re.findall(r"^def (test_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert told == there
    assert len(there) > 30
