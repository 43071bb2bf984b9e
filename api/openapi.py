"""The OpenAPI document, from the routes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api.routes import Route

_PARAMETER: Final = re.compile(r"\{(\w+)\}")
_REF: Final = "#/components/schemas/{model}"
_HEADERS: Final[dict[str, Any]] = {
    "X-Request-Id": {"schema": {"type": "string"}, "description": "names this request in the logs"},
}
_SEQ: Final[dict[str, Any]] = {
    "schema": {"type": "integer", "minimum": 0},
    "description": "the video's sequence number that the answer shows",
}
_ERROR: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["success", "error"],
    "additionalProperties": False,
    "properties": {
        "success": {"const": False},
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "additionalProperties": False,
            "properties": {
                "code": {"type": "string", "examples": ["layer_not_found"]},
                "message": {"type": "string", "description": "a sentence for a person"},
                "details": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["field", "message"],
                        "additionalProperties": False,
                        "properties": {
                            "field": {"type": "string", "examples": ["properties.volume"]},
                            "message": {"type": "string"},
                        },
                    },
                },
            },
        },
    },
}


def document(routes: Iterable[Route], *, version: str, server: str = "/") -> dict[str, Any]:
    """The OpenAPI 3.1 document that describes the routes.

    Args:
        routes: all of them.
        version: of the program.
        server: what the paths are relative to.
    """
    shown = list(routes)
    models = {
        (model, mode)
        for route in shown
        for model, mode in (
            (route.body, "validation"),
            (route.form, "validation"),
            (route.query, "validation"),
            (route.data, "serialization"),
        )
        if model is not None
    }
    _, definitions = models_json_schema(
        sorted(models, key=lambda entry: entry[0].__name__),  # type: ignore[arg-type]
        ref_template=_REF,
    )
    schemas: dict[str, Any] = dict(sorted(definitions.get("$defs", {}).items()))
    paths: dict[str, dict[str, Any]] = {}
    for route in shown:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    for route in shown:
        if route.query is not None:
            schemas.pop(route.query.__name__, None)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Cocut",
            "version": version,
            "description": "Real-time collaborative editing of short videos.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": server}],
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in shown)],
        "paths": paths,
        "components": {
            "schemas": {**schemas, "Error": _ERROR},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }


def _operation(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": getattr(route.handler, "__name__", route.path),
        "summary": route.summary,
        "tags": [route.tag],
        "x-permission": str(route.permission),
        "parameters": _parameters(route, schemas),
        "responses": _responses(route),
    }
    if route.permission.signed_in:
        operation["security"] = [{"bearer": []}, {"apiKey": []}]
    if route.form is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"multipart/form-data": {"schema": _reference(route.form)}},
        }
    if route.body is not None:
        operation["requestBody"] = {
            "required": any(field.is_required() for field in route.body.model_fields.values()),
            "content": {"application/json": {"schema": _reference(route.body)}},
        }
    return operation


def _parameters(route: Route, schemas: dict[str, Any]) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = []
    for name in _PARAMETER.findall(route.path):
        schema: dict[str, Any] = {"type": "string", "minLength": 1}
        if name.endswith("_id") and name != "user_id":
            schema["format"] = "uuid"
        parameters.append({"name": name, "in": "path", "required": True, "schema": schema})
    if route.query is not None:
        for name, schema in schemas[route.query.__name__]["properties"].items():
            parameters.append(
                {
                    "name": name,
                    "in": "query",
                    "required": False,
                    "schema": {key: value for key, value in schema.items() if key != "title"},
                }
            )
    if route.conditional:
        parameters.append(_header("If-None-Match", "answer 304 when this is what there is"))
    if route.idempotent:
        parameters.append(
            {
                **_header("Idempotency-Key", "the same key within 24 hours does nothing twice"),
                "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
            }
        )
    return parameters


def _header(name: str, description: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": {"type": "string"},
    }


def _responses(route: Route) -> dict[str, Any]:
    headers = dict(_HEADERS)
    if route.permission.action is not None:
        headers["X-Video-Seq"] = _SEQ
    if route.conditional:
        headers["ETag"] = {"schema": {"type": "string"}}
    responses: dict[str, Any] = {
        str(route.status): {
            "description": route.summary,
            "headers": headers,
            "content": {route.content_type: {"schema": _success(route)}},
        }
    }
    if route.conditional:
        responses["304"] = {"description": "Not Modified", "headers": headers}
    for status in _errors(route):
        responses[str(status)] = {
            "description": HTTPStatus(status).phrase,
            "headers": _HEADERS,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
        }
    return responses


def _success(route: Route) -> dict[str, Any]:
    if route.content_type != "application/json":
        return {"type": "string"} if route.content_type.startswith("text/") else {}
    properties: dict[str, Any] = {"success": {"const": True}, "message": {"type": "string"}}
    required = ["success"]
    if route.data is not None:
        properties["data"] = _reference(route.data)
        required.append("data")
    return {
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": False,
    }


def _errors(route: Route) -> list[int]:
    found = {400, 500, 503}
    if route.permission.signed_in:
        found |= {401, 403}
    if route.cost:
        found.add(429)
    if "{" in route.path or route.permission.via is not None:
        found.add(404)
    if route.body is not None or route.form is not None:
        found |= {409, 413, 415, 422}
    if route.query is not None:
        found.add(422)
    if route.method in {"PUT", "DELETE"} or route.idempotent:
        found |= {409, 422}
    if route.path == "/metrics":
        found.add(401)
    found |= route.errors
    return sorted(found)


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REF.format(model=model.__name__)}
