"""A model that answers in words, being served: what a request wants becomes answers that advance in turns."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from tunesmith.http.service import Service
from tunesmith.parts import Piece, Prompt, Wish
from tunesmith.serve import asking
from tunesmith.serve.limits import refusal
from tunesmith.serve.order import Order
from tunesmith.serve.scheduling import Scheduler, Talk


@dataclass(eq=False)
class Talks:
    """The answers to one request.  prompt_tokens: of all its prompts.  deadline: `time.monotonic()` seconds."""

    prompt_tokens: int
    deadline: float
    _news: asyncio.Queue[tuple[int, Piece | Exception]] = field(default_factory=asyncio.Queue)
    _talks: list[Talk] = field(default_factory=list)

    def add(self, service: Answering, prompt: Prompt, wish: Wish) -> None:
        """One more answer, which `begin` starts."""
        loop, index = asyncio.get_running_loop(), len(self._talks)

        def listen(news: Piece | Exception) -> None:
            loop.call_soon_threadsafe(self._news.put_nowait, (index, news))

        self._talks.append(Talk(asking.speaker(service.model), prompt, wish, listen))

    def begin(self, scheduler: Scheduler) -> None:
        """Queue all answers.  Raises V113, V114."""
        scheduler.submit(self._talks)

    def __len__(self) -> int:
        return len(self._talks)

    async def pieces(self) -> AsyncIterator[tuple[int, Piece]]:
        """(index of the answer, its next piece), as they come.  Raises what the model raised, V119 when time is up."""
        going = len(self._talks)
        while going:
            index, news = await self._next()
            if isinstance(news, Exception):
                raise news
            going -= bool(news.end)
            yield index, news

    async def _next(self) -> tuple[int, Piece | Exception]:
        try:
            return await asyncio.wait_for(self._news.get(), max(0.0, self.deadline - time.monotonic()))
        except TimeoutError:
            raise refusal(
                "V119",
                "the answer was not complete in time",
                expected="a shorter answer, or a server with less to do",
                fixes=("send a smaller max_tokens",),
            ) from None

    def leave(self) -> None:
        """End the work on whatever is not complete; twice is harmless."""
        for talk in self._talks:
            talk.leave()


@dataclass
class Answering(Service):
    """A model that answers in words.  scheduler: shared by all such models of a server."""

    scheduler: Scheduler = field(kw_only=True)

    async def begin(self, order: Order) -> Talks:
        """Start the answers that a request wants.

        Raises V104, V105, V113, V114, V115, V404 and what the prompt itself is refused for.
        """
        self.check_ready()
        self._check(order)
        usual = order.max_tokens or asking.usual_tokens(self.model)
        lengths = [
            await asyncio.to_thread(self.length, prompt, order.wish(usual, 0)) for prompt in order.prompts
        ]
        talks = Talks(sum(lengths), time.monotonic() + self.limits.answer_seconds)
        for prompt, length in zip(order.prompts, lengths, strict=True):
            most = order.max_tokens or max(usual, self.window - length)
            for _ in range(order.choices):
                talks.add(self, prompt, order.wish(most, len(talks)))
        talks.begin(self.scheduler)
        self.metrics.read.inc(talks.prompt_tokens)
        return talks

    def _check(self, order: Order) -> None:
        if len(order.prompts) * order.choices > self.limits.answers:
            found = f"{len(order.prompts) * order.choices} answers in one request"
            raise refusal("V104", found, expected=f"at most {self.limits.answers}", where="n")
        for prompt in order.prompts:
            texts = [prompt] if isinstance(prompt, str) else [str(turn["content"]) for turn in prompt]
            self.limits.check_texts(texts, "prompt" if isinstance(prompt, str) else "messages")

    def length(self, prompt: Prompt, wish: Wish) -> int:
        """Tokens of a prompt as the model sees it."""
        return asking.speaker(self.model).length(prompt, wish)

    @property
    def window(self) -> int:
        """Tokens that the model sees at once; 0 where nobody knows."""
        return int(self.model.codec.settings.get("window", 0))

    async def proof(self) -> list[str]:
        questions = await asyncio.to_thread(asking.questions, self.model)
        answers = [asking.spoken(await self._answer(each)) for each in questions]
        return asking.compared(self.model, questions, answers)

    async def _answer(self, question: asking.Question) -> list[Piece]:
        talks = Talks(0, time.monotonic() + self.limits.answer_seconds)
        talks.add(self, question.prompt, question.wish)
        talks.begin(self.scheduler)
        try:
            return [piece async for _, piece in talks.pieces()]
        finally:
            talks.leave()

    def examples(self) -> list[str]:
        records = asking.records(self.model)
        return [self.model.task.text(record) for record in records]

    @property
    def depth(self) -> int:
        return self.scheduler.depth

    def retry_after(self) -> int:
        return self.scheduler.retry_after()

    def close(self) -> None:
        """Others may share the scheduler, so it goes on; who owns it ends it."""
