"""Waiting for something without guessing how long it takes."""

import time


def wait_until(condition, timeout=30.0, what=None, interval=0.05):
    """Calls `condition` until its answer is true and returns that answer; AssertionError after `timeout` seconds.

    `what` is a text, or a function that gives one when it is needed: what was waited for, and what is known.
    """
    deadline = time.monotonic() + timeout
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() >= deadline:
            reason = what() if callable(what) else what or getattr(condition, "__name__", "a condition")
            raise AssertionError(f"not within {timeout} s: {reason}")
        time.sleep(interval)
