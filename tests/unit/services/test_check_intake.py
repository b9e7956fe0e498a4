"""New jobs are refused while the intake is paused, and only then."""

import pytest

from tests.fakes.clock import START, VirtualClock
from tests.fakes.intake import InMemoryIntakeRepository
from videojobs.domain.errors import ErrorCode, IntakePaused, Unavailable
from videojobs.domain.intake import Intake
from videojobs.services.check_intake import check_intake

PAUSED = Intake(START, "a secret reason", 120)


def never() -> str:
    """Must not be looked for."""
    raise AssertionError("nobody asked")


def test_an_open_intake_lets_everybody_in_and_looks_for_nothing() -> None:
    assert check_intake(never, intake=InMemoryIntakeRepository(), clock=VirtualClock()) is None


def test_a_paused_intake_refuses_and_says_when_to_come_back() -> None:
    with pytest.raises(IntakePaused) as refused:
        check_intake(intake=InMemoryIntakeRepository(PAUSED), clock=VirtualClock())
    assert (refused.value.code, refused.value.retry_after_seconds) == (ErrorCode.UNAVAILABLE, 120)
    assert "not taken at the moment" in refused.value.message
    assert "secret" not in refused.value.message


def test_what_was_accepted_before_is_given_back_during_a_pause() -> None:
    intake = InMemoryIntakeRepository(PAUSED)
    assert check_intake(lambda: "earlier", intake=intake, clock=VirtualClock()) == "earlier"
    with pytest.raises(IntakePaused):
        check_intake(lambda: None, intake=intake, clock=VirtualClock())


def test_a_switch_that_cannot_be_read_is_open() -> None:
    intake = InMemoryIntakeRepository(PAUSED)
    intake.available = False
    assert check_intake(never, intake=intake, clock=VirtualClock()) is None


def test_what_cannot_be_looked_for_is_said() -> None:
    def fail() -> None:
        raise Unavailable

    with pytest.raises(Unavailable) as refused:
        check_intake(fail, intake=InMemoryIntakeRepository(PAUSED), clock=VirtualClock())
    assert not isinstance(refused.value, IntakePaused)
