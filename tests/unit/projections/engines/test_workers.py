"""What workers answer that are asked whether they can do our work."""

from __future__ import annotations

import asyncio

import pytest

from projections.engines import workers
from projections.engines.work import VERSION
from projections.engines.workers import refuse_unfit
from projections.errors import EngineError

ADDRESS = "tcp://10.0.0.5:8786"


class Answers:
    """A client whose workers, tcp://10.0.0.1 and so on, answer that; None: nothing, ever."""

    def __init__(self, *answers):
        self.answers = {f"tcp://10.0.0.{n}:7": answer for n, answer in enumerate(answers, 1)}

    def nthreads(self):
        return dict.fromkeys(self.answers, 1)

    def sync(self, function, *args):
        return asyncio.run(function(*args))

    async def run(self, function, *args, workers, on_error):
        assert function.__module__ == "pkgutil", "workers without ours cannot unpack it"
        assert on_error == "return"
        function(*args)  # it is there
        (worker,) = workers
        if self.answers[worker] is None:
            await asyncio.Event().wait()
        return {worker: self.answers[worker]}


def refused(*answers):
    with pytest.raises(EngineError) as raised:
        refuse_unfit(Answers(*answers), ADDRESS)
    return str(raised.value)


def lacking(name):
    return ModuleNotFoundError(f"No module named {name!r}", name=name)


@pytest.mark.parametrize("answers", [(), (VERSION,), (VERSION, OSError("connect"), VERSION)])
def test_workers_that_can_do_it_and_those_that_are_gone_are_none_to_refuse(answers):
    refuse_unfit(Answers(*answers), ADDRESS)


def test_one_that_does_not_answer_holds_up_no_other(monkeypatch):
    monkeypatch.setattr(workers, "ANSWER_S", 0.1)
    refuse_unfit(Answers(VERSION, None), ADDRESS)
    assert "1 of 3 workers" in refused(None, VERSION, lacking("projections"))


@pytest.mark.parametrize("name", ["projections", "projections.engines", "events"])
def test_workers_without_it_are_told(name):
    assert refused(VERSION, lacking(name)) == (
        f"1 of 2 workers of {ADDRESS} has no syncstats (tcp://10.0.0.2:7): install it there, the "
        "same version"
    )


def test_of_many_workers_the_first_are_named():
    said = f"9 of 10 workers of {ADDRESS} have no syncstats (tcp://10.0.0.1:7, tcp://10.0.0.2:7, "
    assert refused(*[lacking("projections")] * 9, VERSION).startswith(
        f"{said}tcp://10.0.0.3:7 and 6 more): "
    )


@pytest.mark.parametrize("answer", [VERSION + 1, AttributeError("no attribute 'VERSION'")])
def test_another_version_is_told(answer):
    assert "1 of 1 workers of" in refused(answer)
    assert "has another version of syncstats (tcp://10.0.0.1:7): install it" in refused(answer)


def test_one_that_is_not_whole_is_told_with_what_it_lacks():
    said = "has a syncstats that cannot be loaded: ModuleNotFoundError: No module named 'msgspec' ("
    assert said in refused(VERSION, lacking("msgspec"))


def test_all_that_is_wrong_is_told():
    said = refused(lacking("projections"), VERSION + 1)
    assert (
        "1 of 2 workers of tcp://10.0.0.5:8786 has no syncstats (tcp://10.0.0.1:7); 1 of 2" in said
    )
