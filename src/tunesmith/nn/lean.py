"""Loads transformers' networks without what only compiling, several devices and object detection need of it.

The command `tunesmith` asks for it by the variable TUNESMITH_LEAN, in processes of its own; whoever imports tunesmith
as a library gets transformers as it comes.

What transformers' models import at the top of their files brings torch's compiler, sympy, scipy's optimisers and
sharded tensors with it: 2.2 of 3.8 s of processor time.  While they are loaded, a few functions stand in for those
modules: each loads the real one when it is first called.  Afterwards the real modules can be imported as ever
(`torch.compile` does).  Where another version of a library asks for anything else, the real module is loaded then, and
nothing is saved.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

COMPILER = "torch._dynamo"
# module → what is called of it long after it was imported, if ever
FUNCTIONS = {
    COMPILER + "._trace_wrapped_higher_order_op": {"TransformGetItemToIndex"},
    "scipy.optimize": {"linear_sum_assignment"},
}
DECORATORS = {COMPILER: {"disable", "assume_constant_result", "allow_in_graph"}}
NETWORKS = (
    "transformers.modeling_utils",
    "transformers.modeling_layers",
    "transformers.models.auto.modeling_auto",
)
RANKS = "WORLD_SIZE"  # set where several processes train together: then sharded tensors are wanted


class StandIn(ModuleType):
    """A module that is not loaded yet; what it is asked for beside what it has is the real module's."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what the import system asks of any module
            raise AttributeError(name)
        _leave()
        return getattr(import_module(self.__name__), name)


@cache
def load() -> None:
    """Load transformers' networks, once in a process; where it is not installed, nothing."""
    if COMPILER in sys.modules or os.environ.get(RANKS) or not find_spec("transformers"):
        return
    import torch

    with _standing_in(), _one_device(torch.distributed):
        for name in NETWORKS:
            import_module(name)


@contextmanager
def _standing_in() -> Iterator[None]:
    for name, functions in FUNCTIONS.items():
        _put(name, {each: _later(name, each) for each in functions})
    for name, decorators in DECORATORS.items():
        _put(name, {each: _decorating(name, each) for each in decorators})
    try:
        yield
    finally:
        _leave()


def _put(name: str, members: dict[str, Any]) -> None:
    if name not in sys.modules:
        module = StandIn(name)
        module.__dict__.update(members)
        sys.modules[name] = module


def _leave() -> None:
    for name in (*FUNCTIONS, *DECORATORS):
        if isinstance(sys.modules.get(name), StandIn):
            del sys.modules[name]


@contextmanager
def _one_device(distributed: Any) -> Iterator[None]:
    """torch's answer as of a build that knows one device only, which transformers supports."""
    answer = distributed.is_available
    distributed.is_available = lambda: False
    try:
        yield
    finally:
        distributed.is_available = answer


def _later(module: str, name: str) -> Callable[..., Any]:
    def called(*values: Any, **more: Any) -> Any:
        return getattr(import_module(module), name)(*values, **more)

    return called


def _decorating(module: str, name: str) -> Callable[..., Any]:
    """A decorator that decorates when the function is first called.  It may be given options, or only these."""

    def decorator(function: Any = None, *values: Any, **more: Any) -> Any:
        if function is None:
            return lambda given: decorator(given, *values, **more)
        decorated = cache(lambda: getattr(import_module(module), name)(function, *values, **more))
        return wraps(function)(lambda *given, **named: decorated()(*given, **named))

    return decorator
