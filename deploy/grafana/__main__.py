"""`python -m deploy.grafana`: write the dashboards' JSON; `--check` only says whether it is what the code makes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from deploy.grafana import engine, hotline, network, overflow, site
from grafana_foundation_sdk.cog.encoder import JSONEncoder

FOLDER = Path(__file__).with_name("dashboards")
DASHBOARDS = {"network": network, "site": site, "hotline": hotline, "overflow": overflow, "engine": engine}


def texts() -> dict[str, str]:
    """Name to JSON."""
    return {
        name: json.dumps(module.build(), cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        for name, module in DASHBOARDS.items()
    }


def main(arguments: list[str]) -> int:
    stale = False
    for name, text in texts().items():
        path = FOLDER / f"{name}.json"
        if not path.exists() or path.read_text("utf-8") != text:
            stale = True
            if "--check" not in arguments:
                path.write_text(text, "utf-8")
            print(f"{path.name}: {'differs from the code' if '--check' in arguments else 'written'}")
    return int(stale and "--check" in arguments)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
