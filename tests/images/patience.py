"""How long the checks wait for what must come."""

import time

SECONDS = 90
AGAIN_SECONDS = 0.2


def until(holds, what):
    """Waits until something holds, and fails with what `what()` says if it never does."""
    deadline = time.monotonic() + SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise RuntimeError(f"not within {SECONDS} s: {what()}")
        time.sleep(AGAIN_SECONDS)
