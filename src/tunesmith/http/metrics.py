"""What Prometheus reads: requests, latency, texts, abstentions, tokens, queue, models; one registry per server."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from tunesmith.model import Model

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """Counters of one server; label values come from closed sets, so no client can make them grow."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "tunesmith_requests", "Answered requests", ["route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "tunesmith_request_seconds",
            "Seconds from the header to the end of the answer",
            ["route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.texts = Counter("tunesmith_texts", "Classified texts", registry=self.registry)
        self.abstained = Counter("tunesmith_abstained", "Texts under the threshold", registry=self.registry)
        self.read = Counter("tunesmith_prompt_tokens", "Tokens read of prompts", registry=self.registry)
        self.written = Counter("tunesmith_completion_tokens", "Tokens written", registry=self.registry)
        self._queue = Gauge("tunesmith_queue_depth", "Texts that wait", registry=self.registry)
        self._about = Gauge(
            "tunesmith_model_info",
            "The served models",
            ["name", "digest", "approach"],
            registry=self.registry,
        )

    def watch(self, depth: Callable[[], int]) -> None:
        """Ask this for how many texts wait."""
        self._queue.set_function(depth)

    def show(self, models: Iterable[Model]) -> None:
        """The models that are served, as they are at the moment."""
        self._about.clear()
        for model in models:
            self._about.labels(model.name, model.digest, model.recipe.approach.name).set(1)

    def observe(self, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        self.requests.labels(route, str(status)).inc()
        self.seconds.labels(route).observe(seconds)

    def render(self) -> bytes:
        """The text that `GET /metrics` answers."""
        return generate_latest(self.registry)
