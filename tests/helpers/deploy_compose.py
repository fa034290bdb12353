"""What is wrong with a compose file: an empty list where nothing is."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema

_ASKED = re.compile(r"(?<!\$)\$(?:\{(\w+)(:\?[^}]+)?([^}]*)\}|(\w+))")
_SECRET = re.compile(r"PASSW|SECRET|TOKEN|ACCESS_KEY")


def variables_file(text: str) -> dict[str, str]:
    """Return the variables of an env file."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return dict(line.partition("=")[::2] for line in lines)


def asked_for(value: Any) -> set[str]:
    """Return the variables that a compose file takes from outside."""
    return {found[0] or found[3] for text in _texts(value) for found in _ASKED.findall(text)}


def filled(value: Any, variables: Mapping[str, str]) -> Any:
    """Put values for variables, as compose does before it looks at anything."""
    if isinstance(value, dict):
        return {key: filled(part, variables) for key, part in value.items()}
    if isinstance(value, list):
        return [filled(part, variables) for part in value]
    if isinstance(value, str):
        put = _ASKED.sub(lambda found: variables[found[1] or found[4]], value)
        return put.replace("$$", "$")
    return value


def compose_problems(
    file: dict[str, Any],
    variables: Mapping[str, str],
    schema: jsonschema.Draft202012Validator,
) -> list[str]:
    """Check a compose file: the specification's schema, references between its parts, our rules.

    Args:
        file: Its content, before variables are put in.
        variables: Of the env file beside it; those without a value get one.
        schema: Of the compose specification.
    """
    asked = asked_for(file)
    problems = [f"{name} is not in the env file" for name in sorted(asked - set(variables))]
    problems += [f"{name} is asked for by nobody" for name in sorted(set(variables) - asked)]
    problems += [f"{name} has a default value" for name in sorted(_not_required(file))]
    known = {name: variables.get(name) or "1000" for name in asked}
    content = filled(file, known)
    problems += [f"{e.json_path}: {e.message}" for e in schema.iter_errors(content)]
    for name, service in content["services"].items():
        said = [*_references(service, content), *_rules(service)]
        problems += [f"{name}: {problem}" for problem in said]
        problems += [f"{name}: {problem}" for problem in _plain_secrets(file["services"][name])]
    return problems


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
    elif isinstance(value, str):
        yield value


def _not_required(file: dict[str, Any]) -> set[str]:
    """Variables not of the form ${NAME:?what to do}: compose would go on without a value."""
    found = [found for text in _texts(file) for found in _ASKED.findall(text)]
    return {braced or plain for braced, message, _, plain in found if not message}


def _references(service: dict[str, Any], file: dict[str, Any]) -> Iterator[str]:
    for other, wish in service.get("depends_on", {}).items():
        if other not in file["services"]:
            yield f"there is no service {other}"
        elif (
            wish["condition"] == "service_healthy" and "healthcheck" not in file["services"][other]
        ):
            yield f"{other} has no health check to wait for"
    for kind in ("secrets", "networks"):
        for name in service.get(kind, ()):
            if name not in file.get(kind, {}):
                yield f"there is no {kind[:-1]} {name}"
    for volume in service.get("volumes", ()):
        name = volume.partition(":")[0]
        if not name.startswith("/") and name not in file["volumes"]:
            yield f"there is no volume {name}"


def _rules(service: dict[str, Any]) -> Iterator[str]:
    once = service.get("restart") == "no"
    if service.get("restart") not in ("no", "always", "on-failure", "unless-stopped"):
        yield f"restart policy {service.get('restart')}"
    if not once and "healthcheck" not in service:
        yield "no health check"
    if not re.search(r":v?\d+\.\d+", service["image"]):
        yield f"image {service['image']} has no version"
    for port in service.get("ports", ()):
        if not port.startswith("127.0.0.1:"):
            yield f"port {port} is open to the network"


def _plain_secrets(service: dict[str, Any]) -> Iterator[str]:
    for name, value in service.get("environment", {}).items():
        if _SECRET.search(name) and not re.match(r"\$\{\w+:\?|/run/secrets/", value):
            yield f"{name} has a plain value"
