"""What Prometheus reads: requests, latency, texts, abstentions, queue, model; one registry per server."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest

from tunesmith.model import Model
from tunesmith.serve.batching import Batcher

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """Counters of one server; label values come from closed sets, so no client can make them grow."""

    def __init__(self, model: Model, batcher: Batcher) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "tunesmith_requests", "Answered requests", ["route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "tunesmith_request_seconds",
            "Seconds from the header to the answer",
            ["route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.texts = Counter("tunesmith_texts", "Classified texts", registry=self.registry)
        self.abstained = Counter("tunesmith_abstained", "Texts under the threshold", registry=self.registry)
        queue = Gauge("tunesmith_queue_depth", "Texts that wait", registry=self.registry)
        queue.set_function(lambda: batcher.depth)
        about = Info("tunesmith_model", "The served model", registry=self.registry)
        about.info({"name": model.name, "digest": model.digest, "approach": model.recipe.approach.name})

    def observe(self, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        self.requests.labels(route, str(status)).inc()
        self.seconds.labels(route).observe(seconds)

    def render(self) -> bytes:
        """The text that `GET /metrics` answers."""
        return generate_latest(self.registry)
