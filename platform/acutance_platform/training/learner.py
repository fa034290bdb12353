"""The networks of one stage and what makes them learn: all that a state holds as tensors."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, final

import torch
from torch import Tensor, nn

from acutance_models import Generator, LossMix, Views, build_generator
from acutance_models.resize import bicubic_enlarge
from acutance_platform.recipe import Link
from acutance_platform.training.adversary import Adversary, Seen, recorded_names
from acutance_platform.training.averages import Averages
from acutance_platform.training.conditions import sr_outputs
from acutance_platform.training.group import Group, gradients
from acutance_platform.training.groups import freeze_batch_norm, parameter_groups
from acutance_platform.training.inherit import inherit
from acutance_platform.training.machine import placed
from acutance_platform.training.optim import (
    MovingAverage,
    build_optimizer,
    learning_rate_factor,
    optimizer_tensors,
    restore_optimizer,
)
from acutance_platform.training.pieces import Batch, Piece, pieces_of


@final
class Learner:
    """Generator, discriminators, their optimisers and averages, born from the seed or a parent.

    Args:
        link: The stage, its `auto` fields resolved.
        device: Where to compute.
        parent: Weights to start from; None = the seed's first weights.
        files: Name -> bytes of the files that the feature networks need.
        drawn: False leaves every weight zero and needs no file: for steps without numbers.
    """

    def __init__(
        self,
        link: Link,
        *,
        device: torch.device,
        parent: Mapping[str, Tensor] | None,
        files: Mapping[str, bytes],
        drawn: bool = True,
    ) -> None:
        self._link, self._recipe, self._device = link, link.recipe, device
        recipe, stage = link.recipe, link.stage
        seed = recipe.seed if drawn else None
        generator = build_generator(recipe.generator, scale=recipe.scale, seed=seed)
        if parent is not None:
            inherit(generator, parent)
        self.generator: Generator = placed(generator, device) if drawn else generator
        self._wake()
        self._rules, grouped = parameter_groups(self.generator, stage.groups)
        self._names = [name for group in grouped for name in group]
        self.parameters = [parameter for group in grouped for parameter in group.values()]
        self.optimizer = build_optimizer(recipe.optimizer, [list(g.values()) for g in grouped])
        self._average = MovingAverage(self.generator, recipe.ema) if recipe.ema else None
        self._mix = LossMix(
            stage.loss,
            patch=recipe.data.patch,
            channels=self.generator.channels,
            seed=seed,
            weights=files,
        )
        if drawn:
            self._mix.to(device)
        self._adversary = Adversary(link, self._mix)
        self.averages = Averages(recorded_names(self._mix), device)
        self._group: Group | None = None

    def join(self, group: Group) -> None:
        """Learn as one of several ranks: what `step` is given is then a part of the batch.

        Every rank has to be in the same state and take every step; then all stay in one state, that
        of a learner which is given the whole batch.
        """
        self._group = self._adversary.group = group
        self._mix.gathered = group.gathered
        for network in (self.generator, *self._mix.discriminators.values()):
            group.normalise(network)

    def step(self, batch: Batch, done: int) -> Tensor:
        """Learn from one batch.

        Args:
            batch: On the device; of one of several ranks, its part.
            done: Steps since the stage's start.

        Returns:
            A scalar; where it is not finite, something went wrong and nothing was learned by
            whom it concerns: the state is to be given up.
        """
        mix, micro = self._mix, self._recipe.data.micro_batch
        self._set_learning_rate(done)
        if mix.uncalibrated:
            bicubic = bicubic_enlarge(batch.lr, self._recipe.scale)
            mix.calibrate(bicubic, batch.hr, batch.labels, micro_batch=micro)
        pieces = pieces_of(batch, micro, self._group.ranks if self._group is not None else 1)
        critics_first = self._link.stage.order == "discriminator_first"
        seen = self._looked_at(pieces, done) if critics_first else []
        judged = self._criticise(seen, done) if critics_first else None
        losses, total, seen = self._generate(pieces, seen, done)
        if not critics_first:
            judged = self._criticise(seen, done)
        whole, recorded = judged if judged is not None else (torch.zeros_like(total), {})
        whole = whole + total.detach()
        if torch.isfinite(whole):
            if self._average is not None:
                self._average.update()
            self._record(losses, recorded, done)
        return whole

    def sound(self) -> bool:
        """Return whether every weight is finite: a finite loss may have had another gradient."""
        finite = [torch.isfinite(parameter).all() for parameter in self.parameters]
        return bool(torch.stack([*finite, *self._adversary.sound()]).all())

    def notes(self, reports: Sequence[Mapping[str, float]]) -> list[str]:
        """Return what is wrong with a discriminator, judged by the metrics of all reports."""
        return self._adversary.notes(reports)

    def weights(self) -> dict[str, Tensor]:
        """Return the generator's tensors, averaged where `ema` is set: what is published."""
        averaged = self._average.tensors if self._average is not None else {}
        return {**self.generator.state_dict(), **averaged}

    @contextmanager
    def measured(self) -> Iterator[Generator]:
        """Give the generator as it is measured and published, for as long as it takes."""
        network, average = self.generator, self._average
        live: dict[str, Tensor] = {}
        if average is not None:
            live = {name: p.detach().clone() for name, p in network.named_parameters()}
            network.load_state_dict(average.tensors, strict=False)
        network.eval()
        try:
            yield network
        finally:
            self._wake()
            if live:
                network.load_state_dict(live, strict=False)

    def tensors(self) -> dict[str, Tensor]:
        """Return everything that changes while it learns, as ROOM/NAME."""
        rooms = {
            "generator": self.generator.state_dict(),
            "optimizer": optimizer_tensors(self.optimizer, self._names),
            "ema": self._average.tensors if self._average is not None else {},
            "averages": self.averages.tensors(),
            "discriminators": self._adversary.tensors(),
        }
        return {f"{room}/{name}": t for room, part in rooms.items() for name, t in part.items()}

    def memory(self) -> dict[str, Any]:
        """Return the rest of it as plain data."""
        return {"initial": dict(self._mix.initial), "seen": self._adversary.seen}

    def restore(self, tensors: Mapping[str, Tensor], memory: Mapping[str, Any]) -> None:
        """Put back what `tensors` and `memory` returned."""
        parts: dict[str, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            room, _, rest = name.partition("/")
            parts.setdefault(room, {})[rest] = tensor
        self.generator.load_state_dict(parts["generator"])
        restore_optimizer(self.optimizer, self._names, parts.get("optimizer", {}))
        if self._average is not None:
            self._average.restore(parts["ema"])
        self.averages.restore(parts["averages"])
        self._adversary.restore(parts.get("discriminators", {}))
        self._mix.initial = dict(memory["initial"])
        self._adversary.seen = {term: dict(values) for term, values in memory["seen"].items()}

    def _wake(self) -> None:
        """Put the generator into training mode, but for what the stage freezes."""
        self.generator.train()
        if self._link.stage.freeze_batch_norm:
            freeze_batch_norm(self.generator)

    def _set_learning_rate(self, done: int) -> None:
        recipe = self._recipe
        factor = learning_rate_factor(recipe.schedule, done, self._link.stage.steps)
        for group, rule in zip(self.optimizer.param_groups, self._rules, strict=True):
            group["lr"] = recipe.optimizer.lr * factor * rule.lr_factor

    def _look(self, piece: Piece, done: int) -> Views:
        """Return what the terms see of a part of a batch, with its graph."""
        batch, bf16 = piece.batch, self._recipe.precision == "bf16"
        with torch.autocast(self._device.type, torch.bfloat16, enabled=bf16):
            outputs = sr_outputs(self.generator, batch.lr, batch.condition)
        return self._mix.look(outputs, batch.hr, step=done, labels=batch.labels)

    def _looked_at(self, pieces: Sequence[Piece], done: int) -> list[Seen]:
        """Return what discriminators that learn first see.

        Of several parts without their graphs, which would be the memory of the whole batch: they
        are computed again when the generator learns.
        """
        with torch.set_grad_enabled(len(pieces) == 1):
            return [(self._look(piece, done), piece.share) for piece in pieces]

    def _generate(
        self, pieces: Sequence[Piece], seen: Sequence[Seen], done: int
    ) -> tuple[dict[str, Tensor], Tensor, list[Seen]]:
        """Let the generator learn; return its losses, what has to be finite, and what it made."""
        self.optimizer.zero_grad(set_to_none=True)
        losses: dict[str, Tensor] = {}
        parts, made = [], list[Seen]()
        for piece in pieces:
            alone = len(pieces) == 1
            views = seen[0][0] if alone and seen else self._look(piece, done)
            values = self._mix.generator_losses(views)
            part = piece.share * self._mix.total(values, step=done)
            part.backward()  # type: ignore[no-untyped-call]  # torch 2.13 leaves it untyped
            parts.append(part.detach())
            for name, value in values.items():
                told = piece.share * value.detach()
                losses[name] = losses[name] + told if name in losses else told
            made.append((views if alone else self._kept(views, done), piece.share))
        total = torch.stack(parts).sum()
        if self._group is not None:
            self._group.add([*gradients(self.parameters), total, *losses.values()])
        return losses, self._learn(total, done), made

    def _kept(self, views: Views, done: int) -> Views:
        """Return the pictures of a view alone; maps are computed again where they are needed."""
        outputs = [picture.detach() for picture in views.outputs]
        return self._mix.look(outputs, views.hr, step=done, labels=views.labels)

    def _learn(self, total: Tensor, done: int) -> Tensor:
        """Take one step along the gradient that is there; return what has to be finite."""
        clip = self._recipe.optimizer.clip_norm
        if clip is not None:
            norm = nn.utils.clip_grad_norm_(self.parameters, clip)
            total = total + 0.0 * norm.to(total.device)  # a norm that is not finite shows here
        for group, rule in zip(self.optimizer.param_groups, self._rules, strict=True):
            if done < rule.from_step:
                for parameter in group["params"]:
                    parameter.grad = None  # neither weights nor moments move
        if torch.isfinite(total):
            self.optimizer.step()
        return total

    def _criticise(
        self, seen: Sequence[Seen], done: int
    ) -> tuple[Tensor, dict[str, Tensor]] | None:
        """Let the discriminators learn, where there are any that count at this step."""
        counted = any(term in self._mix.owners for term in seen[0][0].active)
        return self._adversary.step(seen, done) if counted else None

    def _record(
        self, losses: Mapping[str, Tensor], recorded: Mapping[str, Tensor], done: int
    ) -> None:
        weights = self._mix.weights(done)
        weighted = {f"weighted/{name}": weights[name] * loss for name, loss in losses.items()}
        unweighted = {f"loss/{name}": loss for name, loss in losses.items()}
        self.averages.add({**unweighted, **weighted, **recorded})
