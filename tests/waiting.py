"""Waiting for what will happen, without guessing when."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 60  # seconds after which it is never going to happen
PAUSE = 0.02


def wait_until(condition: Callable[[], T], *, what: str) -> T:
    """Return what condition gives once that is true; fail, saying what, if it never is."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(PAUSE)
    raise AssertionError(f"waited {PATIENCE} seconds in vain: {what}")
