"""The code blocks of pages that call the API, as TypeScript modules that use the types of docs/openapi.json."""

import re
from collections.abc import Iterator
from pathlib import Path

_BLOCK = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_IMPORT = re.compile(r"^import\b", re.MULTILINE)
_COMMAND = re.compile(r"^(?:\$ )?curl (?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)
_PATH = re.compile(r"/api/[\w/-]+")
_BODY = re.compile(r"(?:-d|--data|--json) '([^']*)'")

PREAMBLE = """\
import type { paths } from "./api";
type Body<Path extends keyof paths> = paths[Path] extends {
  post: { requestBody: { content: { "application/json": infer Content } } };
} ? Content : never;
type Message = { action: "subscribe"; jobId?: string } | { action: "ping" };
declare const JSON: {
  stringify(value: Body<"/api/videos/generate"> | Body<"/api/videos/batch"> | Message): string;
  parse(text: string): unknown;
};
export {};
"""
"""Declarations for each module. `JSON.stringify` accepts only the requests of the API."""


def read_snippets(page: Path) -> Iterator[str]:
    """Yield each block of JavaScript or TypeScript, and each body of a curl command, as a module of TypeScript.

    A block with an import is left out: it is a part of an application, which has to be built as a whole.
    """
    for language, code in _BLOCK.findall(page.read_text(encoding="utf-8")):
        if language in {"js", "ts"} and not _IMPORT.search(code):
            yield PREAMBLE + code
        if language in {"bash", "console"}:
            for command in _COMMAND.findall(code):
                path, body = _PATH.search(command), _BODY.search(command)
                if path and body:
                    yield f'{PREAMBLE}export const body: Body<"{path[0]}"> = {body[1]};\n'
