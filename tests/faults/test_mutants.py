"""Mutants of the product, each with one safeguard taken out: a scenario must break an invariant that the checker names.

`make test` runs a sample of them, `make test-long` all.
"""

from collections.abc import Callable

import pytest

from tests.faults import scenarios
from tests.faults.checker import InvariantViolated, check
from tests.faults.conftest import MakeWorld
from tests.faults.mutants import MUTANTS, NO_IDEMPOTENCY_INDEX
from tests.faults.scenarios import after, before, cancel_while_stopped, crash_once, stop_and_take_over
from tests.faults.world import World
from tests.sampling import SAMPLING

type Scenario = Callable[[World], object]


def _overtaken(world: World) -> object:
    return stop_and_take_over(
        world, after("provider.submit", "pause"), takes_over=[before("jobs.save", "pause", nth=2)]
    )


def _two_jobs(world: World) -> None:
    world.post()
    world.post()
    world.run()


def _cancelled_while_uploading(world: World) -> object:
    return cancel_while_stopped(world, "render", before("store.put", "pause"), beyond_its_lease=True)


def _a_deletion_dies(world: World) -> None:
    post = world.post()
    world.run()
    world.wish("delete", post.job_id, at=world.start("jobs", after("jobs.save")))
    world.run()


def _an_end_that_lets_nobody_in(world: World) -> None:
    world.cap = 1
    first, _ = world.post(), world.post()
    world.wish("cancel", first.job_id, at=world.start("jobs", before("shares.leave")))
    world.run()


CAUGHT: dict[str, tuple[str, str, Scenario]] = {
    "save without the lease": ("I5", "find", _overtaken),
    "save without any guard": ("I2", "find", scenarios.wake_after_the_end),
    "claim whatever is next": ("I5", "find", scenarios.a_message_comes_again_much_later),
    "claim although somebody has a lease": ("I5", "resubmit", scenarios.the_same_message_at_once),
    "write the intent after the submit": (
        "I3",
        "find",
        lambda world: crash_once(world, "worker", after("provider.submit")),
    ),
    "finish without a look at the object": ("I4", "find", scenarios.an_object_is_cut_short),
    "one object for all jobs": ("I4", "find", _two_jobs),
    "a token for each call": ("I3", "repeat", lambda world: crash_once(world, "worker", after("provider.submit"))),
    "a crash counts as an attempt": ("I3", "find", lambda world: crash_once(world, "worker", after("provider.submit"))),
    "bury whatever is there": ("I5", "find", scenarios.a_dead_letter_while_somebody_works),
    "announce under a new id": ("I6", "find", lambda world: crash_once(world, "worker", after("notifier.publish"))),
    "forget before announcing": ("I6", "find", lambda world: crash_once(world, "worker", after("jobs.mark_announced"))),
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
def test_a_safeguard_that_is_missing_is_noticed(unchecked_world: MakeWorld, mutant: str) -> None:
    invariant, policy, scenario = CAUGHT[mutant]
    world = unchecked_world(mutant=mutant, unknown_submit=policy)
    if mutant == NO_IDEMPOTENCY_INDEX:
        world.database["videojobs"].drop_index("idempotency")
    scenario(world)
    with pytest.raises(InvariantViolated, match=f"(?m)^  {invariant} "):
        check(world)
