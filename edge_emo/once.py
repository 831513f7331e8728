"""What is made when it is first asked for, and once: also where several threads ask at the same time."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from threading import RLock
from typing import Any, TypeVar, overload

T = TypeVar("T")


class once(cached_property[T]):  # noqa: N801 - a decorator, named as one
    """`functools.cached_property` with a lock for each object, as it has none from Python 3.12 on."""

    func: Callable[[Any], T]

    @overload
    def __get__(self, instance: None, owner: type[Any] | None = None) -> once[T]: ...

    @overload
    def __get__(self, instance: object, owner: type[Any] | None = None) -> T: ...

    def __get__(self, instance: object | None, owner: type[Any] | None = None) -> once[T] | T:
        if instance is None:
            return self
        with vars(instance).setdefault(f"lock of {self.attrname}", RLock()):
            return super().__get__(instance, owner)
