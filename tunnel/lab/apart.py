"""Blocking calls from an asyncio loop.

Nothing waits for the kernel or forks on the loop's thread: each call is made on a thread of its own, for
``asyncio``'s pool would be full of calls that wait for each other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial, wraps
from threading import Thread
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, Self, TypeVar, overload

P = ParamSpec("P")
T = TypeVar("T")


async def apart(
    function: Callable[[], T], *, hurry: Callable[[], object] | None = None, undo: Callable[[T], object] | None = None
) -> T:
    """What ``function`` returns or raises, called on a thread of its own.

    A task that is cancelled meanwhile ends only when the thread has, so that nothing goes on behind its back:
    ``hurry`` is called to make that sooner, and what the call still returned is given to ``undo``.
    """
    outcome = _begun(function)
    try:
        return await asyncio.shield(outcome)
    except asyncio.CancelledError:
        if hurry is not None and not outcome.done():
            hurry()
        with suppress(BaseException):  # the task is cancelled, whatever came of the call
            await whole(outcome)
        if undo is not None and outcome.exception() is None:
            with suppress(asyncio.CancelledError):
                await whole(_begun(partial(undo, outcome.result())))
        raise


async def whole(outcome: asyncio.Future[T]) -> T:
    """What comes of something that cannot be left to itself: a task that is cancelled meanwhile is so afterwards."""
    cancelled: asyncio.CancelledError | None = None
    while not outcome.done():
        try:
            await asyncio.wait([outcome])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None and outcome.exception() is None:
        raise cancelled
    return outcome.result()


def _begun(function: Callable[[], T]) -> asyncio.Future[T]:
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()

    def work() -> None:
        try:
            settle = partial(outcome.set_result, function())
        except BaseException as error:
            settle = partial(outcome.set_exception, error)
        loop.call_soon_threadsafe(settle)

    Thread(target=work, name="lab", daemon=True).start()
    return outcome


class Face(Protocol):
    """What stands for an object whose calls wait: ``blocking``."""

    blocking: Any


class Awaited(Generic[P, T]):
    """A method of what a ``Face`` stands for, awaited: of the same arguments, result and docstring.

    ``undo`` is given what a call returned whose task was cancelled meanwhile.
    """

    def __init__(
        self, method: Callable[Concatenate[Any, P], T], undo: Callable[[T], object] | None = None
    ) -> None:
        self._method, self._undo = method, undo
        self.__doc__ = method.__doc__

    @overload
    def __get__(self, face: None, kind: type) -> Self: ...

    @overload
    def __get__(self, face: Face, kind: type) -> Callable[P, Coroutine[Any, Any, T]]: ...

    def __get__(self, face: Face | None, kind: type) -> Self | Callable[P, Coroutine[Any, Any, T]]:
        if face is None:
            return self

        @wraps(self._method)
        def call(*args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, T]:
            return apart(partial(self._method, face.blocking, *args, **kwargs), undo=self._undo)

        return call
