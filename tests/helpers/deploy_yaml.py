"""The YAML files of deploy/: read strictly, and kustomizations resolved as kustomize would."""

import copy
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
Document = dict[str, Any]

# What our kustomizations may say. Anything else is refused, so that nothing is passed over here
# which kustomize itself would act on.
_KNOWN = {"apiVersion", "kind", "namespace", "resources", "images", "replacements", "patches"}
_LEFT_OUT = "config.kubernetes.io/local-config"
_WITHOUT_NAMESPACE = {"Namespace"}


class Loader(yaml.SafeLoader):
    """YAML in which no key may stand twice: the second would win without a word."""

    def compose_mapping_node(self, anchor: str | None) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        keys = [key.value for key, _ in node.value]
        doubled = sorted({key for key in keys if keys.count(key) > 1})
        if doubled:
            raise ValueError(f"{', '.join(doubled)} stands twice{node.start_mark}")
        return node


def read_all(text: str) -> list[Any]:
    """Return the documents of a YAML text."""
    return list(yaml.load_all(text, Loader))


def read(path: Path) -> Any:
    """Return the one document of a file."""
    (document,) = read_all(path.read_text())
    return document


def resolve(folder: Path) -> list[Document]:
    """Return what `kubectl kustomize FOLDER` prints, in the order of its resources.

    Raises:
        ValueError: If the kustomization says something unknown, or something that leads nowhere.
    """
    said = read(folder / "kustomization.yaml")
    unknown = set(said) - _KNOWN
    if unknown:
        raise ValueError(f"{folder}: unknown {', '.join(sorted(unknown))}")
    documents: list[Document] = []
    for name in said["resources"]:
        place = folder / name
        documents += resolve(place) if place.is_dir() else read_all(place.read_text())
    for document in documents:
        if document["kind"] not in _WITHOUT_NAMESPACE and "namespace" in said:
            document["metadata"]["namespace"] = said["namespace"]
    for patch in said.get("patches", ()):
        _patch(documents, patch)
    for image in said.get("images", ()):
        _rename(documents, image)
    for replacement in said.get("replacements", ()):
        _replace(documents, replacement)
    return [d for d in documents if _LEFT_OUT not in (d["metadata"].get("annotations") or {})]


def _only(given: Document, *names: str) -> list[Any]:
    if set(given) - set(names):
        raise ValueError(f"unknown {sorted(set(given) - set(names))}; known: {sorted(names)}")
    return [given.get(name) for name in names]


def _select(documents: list[Document], target: Document) -> list[Document]:
    kind, name = _only(target, "kind", "name")
    found = [
        document
        for document in documents
        if document["kind"] == kind and name in (None, document["metadata"]["name"])
    ]
    if not found:
        raise ValueError(f"there is no {kind} {name or ''}")
    return found


def _patch(documents: list[Document], given: Document) -> None:
    """Apply a JSON patch (RFC 6902) of `add` operations."""
    target, text = _only(given, "target", "patch")
    for document in _select(documents, target):
        for operation in yaml.load(text, Loader):
            word, path, value = _only(operation, "op", "path", "value")
            if word != "add":
                raise ValueError(f"patches here only add, not {word}")
            *above, last = path.strip("/").split("/")
            _walk(document, above)[last] = copy.deepcopy(value)


def _rename(within: Any, image: Document) -> None:
    name, new_name, new_tag = _only(image, "name", "newName", "newTag")
    if isinstance(within, list):
        for part in within:
            _rename(part, image)
    elif isinstance(within, dict):
        for key, part in within.items():
            if key in ("containers", "initContainers"):
                for container in part:
                    if container.get("image") == name:
                        container["image"] = f"{new_name}:{new_tag}"
            _rename(part, image)


def _replace(documents: list[Document], given: Document) -> None:
    source, targets = _only(given, "source", "targets")
    kind, name, path = _only(source, "kind", "name", "fieldPath")
    (pattern,) = _select(documents, {"kind": kind, "name": name})
    value = _walk(pattern, path.split("."))
    for target in targets:
        select, paths, options = _only(target, "select", "fieldPaths", "options")
        (create,) = _only(options or {}, "create")
        for document in _select(documents, select):
            for field in paths:
                *above, last = field.split(".")
                place = _walk(document, above)
                if last not in place and not create:
                    raise ValueError(f"{field}: there is no such field")
                place[last] = copy.deepcopy(value)


def _walk(document: Document, path: list[str]) -> Any:
    for part in path:
        document = document[int(part) if isinstance(document, list) else part]
    return document
