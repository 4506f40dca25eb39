"""Names that visitors and files give are shown as they are, wherever Streamlit would read markdown."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from vislrp_ui.shared.literal import JOINER, escaped

UI = Path(__file__).resolve().parents[2] / "vislrp_ui"
WORDS = """button download_button link_button popover expander checkbox toggle radio caption markdown write warning error
info success progress text_input number_input slider selectbox multiselect segmented_control pills file_uploader spinner
toast menu pressed image"""
MARKDOWN = set(WORDS.split())
FROM_OUTSIDE = re.compile(
    r"\b(name|names|title|titles|message|description|words|sentence|trouble|error|broken|filename|file)\b"
)
TABLE = re.compile(r"(\w+\.)?[A-Z_]+\[")
"""Texts of the program itself, in one of its tables: measures, conventions, fills, scores."""
OURS = {
    # Other texts of the program, and layers of the known architectures.
    "one.title",
    "title",
    "label",
    "choice.sentence",
    "side.title()",
    "room.title",
    "case.room.title",
    "case.lesson.title",
    "question.title",
    "name",  # of the two maps that are subtracted: A and B
    "model.plan.name(segment.first)",
    "model.plan.name(segment.last)",
    "model.plan.name(_middle(visit))",
    "trouble",
}


def from_outside(node: ast.AST) -> list[str]:
    """Expressions in a label or text that may hold what a visitor or a file has named, and that nothing escapes."""
    if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("escaped", "linked", "len"):
        return []
    if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript, ast.Call)):
        said = ast.unparse(node)
        if FROM_OUTSIDE.search(re.sub(r"'[^']*'", "", said)) and said not in OURS and not TABLE.match(said):
            return [said]
        return []
    return [one for child in ast.iter_child_nodes(node) for one in from_outside(child)]


def test_every_label_and_sentence_escapes_what_comes_from_outside() -> None:
    found = []
    for path in sorted(UI.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in MARKDOWN:
                if ast.unparse(node.func).split(".")[0] not in ("st", "widgets", "pressed", "menu"):
                    continue
                shown = [*node.args[: 2 if "progress" in ast.unparse(node.func) else 1]]
                shown += [word.value for word in node.keywords if word.arg == "help"]
                found += [f"{path.relative_to(UI)}: {one}" for part in shown for one in from_outside(part)]
    assert not found, found


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("A sentence (with, signs): 1.5 × 2 – “so”; VISLRP_NETWORK, pool5_1!", None),
        ("**b** [x](y) $a$ :red[c] <b>", r"\*\*b\*\* \[x\](y) \$a\$ \:red\[c\] \<b>"),
        ("_i_ `c` ~~s~~ a\\b &amp;", r"\_i\_ \`c\` \~\~s\~\~ a\\b \&amp;"),
        ("# 1\n2. x\n- y\n> z", "\\# 1\n2\\. x\n\\- y\n\\> z"),
        ("www.x.org http://x a@b.c a -> b", "www¤.x.org http\\:¤//x a¤@b.c a -¤> b"),
        (":smile: :material/check:", "\\:¤smile: \\:¤material/check:"),
    ],
)
def test_sentences_stay_and_markup_is_marked(text: str, markdown: str | None) -> None:
    assert escaped(text).replace(JOINER, "¤") == (text if markdown is None else markdown)
