"""Circuits: when calls to a provider are blocked, and when they are tried again."""

from datetime import timedelta

import pytest

from tests.fakes.clock import START
from videojobs.domain.circuit import FAILURES_TO_OPEN, OPEN_AT_MOST, OPEN_FOR, Circuit


def failed(times: int, circuit: Circuit | None = None) -> Circuit:
    """Return the circuit after `times` consecutive failures; a new circuit by default."""
    after = circuit or Circuit("scripted")
    for _ in range(times):
        after = after.failed(START)
    return after


def test_a_circuit_without_failures_blocks_no_calls() -> None:
    assert not Circuit("scripted").blocks(START)


def test_failures_below_the_threshold_do_not_open_the_circuit() -> None:
    circuit = failed(FAILURES_TO_OPEN - 1)
    assert not circuit.blocks(START)
    assert circuit.open_until is None


def test_failures_at_the_threshold_open_the_circuit_for_a_limited_time() -> None:
    circuit = failed(FAILURES_TO_OPEN)
    assert circuit.open_until == START + OPEN_FOR
    assert circuit.blocks(START + OPEN_FOR - timedelta(milliseconds=1))
    assert not circuit.blocks(START + OPEN_FOR)


def test_a_success_resets_the_failure_count() -> None:
    circuit = failed(FAILURES_TO_OPEN).succeeded()
    assert circuit == Circuit("scripted", version=FAILURES_TO_OPEN + 1)
    assert not failed(FAILURES_TO_OPEN - 1, circuit).blocks(START)


def test_a_probe_blocks_all_other_calls() -> None:
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
def test_every_change_of_a_circuit_has_a_new_version(change: str) -> None:
    circuit = failed(FAILURES_TO_OPEN)
    changed = circuit.succeeded() if change == "succeeded" else getattr(circuit, change)(START)
    assert changed.version == circuit.version + 1
