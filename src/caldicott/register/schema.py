"""The published JSON Schema of a register, for editors and for other programs."""

from __future__ import annotations

import json
from typing import Any

from caldicott.register.model import Register

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """The schema of a whole register; its `$defs` are the parts that the files hold."""
    return {"$schema": DIALECT, **Register.model_json_schema()}


def as_text() -> str:
    """The same as it stands in docs/reference/register.schema.json."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"
