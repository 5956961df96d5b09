"""A secret that the configuration names but never holds: an environment variable or a file, read when asked."""

from __future__ import annotations

import os
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator

from callrouter.config.kinds import Beside
from callrouter.config.messages import wrong

_MEND = "write {env: NAME} or {file: PATH}"


class SecretError(Exception):
    """The place that a secret is said to be in does not give one; the message says how to mend it."""


def _name(value: str) -> str:
    if not value.isidentifier() or not value.isascii():
        raise wrong("this is no name of an environment variable", "use letters, digits and '_'")
    return value


class Secret(BaseModel):
    """Where a secret is: {env: NAME} or {file: PATH}, the file relative to the configuration's folder."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        json_schema_extra={"minProperties": 1, "maxProperties": 1},
    )

    env: Annotated[str, AfterValidator(_name)] | None = None
    file: Beside | None = None

    @model_validator(mode="before")
    @classmethod
    def _never_literal(cls, value: object) -> object:
        if not isinstance(value, dict):
            raise wrong("a secret must not stand in the configuration", _MEND)
        return value

    @model_validator(mode="after")
    def _one_of_two(self) -> Secret:
        if (self.env is None) == (self.file is None):
            raise wrong("a secret has one source", _MEND)
        return self

    def __str__(self) -> str:
        return f"environment variable {self.env}" if self.env else f"file {self.file}"

    def reveal(self) -> str:
        """The secret's text. Raises SecretError when it is missing, empty, or more than one line."""
        if self.env is not None:
            text = os.environ.get(self.env, "")
            if not text:
                raise SecretError(f"{self} is not set; export it before the service starts")
        else:
            assert self.file is not None
            try:
                text = self.file.read_text(encoding="utf-8").rstrip("\r\n")
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or "not UTF-8"
                raise SecretError(
                    f"{self} cannot be read ({reason}); create it, readable for the service only"
                ) from None
            if not text:
                raise SecretError(f"{self} is empty; write the secret into it")
        if not text.isprintable():
            raise SecretError(f"{self} holds control characters; it must be one line of text")
        return text
