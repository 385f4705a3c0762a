"""Processes of subjects and loads: started, watched, stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack

from bench.measure import cpu_seconds, resident_mb
from bench.subject import BenchError

PATIENCE_S = 10.0


class Running:
    """A process of a subject or a load, its output in a temporary file."""

    def __init__(
        self, stack: ExitStack, argv: tuple[str, ...], command: list[str], env: dict[str, str] | None
    ) -> None:
        self.name = " ".join(argv)
        self._output = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
        # An input that stays open: vde_switch takes the end of its input for the order to end.
        self._process = stack.enter_context(
            subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=self._output, stderr=subprocess.STDOUT, env=env
            )
        )
        self.pid = self._process.pid  # nsenter and setpriv execute: the pid stays
        stack.callback(self.stop)

    def output(self) -> str:
        """What it has written so far."""
        return os.pread(self._output.fileno(), 1 << 24, 0).decode(errors="replace")

    def await_until(self, reached: Callable[[], bool], what: str) -> None:
        """Return once ``reached()`` is true; BenchError if the process ends or takes too long."""
        end = time.monotonic() + PATIENCE_S
        while not reached():
            if self._process.poll() is not None or time.monotonic() > end:
                raise BenchError(f"{self.name}: no {what}: {self.output().strip()[-400:]}")
            time.sleep(0.01)

    def cpu_seconds(self) -> float:
        """What it has used so far; BenchError if it has ended."""
        self._require_life()
        return cpu_seconds(self.pid)

    def resident_mb(self) -> float:
        """What it holds in memory, in millions of bytes; BenchError if it has ended."""
        self._require_life()
        return resident_mb(self.pid)

    def _require_life(self) -> None:
        if self._process.poll() is not None:
            raise BenchError(f"{self.name} has ended: {self.output().strip()[-400:]}")

    def finish(self, timeout_s: float) -> str:
        """Wait for its end and return what it wrote; BenchError if it failed."""
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise BenchError(f"{self.name}: still running after {timeout_s:.0f} s") from None
        if code:
            raise BenchError(f"{self.name}: exit code {code}: {self.output().strip()[-400:]}")
        return self.output()

    def stop(self) -> None:
        """SIGTERM, and SIGKILL for one that has not gone after five seconds."""
        if self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
