"""Mutants of the product, each with one safeguard taken out: a scenario must break an invariant that the checker names.

`make test` runs a sample of them, `make test-long` all.
"""

from collections.abc import Callable

import pytest

from tests.faults import scenarios
from tests.faults.checker import InvariantViolated, check
from tests.faults.conftest import MakeSystem
from tests.faults.mutants import MUTANTS, NO_IDEMPOTENCY_INDEX
from tests.faults.scenarios import after, before, cancel_while_stopped, crash_once, stop_and_take_over
from tests.faults.system_under_test import SystemUnderTest
from tests.sampling import SAMPLING

type Scenario = Callable[[SystemUnderTest], object]


def _overtaken(sut: SystemUnderTest) -> object:
    return stop_and_take_over(sut, after("provider.submit", "pause"), takes_over=[before("jobs.save", "pause", nth=2)])


def _two_jobs(sut: SystemUnderTest) -> None:
    sut.post()
    sut.post()
    sut.run()


def _cancelled_while_uploading(sut: SystemUnderTest) -> object:
    return cancel_while_stopped(sut, "render", before("store.put", "pause"), beyond_its_lease=True)


def _a_deletion_dies(sut: SystemUnderTest) -> None:
    post = sut.post()
    sut.run()
    sut.wish("delete", post.job_id, at=sut.start("jobs", after("jobs.save")))
    sut.run()


def _an_end_that_lets_nobody_in(sut: SystemUnderTest) -> None:
    sut.cap = 1
    first, _ = sut.post(), sut.post()
    sut.wish("cancel", first.job_id, at=sut.start("jobs", before("slots.release")))
    sut.run()


CAUGHT: dict[str, tuple[str, str, Scenario]] = {
    "save without the lease": ("I5", "find", _overtaken),
    "save without any guard": ("I2", "find", scenarios.wake_after_the_end),
    "claim whatever is next": ("I5", "find", scenarios.a_message_comes_again_much_later),
    "claim although somebody has a lease": ("I5", "resubmit", scenarios.the_same_message_at_once),
    "write the intent after the submit": (
        "I3",
        "find",
        lambda sut: crash_once(sut, "worker", after("provider.submit")),
    ),
    "finish without a look at the object": ("I4", "find", scenarios.an_object_is_cut_short),
    "one object for all jobs": ("I4", "find", _two_jobs),
    "a token for each call": ("I3", "repeat", lambda sut: crash_once(sut, "worker", after("provider.submit"))),
    "a crash counts as an attempt": ("I3", "find", lambda sut: crash_once(sut, "worker", after("provider.submit"))),
    "bury whatever is there": ("I5", "find", scenarios.a_dead_letter_while_somebody_works),
    "announce under a new id": ("I6", "find", lambda sut: crash_once(sut, "worker", after("notifier.publish"))),
    "forget before announcing": ("I6", "find", lambda sut: crash_once(sut, "worker", after("jobs.mark_announced"))),
    "nobody is late": ("I1", "find", scenarios.the_provider_never_ends),
    "the sweep sees nothing": ("I1", "find", scenarios.everything_is_lost),
    "attempts without end": ("I1", "find", scenarios.the_provider_always_fails),
    "discard nothing": ("I8", "find", _cancelled_while_uploading),
    "stop nothing at the provider": ("I8", "find", _cancelled_while_uploading),
    "compare no shares": ("I1", "find", _an_end_that_lets_nobody_in),
    "a deletion is no step": ("I8", "find", _a_deletion_dies),
    NO_IDEMPOTENCY_INDEX: ("I1", "find", scenarios.the_same_request_at_once),
}


def test_every_mutant_has_a_scenario_that_catches_it() -> None:
    assert CAUGHT.keys() == MUTANTS.keys()


@pytest.mark.parametrize("mutant", MUTANTS)
def test_every_mutant_replaces_code_that_exists(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    MUTANTS[mutant](monkeypatch.setattr)


@pytest.mark.parametrize("mutant", SAMPLING.draw(CAUGHT))
def test_a_safeguard_that_is_missing_is_noticed(unchecked_sut: MakeSystem, mutant: str) -> None:
    invariant, policy, scenario = CAUGHT[mutant]
    sut = unchecked_sut(mutant=mutant, unknown_submit=policy)
    if mutant == NO_IDEMPOTENCY_INDEX:
        sut.database["videojobs"].drop_index("idempotency")
    scenario(sut)
    with pytest.raises(InvariantViolated, match=f"(?m)^  {invariant} "):
        check(sut)
