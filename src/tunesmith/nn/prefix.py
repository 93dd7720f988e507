"""A network that is cut where its frozen bottom ends: what comes out there is caught once, and put in again later.

Below the lowest layer that moves a network is a constant function of its tokens, once its dropout is off.  Its states
can be kept and given to the moving part, which computes as if the bottom had run.  Where only a classifier's head
moves, the cut lies between the pooled vectors and the head.

Axes: R texts, T tokens, D features.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils.weak import WeakTensorKeyDictionary

from tunesmith.nn import dropouts, parameters

CLOSE = {
    torch.float32: 1e-4,
    torch.bfloat16: 5e-2,
}  # what rounding leaves of equal states, relative to the largest


@dataclass(frozen=True, slots=True)
class Cut:
    """layers: how many from the bottom stay as they are.  pooled: all of them, and a vector [D] is all that is read."""

    layers: int
    pooled: bool


def find(net: Any) -> Cut | None:
    """Where a network can be cut; None where its lowest layer or what stands before it moves, or nothing does."""
    try:
        layers = parameters.layers(net)
    except ValueError:
        return None
    moving = {id(p) for p in net.parameters() if p.requires_grad}
    inside = [{id(p) for p in layer.parameters()} for layer in layers]
    words = {id(p) for p in net.backbone.get_input_embeddings().parameters()}
    above = {id(p) for p in parameters.head(net)} - words
    if not moving or moving - above - set().union(*inside):
        return None
    lowest = next((n for n, own in enumerate(inside) if own & moving), len(layers))
    return Cut(lowest, lowest == len(layers) and hasattr(net, "features")) if lowest else None


def below(net: Any, cut: Cut) -> Iterator[tuple[str, torch.Tensor]]:
    """(name, tensor) of the backbone that the states at a cut may depend on, each once: all but what stands above."""
    name, layers = parameters.stack(net)
    above = tuple(f"{name}.{index}." for index in range(cut.layers, len(layers)))
    tables = {id(p) for p in net.backbone.get_input_embeddings().parameters()}
    seen = {p.data_ptr() for p in parameters.head(net) if id(p) not in tables}
    for each, tensor in sorted(net.backbone.state_dict(prefix="backbone.").items()):
        if not each.startswith(above) and tensor.data_ptr() not in seen:
            seen.add(tensor.data_ptr())
            yield each, tensor


class Prefix:
    """The cut of one network.  It stays in place until `remove`.

    Meanwhile what lies below is in evaluation mode, whatever mode the network is in.  A forward pass over ids for
    which `give` has states leaves the bottom out; any other pass computes it.  hits: passes that left it out.
    """

    def __init__(self, net: Any, cut: Cut) -> None:
        self.net, self.cut, self.hits = net, cut, 0
        self._known: WeakTensorKeyDictionary = WeakTensorKeyDictionary()
        self._here: torch.Tensor | None = None
        self._values = 0  # in the tuple that a layer gives; 0: it gives the states themselves
        name, layers = parameters.stack(net)
        self._layers = list(layers)
        tops = [net.backbone] if cut.pooled else [*_before(net, name), *self._layers[: cut.layers]]
        self._still = [module for top in tops for module in top.modules()]
        self._undo: list[Callable[[], object]] = []
        if cut.pooled:
            self._replace(net, "features", self._pooled(net.features))
            return
        for owner in _owners(net, name):
            self._undo.append(owner.register_forward_pre_hook(self._enter, with_kwargs=True).remove)
        for index, layer in enumerate(self._layers[: cut.layers]):
            self._replace(layer, "forward", self._passing(layer.forward, index + 1 == cut.layers))

    @property
    def kinds(self) -> list[str]:
        """The class of each module below."""
        return [f"{type(module).__module__}.{type(module).__qualname__}" for module in self._still]

    def give(self, ids_RT: torch.Tensor, states: torch.Tensor) -> None:
        """From now on the pass over this very tensor reads these states [R, T, D] (pooled: [R, D]), while it lives."""
        self._known[ids_RT] = states

    def remove(self) -> None:
        """Let the network be as it was before."""
        for undo in reversed(self._undo):
            undo()
        self._undo.clear()

    def caught(self, texts: Mapping[str, Any]) -> torch.Tensor:
        """The states of some texts at the cut.  texts: tensors ids, mask [R, T] and, if any, positions and blocks.

        Raises ValueError where the layers give something else.
        """
        with torch.no_grad(), dropouts.at_rest(self.net):
            if self.cut.pooled:
                return _read(self.net, texts)
            seen: list[torch.Tensor] = []
            with self._catching(seen):
                _read(self.net, texts)
        if len(seen) != 1 or seen[0].shape[:2] != texts["ids"].shape or seen[0].ndim != 3:
            raise ValueError("what the layers hand on is not one vector a token")
        return seen[0]

    def agrees(self, texts: Mapping[str, Any], states: torch.Tensor) -> bool:
        """Whether the network reads from given states what it reads from the tokens, but for rounding."""
        with torch.no_grad(), dropouts.at_rest(self.net):
            plain = _read(self.net, texts).float()
            again = dict(texts, ids=texts["ids"].clone())
            self.give(again["ids"], states)
            found = _read(self.net, again).float()
        if plain.shape[:2] == texts["mask"].shape:  # what stands at padding means nothing
            real = texts["mask"].bool()
            plain, found = plain[real], found[real]
        return bool((plain - found).abs().max() <= CLOSE.get(states.dtype, 0.0) * plain.abs().max())

    # ---- inside a pass -------------------------------------------------------------------------------------------

    def _enter(self, _: nn.Module, given: tuple[Any, ...], options: dict[str, Any]) -> None:
        ids = options.get("input_ids", given[0] if given else None)
        if isinstance(ids, torch.Tensor) and not ids.is_floating_point():
            self._begin(ids)

    def _begin(self, ids: torch.Tensor) -> None:
        self._here = self._known.get(ids)
        for module in self._still:
            module.training = False

    def _pooled(self, features: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
        def read(ids_RT: torch.Tensor, mask_RT: torch.Tensor) -> torch.Tensor:
            self._begin(ids_RT)
            found, self._here = self._here, None
            if found is None:
                return features(ids_RT, mask_RT)
            self.hits += 1
            return found

        return read

    def _passing(self, forward: Callable[..., Any], last: bool) -> Callable[..., Any]:
        """A layer below the cut: it hands on what it is given, the last one the states, where there are some."""

        def computed(*given: Any, **options: Any) -> Any:
            if self._here is None:
                return forward(*given, **options)
            states = given[0] if given else options["hidden_states"]
            if last:
                states, self._here = self._here, None
                self.hits += 1
            return self._as_given(states)

        return computed

    @contextmanager
    def _catching(self, seen: list[torch.Tensor]) -> Iterator[None]:
        """Note what the last layer below the cut gives; the layers above hand on what they are given."""
        first = len(self._undo)
        top = self._layers[self.cut.layers - 1]
        self._replace(top, "forward", self._noting(top.forward, seen))
        for layer in self._layers[self.cut.layers :]:
            self._replace(layer, "forward", self._idle)
        try:
            yield
        finally:
            while len(self._undo) > first:
                self._undo.pop()()

    def _noting(self, forward: Callable[..., Any], seen: list[torch.Tensor]) -> Callable[..., Any]:
        def computed(*given: Any, **options: Any) -> Any:
            found = forward(*given, **options)
            several = isinstance(found, tuple)
            self._values = len(found) if several else 0
            seen.append(found[0] if several else found)
            return found

        return computed

    def _idle(self, *given: Any, **options: Any) -> Any:
        return self._as_given(given[0] if given else options["hidden_states"])

    def _as_given(self, states: torch.Tensor) -> Any:
        """As the family's layers give states; what else they may give (attention, say) is left out."""
        return (states, *(None,) * (self._values - 1)) if self._values else states

    def _replace(self, owner: Any, name: str, new: Any) -> None:
        own = vars(owner).get(name)
        setattr(owner, name, new)
        self._undo.append(lambda: delattr(owner, name) if own is None else setattr(owner, name, own))


def _read(net: Any, texts: Mapping[str, Any]) -> torch.Tensor:
    """What stands at the top of a network before its head."""
    more = [texts[name] for name in ("positions", "blocks") if name in texts]
    ask = net.hidden if hasattr(net, "hidden") else net.features
    return ask(texts["ids"], texts["mask"], *more)


def _owners(net: Any, stack: str) -> list[nn.Module]:
    """The modules that hold the stack, outermost first: one of them is given the ids."""
    steps = stack.split(".")
    return [net.get_submodule(".".join(steps[:count])) for count in range(1, len(steps))]


def _before(net: Any, stack: str) -> list[nn.Module]:
    """The modules of the backbone that stand before its stack of layers, such as embeddings with their dropout."""
    found: dict[str, nn.Module] = {}
    for name, module in net.backbone.named_modules(prefix="backbone"):
        if name == stack:
            break
        holds = stack.startswith(f"{name}.")
        if not holds and not any(name.startswith(f"{other}.") for other in found):
            found[name] = module
    return list(found.values())
