"""Published checkpoints: from their authors' bytes to a generator, every tensor accounted for."""

from acutance_models.importing.matching import Imported, import_weights

__all__ = ["Imported", "import_weights"]
