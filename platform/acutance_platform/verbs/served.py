"""How MLflow loads a registered version: safetensors and JSON in, `predict` out, no pickle.

    model = mlflow.pyfunc.load_model("models:/sr-x4@champion")
    sr = model.predict(lr)  # uint8 (h, w, 3) -> uint8 (h * scale, w * scale, 3)

The pictures are those of `acutance upscale`, bit for bit.
"""

import json
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from acutance_platform.recipe import load_plugins
from acutance_platform.registry.publishing import WEIGHTS
from acutance_platform.verbs.addresses import load_model
from acutance_platform.verbs.model import Model


@final
class Served:
    """What MLflow calls.

    Args:
        model: A network, ready to compute.
    """

    def __init__(self, model: Model) -> None:
        self._model = model

    def predict(self, model_input: NDArray[Any], params: Any = None) -> NDArray[np.uint8]:
        """Enlarge a picture.

        Args:
            model_input: (h, w, 3), uint8.
            params: Of MLflow's interface; there are none.

        Returns:
            (h * scale, w * scale, 3), uint8.
        """
        return self._model.upscale(np.ascontiguousarray(model_input, dtype=np.uint8))


def _load_pyfunc(path: str) -> Served:
    """Return the model whose files lie in `path`; MLflow looks for this name."""
    folder = Path(path)
    lineage = json.loads((folder / "lineage.json").read_text())
    load_plugins((lineage or {}).get("recipe", {}).get("plugins", []))
    return Served(load_model(folder / WEIGHTS))
