"""What holds for all tests."""

from __future__ import annotations

import signal

# Shells start background jobs with Ctrl-C ignored, and so would be whatever the tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
