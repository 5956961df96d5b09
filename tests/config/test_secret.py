"""Secrets are looked up when they are needed, and a missing one says how to mend it."""

from __future__ import annotations

from pathlib import Path

import pytest

from callrouter.config.secret import Secret, SecretError


def test_a_secret_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The value of the moment counts, not that of the load."""
    secret = Secret.model_validate({"env": "CR_TEST_SECRET"})
    monkeypatch.delenv("CR_TEST_SECRET", raising=False)
    with pytest.raises(SecretError, match="environment variable CR_TEST_SECRET is not set; export it"):
        secret.reveal()
    monkeypatch.setenv("CR_TEST_SECRET", "s3cret")
    assert secret.reveal() == "s3cret"


def test_a_secret_comes_from_a_file(tmp_path: Path) -> None:
    """The newline that editors add does not belong to it; missing, empty and many-lined files are told."""
    secret = Secret.model_validate({"file": "s"}, context={"folder": tmp_path})
    with pytest.raises(SecretError, match=r"cannot be read \(No such file or directory\)"):
        secret.reveal()
    for text, message in (("\n", "is empty"), ("a\nAction: Logoff\n", "control characters")):
        (tmp_path / "s").write_text(text)
        with pytest.raises(SecretError, match=message):
            secret.reveal()
    (tmp_path / "s").write_bytes(b"\xff")
    with pytest.raises(SecretError, match="not UTF-8"):
        secret.reveal()
    (tmp_path / "s").write_text("s3cret\r\n")
    assert secret.reveal() == "s3cret"
