"""The OpenAPI 3.1 document, made from the table of operations and the pydantic models. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from callrouter import __version__
from callrouter.web.operations import Operation
from callrouter.web.problems import MEDIA_TYPE, Problem

Json = dict[str, Any]
PATH_EXAMPLES = {"site": "gera", "number": "2001", "id": "1732268042.17", "name": "gera-magdeburg"}
PATH_WORDS = {
    "site": "The site of the id, the part before the slash.",
    "number": "The agent's number, the part after the slash.",
    "id": "The call's or callback's id at its site, the part after the slash.",
    "name": "The agreement's or hotline's name.",
}
FAULT_WORDS = {
    HTTPStatus.BAD_REQUEST: "The query or the body does not match the schema; `errors` names the places.",
    HTTPStatus.UNAUTHORIZED: "No bearer token, or one that is not known.",
    HTTPStatus.FORBIDDEN: "This token may read, not change.",
    HTTPStatus.NOT_FOUND: "There is no such thing (any more).",
    HTTPStatus.CONFLICT: "Changed meanwhile, or it means nothing in the present state.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too large.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is not plain application/json.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "It matches the schema but cannot be, such as an end in the past.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The router did not answer in time; it may still do what was asked.",
}


def document(operations: Sequence[Operation]) -> Json:
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [(Problem, "serialization")]
    for operation in operations:
        models.append((operation.answer, "serialization"))
        if operation.body:
            models.append((operation.body, "validation"))
    _, schemas = models_json_schema(models, ref_template="#/components/schemas/{model}")
    paths: dict[str, Json] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "callrouter",
            "version": __version__,
            "description": "Read the state of the network, switch overflow agreements, set agents' states, explain a "
            "call. Lists come in pages. Callers' numbers are masked; there are no figures per agent. Every error is "
            "a problem as in RFC 9457.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/api/v1"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(operation: Operation) -> Json:
    parameters = [_path_parameter(name) for name in re.findall(r"{(\w+)}", operation.path)]
    parameters += _query_parameters(operation.query)
    responses: Json = {"200": {"description": "Done.", "content": {"application/json": _ref(operation.answer)}}}
    for status in sorted({*_usual_faults(operation), *operation.faults}):
        responses[str(int(status))] = {
            "description": FAULT_WORDS[status],
            "content": {MEDIA_TYPE: _ref(Problem)},
        }
    made: Json = {"operationId": operation.name, "summary": operation.summary, "responses": responses}
    if parameters:
        made["parameters"] = parameters
    if operation.body:
        made["requestBody"] = {"required": True, "content": {"application/json": _ref(operation.body)}}
    return made


def _usual_faults(operation: Operation) -> list[HTTPStatus]:
    faults = [HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED]
    if "{" in operation.path:
        faults.append(HTTPStatus.NOT_FOUND)
    if operation.writes:
        faults += [HTTPStatus.FORBIDDEN, HTTPStatus.SERVICE_UNAVAILABLE]
    if operation.body:
        faults += [HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE]
    return faults


def _ref(model: type[BaseModel]) -> Json:
    return {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}


def _path_parameter(name: str) -> Json:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": PATH_WORDS[name],
        "schema": {"type": "string", "minLength": 1},
        "example": PATH_EXAMPLES[name],
    }


def _query_parameters(model: type[BaseModel]) -> list[Json]:
    made = []
    whole = model.model_json_schema(ref_template="#/components/schemas/{model}")
    for name, schema in whole.get("properties", {}).items():
        schema.pop("title", None)
        if "anyOf" in schema:  # a parameter is left out, never null
            schema.update(schema.pop("anyOf")[0])
            schema.pop("default", None)
        parameter: Json = {"name": name, "in": "query", "schema": schema}
        if "description" in schema:
            parameter["description"] = schema.pop("description")
        if name in whole.get("required", ()):
            parameter["required"] = True
        made.append(parameter)
    return made
