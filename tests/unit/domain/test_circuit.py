"""When a provider is left alone, and when somebody tries it again."""

from datetime import timedelta

import pytest

from tests.fakes.clock import START
from videojobs.domain.circuit import FAILURES_TO_OPEN, OPEN_AT_MOST, OPEN_FOR, Circuit


def failed(times: int, circuit: Circuit | None = None) -> Circuit:
    """A circuit after so many failures in a row."""
    after = circuit or Circuit("scripted")
    for _ in range(times):
        after = after.failed(START)
    return after


def test_a_provider_without_trouble_may_be_called() -> None:
    assert not Circuit("scripted").blocks(START)


def test_a_few_failures_change_nothing() -> None:
    circuit = failed(FAILURES_TO_OPEN - 1)
    assert not circuit.blocks(START)
    assert circuit.open_until is None


def test_as_many_as_open_it_leave_the_provider_alone_for_a_while() -> None:
    circuit = failed(FAILURES_TO_OPEN)
    assert circuit.open_until == START + OPEN_FOR
    assert circuit.blocks(START + OPEN_FOR - timedelta(milliseconds=1))
    assert not circuit.blocks(START + OPEN_FOR)


def test_a_success_forgets_all_failures() -> None:
    circuit = failed(FAILURES_TO_OPEN).succeeded()
    assert circuit == Circuit("scripted", version=FAILURES_TO_OPEN + 1)
    assert not failed(FAILURES_TO_OPEN - 1, circuit).blocks(START)


def test_who_probes_closes_the_way_for_all_others() -> None:
    then = START + OPEN_FOR
    probing = failed(FAILURES_TO_OPEN).probing(then)
    assert probing.blocks(then)
    assert not probing.blocks(then + OPEN_FOR)


def test_each_failed_probe_doubles_the_pause_up_to_a_limit() -> None:
    circuit = failed(FAILURES_TO_OPEN)
    pauses = []
    for _ in range(30):
        circuit = circuit.failed(START)
        assert circuit.open_until is not None
        pauses.append(circuit.open_until - START)
    assert pauses[:3] == [2 * OPEN_FOR, 4 * OPEN_FOR, 8 * OPEN_FOR]
    assert pauses[-1] == OPEN_AT_MOST
    assert pauses == sorted(pauses)


@pytest.mark.parametrize("change", ["failed", "succeeded", "probing"])
def test_every_change_is_a_new_version(change: str) -> None:
    circuit = failed(FAILURES_TO_OPEN)
    changed = circuit.succeeded() if change == "succeeded" else getattr(circuit, change)(START)
    assert changed.version == circuit.version + 1
