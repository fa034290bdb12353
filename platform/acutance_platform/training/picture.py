"""One network that learns from one LR picture: what zero-shot training repeats per picture."""

import hashlib
import math
from collections.abc import Mapping
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from acutance_models import LossMix, back_project, build_generator, self_ensemble, stream
from acutance_models.ensemble import ORIENTATIONS
from acutance_models.generators.zssr import ZSSR
from acutance_models.zero_shot import (
    Augmentation,
    Jump,
    Shrink,
    SlopeRule,
    draw_father,
    enlarge,
    with_noise,
)
from acutance_platform.recipe import Recipe, ZeroShot
from acutance_platform.training.machine import device_of, placed
from acutance_platform.training.optim import (
    build_optimizer,
    optimizer_tensors,
    restore_optimizer,
)

Pixels = NDArray[np.uint8] | NDArray[np.uint16]
Picture = NDArray[np.float32]

_STRIP = 1 << 18
"""Pixels of a picture that the network refines at once, so that memory stays bounded."""


@final
class PictureTraining:
    """A network, its optimiser and its learning rate, on one LR picture.

    Args:
        lr: (h, w, 3), of 8 or 16 bits.
        recipe: With a `zero_shot` section, complete. Its seed keys every draw together with the
            picture's content, so that a picture learns the same beside others and alone.
        jump: What to enlarge by; see `start` for further ones.
    """

    def __init__(self, lr: Pixels, recipe: Recipe, jump: Jump) -> None:
        assert recipe.zero_shot is not None
        self._recipe, self._section = recipe, recipe.zero_shot
        self._device = device_of(recipe)
        self.lr = (lr / np.float32(np.iinfo(lr.dtype).max)).astype(np.float32)
        content = repr(lr.shape).encode() + np.ascontiguousarray(lr).tobytes()
        self._stream = f"zero_shot/{hashlib.sha256(content).hexdigest()[:16]}"
        generator = build_generator(recipe.generator, scale=recipe.scale, seed=recipe.seed)
        assert isinstance(generator, ZSSR)
        self.network: ZSSR = placed(generator, self._device)
        named = list(self.network.named_parameters())
        self._names, self._parameters = [n for n, _ in named], [p for _, p in named]
        self._optimizer = build_optimizer(recipe.optimizer, self._parameters)
        (self._stage,) = recipe.stages.values()
        self._mix = LossMix(self._stage.loss, patch=self._section.crop).to(self._device)
        self._pool, self._bases, self._jumps = [self.lr], [1.0], 0
        self._start(jump, largest=1.0)

    @property
    def ended(self) -> bool:
        """Whether there is nothing more to learn: the rate has ended, or the limit is reached."""
        return self.rule.ended or self.step >= self._stage.steps

    def train_step(self) -> dict[str, Tensor]:
        """Make one step on one father; return `loss/TERM` of each term.

        The losses are on the network's device. Nothing is raised where one is not finite.
        """
        section, iteration = self._section, self.step
        father = draw_father(
            self._pool,
            self._bases,
            max_scale=self._largest,
            augmentation=_augmentation(section),
            rng=self._draw("father"),
        )
        son = with_noise(self._shrink(father), section.noise, self._draw("noise"))
        blurred = enlarge(son, self.jump.factors, (section.crop, section.crop))
        bf16 = self._recipe.precision == "bf16"
        with torch.autocast(self._device.type, torch.bfloat16, enabled=bf16):
            sr = self.network.refine(self._tensor(blurred))
        hr = self._tensor(father)
        losses = self._mix.generator_losses(self._mix.look([sr], hr, step=iteration))
        total = self._mix.total(losses, step=iteration)
        self._optimizer.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]  # torch 2.13
        if self._recipe.optimizer.clip_norm is not None:
            nn.utils.clip_grad_norm_(self._parameters, self._recipe.optimizer.clip_norm)
        for group in self._optimizer.param_groups:
            group["lr"] = self.rule.lr
        self._optimizer.step()
        if self.rule.wants_error(iteration):
            self.rule.note(iteration, self._reconstruction_error())
        self.step += 1
        self.rule.judge(iteration)
        return {f"loss/{name}": value.detach() for name, value in losses.items()}

    def result(self) -> Picture:
        """Return the enlarged picture with all that follows the network, (H, W, 3) in [0, 1]."""
        square = self.jump.factors[0] == self.jump.factors[1]
        orientations = ORIENTATIONS[:: 1 if square else 2] if self._section.ensemble else (0,)
        made = self_ensemble(
            lambda turned: _tensor_of(self._refined(enlarge(_array(turned), self.jump.factors))),
            _tensor_of(self.lr),
            "median",
            orientations,
            then=lambda sr: _tensor_of(self._back_projected(_array(sr))),
        )
        return self._back_projected(_array(made))

    def start(self, jump: Jump, result: Picture) -> None:
        """Go on to a further jump with the weights as they are; the last result joins the pool."""
        factors = self.jump.factors
        self._pool.append(result)
        self._bases.append(min(factors))
        self._start(jump, largest=min(factors))

    def state(self) -> dict[str, Tensor]:
        """Return everything that a later `restore` needs, of a training with one jump."""
        rule = self.rule
        numbers = [float(self.step), float(rule.drops), float(rule.changed)]
        rooms: dict[str, Mapping[str, Tensor]] = {
            "generator": self.network.state_dict(),
            "optimizer": optimizer_tensors(self._optimizer, self._names),
            "rule": {
                "numbers": torch.tensor(numbers, dtype=torch.float64),
                "errors": torch.tensor(rule.errors, dtype=torch.float64).reshape(-1, 2),
            },
        }
        return {f"{room}/{name}": t for room, part in rooms.items() for name, t in part.items()}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Put a saved state back."""
        parts: dict[str, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            room, _, rest = name.partition("/")
            parts.setdefault(room, {})[rest] = tensor
        self.network.load_state_dict(parts["generator"])
        restore_optimizer(self._optimizer, self._names, parts.get("optimizer", {}))
        rule = self.rule
        self.step, rule.drops, rule.changed = (int(n) for n in parts["rule"]["numbers"].tolist())
        rule.errors = [(int(step), error) for step, error in parts["rule"]["errors"].tolist()]

    def sound(self) -> bool:
        """Return whether every weight is finite."""
        finite = [torch.isfinite(parameter).all() for parameter in self._parameters]
        return bool(torch.stack(finite).all())

    def _start(self, jump: Jump, *, largest: float) -> None:
        section = self._section
        kernel = None if section.kernel is None else np.array(section.kernel, dtype=np.float64)
        self.jump, self._largest = jump, largest
        self._jumps += 1
        self.step = 0
        self._shrink = Shrink(jump.factors, kernel)
        self.rule: SlopeRule = SlopeRule(
            lr=self._recipe.optimizer.lr,
            test_every=section.test_every,
            check_every=section.check_every,
            window=section.window,
            patience=section.patience,
            ratio=section.ratio,
            min_lr=section.min_lr,
        )

    def _reconstruction_error(self) -> float:
        """Return the mean squared error of the LR picture made from its own son."""
        son = with_noise(self._shrink(self.lr), self._section.noise, self._draw("test"))
        height, width = self.lr.shape[:2]
        made = self._refined(enlarge(son, self.jump.factors, (height, width)))
        error = float(np.mean(np.square(made - self.lr), dtype=np.float64))
        return error if math.isfinite(error) else math.inf

    def _refined(self, enlarged: Picture) -> Picture:
        """Return the network's picture in f32, clipped, computed in strips of whole rows.

        Every layer sees one pixel to each side, so strips that overlap by as many rows as there
        are layers give what the whole picture gives.
        """
        height, width = enlarged.shape[:2]
        rows, halo = max(_STRIP // width, 16), int(self.network.spec["layers"])
        strips = []
        for top in range(0, height, rows):
            above, below = min(top, halo), min(height, top + rows + halo)
            with torch.inference_mode():
                made = self.network.refine(self._tensor(enlarged[top - above : below]))
            kept = made[0, :, above : above + min(rows, height - top)]
            strips.append(kept.clamp(0.0, 1.0).permute(1, 2, 0).cpu().numpy())
        return np.concatenate(strips)

    def _back_projected(self, sr: Picture) -> Picture:
        factors, size = self.jump.factors, (sr.shape[0], sr.shape[1])
        small = (self.lr.shape[0], self.lr.shape[1])
        made: Picture = back_project(
            sr,
            self.lr,
            down=lambda picture: self._shrink(picture.astype(np.float32), small),
            up=lambda picture: enlarge(picture.astype(np.float32), factors, size),
            iterations=self.jump.back_projections,
        ).astype(np.float32)
        return made

    def _draw(self, use: str) -> np.random.Generator:
        return stream(self._recipe.seed, f"{self._stream}/{use}", self._jumps, self.step)

    def _tensor(self, picture: Picture) -> Tensor:
        pixels = torch.from_numpy(np.ascontiguousarray(picture)).to(self._device)
        return pixels.permute(2, 0, 1)[None]  # channels last in memory, as the filters are


def _augmentation(section: ZeroShot) -> Augmentation:
    names = ("crop", "as_is", "exact", "min_scale", "anisotropy", "shear", "rotate")
    arguments: dict[str, Any] = {name: getattr(section, name) for name in names}
    return Augmentation(**arguments)


def _tensor_of(picture: Picture) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))


def _array(tensor: Tensor) -> Picture:
    return np.ascontiguousarray(tensor.permute(1, 2, 0).numpy(), dtype=np.float32)
