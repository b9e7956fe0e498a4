"""Mutants of the product, each without one safeguard: for each, a scenario must violate an invariant.

`make test` runs a sample of the mutants, `make test-long` all of them.
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


def _take_over_a_paused_worker(sut: SystemUnderTest) -> object:
    return stop_and_take_over(sut, after("provider.submit", "pause"), takes_over=[before("jobs.save", "pause", nth=2)])


def _run_two_jobs(sut: SystemUnderTest) -> None:
    sut.post()
    sut.post()
    sut.run()


def _cancel_during_an_upload(sut: SystemUnderTest) -> object:
    return cancel_while_stopped(sut, "render", before("store.put", "pause"), beyond_its_lease=True)


def _crash_during_a_deletion(sut: SystemUnderTest) -> None:
    post = sut.post()
    sut.run()
    sut.control("delete", post.job_id, at=sut.start("jobs", after("jobs.save")))
    sut.run()


def _crash_before_releasing_a_slot(sut: SystemUnderTest) -> None:
    sut.cap = 1
    first, _ = sut.post(), sut.post()
    sut.control("cancel", first.job_id, at=sut.start("jobs", before("slots.release")))
    sut.run()


CAUGHT: dict[str, tuple[str, str, Scenario]] = {
    "save without the lease": ("I5", "find", _take_over_a_paused_worker),
    "save without any guard": ("I2", "find", scenarios.wake_after_the_end),
    "claim any step": ("I5", "find", scenarios.redeliver_messages_late),
    "claim despite a live lease": ("I5", "resubmit", scenarios.deliver_a_message_concurrently),
    "write the intent after the submit": (
        "I3",
        "find",
        lambda sut: crash_once(sut, "worker", after("provider.submit")),
    ),
    "finish without checking the object": ("I4", "find", scenarios.truncate_the_uploaded_object),
    "one object for all jobs": ("I4", "find", _run_two_jobs),
    "a token for each call": ("I3", "repeat", lambda sut: crash_once(sut, "worker", after("provider.submit"))),
    "a crash counts as an attempt": ("I3", "find", lambda sut: crash_once(sut, "worker", after("provider.submit"))),
    "fail dead letters unconditionally": ("I5", "find", scenarios.dead_letter_during_a_step),
    "publish under a new ID": ("I6", "find", lambda sut: crash_once(sut, "worker", after("notifier.publish"))),
    "mark as announced before publishing": (
        "I6",
        "find",
        lambda sut: crash_once(sut, "worker", after("jobs.mark_announced")),
    ),
    "ignore deadlines": ("I1", "find", scenarios.run_with_a_provider_that_never_finishes),
    "find no overdue jobs": ("I1", "find", scenarios.lose_worker_and_message),
    "raise the limit of attempts": ("I1", "find", scenarios.run_with_a_provider_that_always_fails),
    "keep files of lost leases": ("I8", "find", _cancel_during_an_upload),
    "never cancel at the provider": ("I8", "find", _cancel_during_an_upload),
    "never recount slots": ("I1", "find", _crash_before_releasing_a_slot),
    "store no deletion step": ("I8", "find", _crash_during_a_deletion),
    NO_IDEMPOTENCY_INDEX: ("I1", "find", scenarios.repeat_a_request_concurrently),
}


def test_every_mutant_has_a_scenario_that_catches_it() -> None:
    assert CAUGHT.keys() == MUTANTS.keys()


@pytest.mark.parametrize("mutant", MUTANTS)
def test_every_mutant_replaces_existing_code(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    MUTANTS[mutant](monkeypatch.setattr)


@pytest.mark.parametrize("mutant", SAMPLING.draw(CAUGHT))
def test_checker_detects_each_missing_safeguard(unchecked_sut: MakeSystem, mutant: str) -> None:
    invariant, policy, scenario = CAUGHT[mutant]
    sut = unchecked_sut(mutant=mutant, unknown_submit=policy)
    if mutant == NO_IDEMPOTENCY_INDEX:
        sut.database["videojobs"].drop_index("idempotency")
    scenario(sut)
    with pytest.raises(InvariantViolated, match=f"(?m)^  {invariant} "):
        check(sut)
