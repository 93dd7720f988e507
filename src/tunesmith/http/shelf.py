"""The models of one server: found by name, put there and taken away while it answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from tunesmith.errors import TunesmithError
from tunesmith.http.answering import Answering
from tunesmith.http.metrics import Metrics
from tunesmith.http.service import Classifying, Service
from tunesmith.model import Model
from tunesmith.serve.limits import Limits, refusal
from tunesmith.serve.scheduling import Scheduler

Make = Callable[["Shelf", Model, str], Service]


class Shelf:
    """The served models, in the order in which they were put there; a request that names none gets the first.

    opener: finds a registered model by its name, for those that come later; None where none may.
    """

    def __init__(
        self, models: Sequence[Model], limits: Limits, opener: Callable[[str], Model] | None = None
    ) -> None:
        self.limits, self.opener, self.metrics = limits, opener, Metrics()
        self._scheduler: Scheduler | None = None
        self._services: tuple[Service, ...] = ()
        self._changing = asyncio.Lock()
        for model in models:
            self.put(self.make(model))
        self.kinds = tuple(dict.fromkeys(service.model.task.predicts for service in self))
        self.metrics.watch(lambda: max((service.depth for service in self), default=0))

    def __iter__(self) -> Iterator[Service]:
        return iter(self._services)

    @property
    def first(self) -> Service:
        """What answers where a request names no model."""
        return self._services[0]

    def find(self, name: str | None) -> Service:
        """The model of a name, with or without its version.  Raises MissingError V107."""
        if name is None:
            return self.first
        found = next((service for service in self if name in service.names), None)
        if found is None:
            known = ", ".join(service.names[0] for service in self)
            raise refusal(
                "V107",
                "no model of that name is served here",
                expected=known[:200],
                fixes=("GET /v1/models",),
                where="model",
            )
        return found

    def make(self, model: Model, alias: str = "") -> Service:
        """A model made ready to be put here."""
        return MAKE[model.task.predicts](self, model, alias)

    def put(self, service: Service) -> None:
        """Answer by a model from this moment on."""
        self._services = (*self._services, service)
        self.metrics.show(each.model for each in self)

    def take(self, service: Service) -> None:
        """Answer by a model no longer; what it has begun it ends."""
        self._services = tuple(each for each in self if each is not service)
        self.metrics.show(each.model for each in self)

    async def load(self, ref: str, alias: str) -> Service:
        """Open a registered model beside those that answer, prove it, and put it here.

        Raises V120 (no such model), V121 (the name is taken, or no model of this server's kind), V404.
        """
        async with self._changing:
            if any(alias in service.names for service in self):
                raise _refused(f"a model named '{alias}' is served already", "a name that is free")
            model = await asyncio.to_thread(self._open, ref)
            if model.task.predicts not in self.kinds:
                raise _refused("this server has no routes for such a model", "a model like those served here")
            service = self.make(model, alias)
            await service.warm()
            service.check_ready()
            self.put(service)
            return service

    async def unload(self, name: str) -> Service:
        """Take a model away.  Raises V107, and V121 for the last one."""
        async with self._changing:
            service = self.find(name)
            if len(self._services) == 1:
                raise _refused("the last model can't be unloaded", "a server with another model")
            self.take(service)
        await asyncio.to_thread(service.close)
        return service

    def _open(self, ref: str) -> Model:
        assert self.opener is not None
        try:
            return self.opener(ref)
        except TunesmithError as lacking:
            raise refusal(
                "V120",
                f"no model '{ref[:80]}' can be opened: {lacking.found[:200]}",
                expected="the name of a registered model, such as name@3",
                fixes=("tunesmith models ls",),
                where="lora_name",
            ) from None

    def scheduler(self, model: Model) -> Scheduler:
        """The one scheduler of all models that answer in words; the first of them sets its size."""
        if self._scheduler is None:
            options = model.recipe.serve
            self._scheduler = Scheduler(options.max_batch, options.max_queue)
        return self._scheduler

    def widest(self) -> Limits:
        """Limits of a request's body under which the golden rows of every model can be asked."""
        each = [service.limits for service in self]
        return replace(
            each[0],
            body_bytes=max(limits.body_bytes for limits in each),
            texts=max(limits.texts for limits in each),
        )

    async def warm(self) -> None:
        """Ask every model its golden rows."""
        for service in self:
            await service.warm()

    @property
    def checked(self) -> bool:
        """Whether every model was asked its golden rows."""
        return all(service.problems is not None for service in self)

    def check_ready(self) -> None:
        """Raises V115 or V404 for the first model that can't answer."""
        for service in self:
            service.check_ready()

    def retry_after(self) -> int:
        """Whole seconds in which what waits should be worked off."""
        return max(service.retry_after() for service in self)

    def close(self) -> None:
        """Take nothing more, finish what is here."""
        for service in self:
            service.close()
        if self._scheduler is not None:
            self._scheduler.close()


def _refused(found: str, expected: str) -> TunesmithError:
    return refusal("V121", found, expected=expected, fixes=("GET /v1/models",), where="lora_name")


def _classifying(shelf: Shelf, model: Model, alias: str) -> Service:
    return Classifying(model, shelf.limits, shelf.metrics, int(time.time()), alias)


def _answering(shelf: Shelf, model: Model, alias: str) -> Service:
    scheduler = shelf.scheduler(model)
    return Answering(model, shelf.limits, shelf.metrics, int(time.time()), alias, scheduler=scheduler)


MAKE: dict[str, Make] = {"label": _classifying, "text": _answering}  # what a task predicts → how it is served
