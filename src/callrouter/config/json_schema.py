"""The JSON Schema (2020-12) of a configuration file, for editors. `callrouter check` knows more than it can say."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel

from callrouter.config.schema import Network

_WORDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}


def json_schema(model: type[BaseModel] = Network, title: str = "callrouter configuration") -> dict[str, Any]:
    schema = _tidy(model.model_json_schema(by_alias=True, mode="validation"))
    assert isinstance(schema, dict)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title} | schema


def json_schema_text(model: type[BaseModel] = Network, title: str = "callrouter configuration") -> str:
    """As committed beside the example; ends with a newline."""
    return json.dumps(json_schema(model, title), indent=2, ensure_ascii=False) + "\n"


def _tidy(node: Any) -> Any:
    """Without the titles that pydantic makes of names, and with bounds that stand behind a validator put right."""
    if isinstance(node, list):
        return [_tidy(item) for item in node]
    if not isinstance(node, dict):
        return node
    tidy: dict[str, Any] = {}
    for key, value in node.items():
        if (key == "title" and isinstance(value, str)) or (key == "default" and value in (None, [], {})):
            continue
        bound = key in _WORDS and isinstance(value, int | float)
        tidy[_WORDS[key] if bound else key] = _tidy(value)
    return tidy
