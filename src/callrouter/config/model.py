"""What all entries of the files have in common: unknown keys are refused, attribute docstrings are the help."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_by_name=False, validate_by_alias=True, use_attribute_docstrings=True
    )
