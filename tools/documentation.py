"""Hook of MkDocs: pages outside docs/, the schemas of model files and lessons, and the arguments of every command.

Links in Markdown are written as GitHub follows them; here those that lead out of docs/ are turned to the copies.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the `mkdocs` command does not look into the folder it is started in

from vislrp_core.cli import COMMANDS, parser  # noqa: E402
from vislrp_core.measures import MEASURES  # noqa: E402
from vislrp_core.model import FORMAT, VERSION, LRPModel  # noqa: E402
from vislrp_ui.lessons.files import LessonFile  # noqa: E402

COPIES = {
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "model_store/README.md": "embedded_network.md",
    "sample_images/CREDITS.md": "photographs.md",
    "LICENSE": "licence.txt",
}
"""Files of the repository and their names in the documentation."""
DIALECT = "https://json-schema.org/draft/2020-12/schema"
MARK = "<!-- arguments -->"
MEASURES_MARK = "<!-- measures -->"
_QUOTED = re.compile(r"<!-- (deploy/\S+) -->")
"""A file of the repository that a page quotes word for word."""
_LINK = re.compile(r"\]\((?P<path>[^)#\s]+)(?P<anchor>#[^)\s]*)?\)")


def model_schema() -> dict[str, object]:
    """JSON schema of a model file, from the classes that read it."""
    schema = LRPModel.model_json_schema()
    properties = {"format": {"const": FORMAT}, "version": {"enum": list(range(1, VERSION + 1))}, **schema["properties"]}
    return {
        "$schema": DIALECT,
        **schema,
        "title": "LRP model",
        "properties": properties,
        "required": ["format", "version", *schema["required"]],
    }


def lesson_schema() -> dict[str, object]:
    """JSON schema of a lesson's file, from the classes that read it."""
    return {"$schema": DIALECT, **LessonFile.model_json_schema(), "title": "Lesson"}


SCHEMAS = {"model.schema.json": model_schema, "lesson.schema.json": lesson_schema}
"""Files that are made from the program, by their names."""


def arguments() -> str:
    """What every command says about its arguments, as Markdown."""
    whole = parser()
    choices = next(action.choices for action in whole._actions if isinstance(action, argparse._SubParsersAction))
    parts = []
    for name in COMMANDS:
        text = choices[name].format_help().replace(whole.prog, "vislrp").strip()
        parts.append(f"### {name}\n\n```text\n{text}\n```\n")
    return "\n".join(parts)


def measures() -> str:
    """What every measure is, where it comes from and what it does not prove, as Markdown."""
    better = {"high": "Higher is better.", "low": "Lower is better.", "": "Neither is better."}
    parts = []
    for key, one in MEASURES.items():
        source = f" Source: {one.source}." if one.source else ""
        parts.append(
            f"### {one.title} (`{key}`)\n\n{one.formula} {better[one.better]}{source}\n\n*Does not prove*: {one.caveat}\n"
        )
    return "\n".join(parts)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the copies and the schemas."""
    for source, name in COPIES.items():
        files.append(File.generated(config, name, content=(ROOT / source).read_text(encoding="utf-8")))
    for name, make in SCHEMAS.items():
        files.append(File.generated(config, name, content=json.dumps(make(), indent=1, ensure_ascii=False)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links out of docs/ to the copies, links of the copies into docs/, and fill in the arguments."""
    source = next((path for path, name in COPIES.items() if name == page.file.src_uri), f"docs/{page.file.src_uri}")
    folder = (ROOT / source).parent
    depth = page.file.src_uri.count("/")

    def turned(match: re.Match[str]) -> str:
        path, anchor = match["path"], match["anchor"] or ""
        if "://" in path or path.startswith("mailto:") or path.rpartition("/")[2] in SCHEMAS:
            return match[0]
        target = (folder / path).resolve()
        if not target.is_relative_to(ROOT) or not (target.exists() or target.with_suffix(".md").exists()):
            generated = ROOT / "docs" / path
            if generated.name in COPIES.values():
                return match[0]
            raise PluginError(f"{source}: there is no {path}")
        name = target.relative_to(ROOT).as_posix()
        if name.startswith("docs/"):
            return f"]({'../' * depth}{name.removeprefix('docs/')}{anchor})"
        if name in COPIES:
            return f"]({'../' * depth}{COPIES[name]}{anchor})"
        # Folders and scripts are named, but there is nothing to open in the documentation.
        return "]{.path}"

    text = _LINK.sub(turned, markdown)
    text = re.sub(r"\[([^\[\]]+)\]\{\.path\}", r"`\1`", text).replace("``", "`")
    text = _QUOTED.sub(lambda match: (ROOT / match[1]).read_text(encoding="utf-8").rstrip(), text)
    text = text.replace(MEASURES_MARK, measures()) if MEASURES_MARK in text else text
    return text.replace(MARK, arguments()) if MARK in text else text
