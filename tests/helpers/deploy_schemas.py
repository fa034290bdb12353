"""What is wrong with a file of deploy/, kind by kind: an empty list where nothing is."""

import contextlib
import copy
import functools
import importlib.resources
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import botocore.validate
import click
import jsonschema
import kubernetes_validate
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

KUBERNETES = "1.34"
# Amazon's own, of what starts an instance; the rest is ours or Ray's.
_ASKED_BY_RAY = {"MinCount": 1, "MaxCount": 1}


def core_problems(document: dict[str, Any]) -> list[str]:
    """Check a resource of Kubernetes itself: unknown keys and kinds are problems."""
    try:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)
    except kubernetes_validate.SchemaNotFoundError as error:
        return [error.message]
    except kubernetes_validate.ValidationError as error:
        return [_described(error)]
    return []


@functools.cache
def read_crd(file: Path) -> jsonschema.Draft202012Validator:
    """Return a strict validator for the v1 resources that a definition (CRD) describes."""
    definition = yaml.load(file.read_text(), yaml.CSafeLoader)
    (version,) = (v for v in definition["spec"]["versions"] if v["name"] == "v1")
    schema = _strict(version["schema"]["openAPIV3Schema"])
    schema["properties"]["apiVersion"] = {"const": f"{definition['spec']['group']}/v1"}
    schema["properties"]["kind"] = {"const": definition["spec"]["names"]["kind"]}
    return jsonschema.Draft202012Validator(schema)


def _strict(schema: Any) -> Any:
    """Forbid unknown keys; do not require what the API server would fill in."""
    if isinstance(schema, list):
        return [_strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {
        key: _strict(part) for key, part in schema.items() if key not in ("required", "default")
    }
    properties = schema.get("properties")
    if isinstance(properties, dict) and schema.get("type") == "object":
        made.setdefault("additionalProperties", False)
    if isinstance(schema.get("required"), list):
        filled = {key for key, part in (properties or {}).items() if "default" in part}
        made["required"] = [key for key in schema["required"] if key not in filled]
    return made


def ray_problems(
    document: dict[str, Any], crds: dict[str, jsonschema.Draft202012Validator]
) -> list[str]:
    """Check a resource of KubeRay against its definition."""
    return [_described(error) for error in crds[document["kind"]].iter_errors(document)]


def compose_schema() -> jsonschema.Draft202012Validator:
    """Return a validator with the compose specification's own schema."""
    folder = importlib.resources.files("check_jsonschema") / "builtin_schemas" / "vendor"
    return jsonschema.Draft202012Validator(json.loads((folder / "compose-spec.json").read_text()))


def ray_up_problems(config: dict[str, Any]) -> list[str]:
    """Check a file of `ray up`: by Ray's own validator, and Amazon's words by Amazon's."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            prepared = prepare_config(copy.deepcopy(config))
            validate_config(prepared)
    except (jsonschema.ValidationError, click.ClickException, ValueError) as error:
        return [_described(error)]
    problems = [
        f"provider: unknown key {key}" for key in _unknown_provider_keys(config["provider"])
    ]
    if config["provider"]["type"] == "aws":
        for name, node in config["available_node_types"].items():
            problems += [
                f"{name}: {problem}" for problem in _instance_problems(node["node_config"])
            ]
    return problems


def _unknown_provider_keys(provider: dict[str, Any]) -> set[str]:
    """Ray takes any key here, so that a misspelt one would be passed over."""
    file = importlib.resources.files("ray.autoscaler") / "ray-schema.json"
    return set(provider) - set(json.loads(file.read_text())["properties"]["provider"]["properties"])


def _instance_problems(node_config: dict[str, Any]) -> Iterator[str]:
    given = {**node_config, **_ASKED_BY_RAY}
    report = botocore.validate.ParamValidator().validate(given, _instance())
    if report.has_errors():
        yield report.generate_report()


@functools.cache
def _instance() -> Any:
    service = botocore.session.get_session().get_service_model("ec2")
    return service.operation_model("RunInstances").input_shape


def _described(error: Exception) -> str:
    if isinstance(error, jsonschema.ValidationError):
        return f"{'.'.join(map(str, error.absolute_path))}: {error.message}"
    return f"{type(error).__name__}: {error}"
