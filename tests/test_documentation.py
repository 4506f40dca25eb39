"""The documentation builds without a dead link, and says what the program does."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from tools import documentation
from vislrp_core.cli import COMMANDS, flip, measure
from vislrp_core.measures import MEASURES, boxes
from vislrp_core.model import LRPModel, ModelError
from vislrp_core.neurons import SCORES
from vislrp_core.rules import PARAMETERS, PRESETS
from vislrp_ui.lessons import files as lessons
from vislrp_ui.state import StateError

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
CODE = [path for folder in ("vislrp_core", "vislrp_ui") for path in (ROOT / folder).rglob("*.py")]
MODELS = [
    path for path in sorted((ROOT / "model_store").glob("*.json")) if "vislrp-model" in path.read_text(encoding="utf-8")
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built documentation; with --strict a dead link, a missing anchor or page ends the build."""
    folder = tmp_path_factory.mktemp("site")
    result = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return folder


def test_it_builds_with_every_command_every_function_and_every_picture(site: Path):
    commands = (site / "command_line.html").read_text(encoding="utf-8")
    assert all(f"usage: vislrp {name}" in commands for name in COMMANDS)
    api = (site / "api.html").read_text(encoding="utf-8")
    for name in ("api.explain", "networks.load_network", "propagation.propagate"):
        assert f'id="vislrp_core.{name}"' in api
    for name in ("home", "design", "compare", "flipping", "ablation", "search", "hand"):
        page = (site / "guide" / f"{name}.html").read_text(encoding="utf-8")
        for mode in ("light", "dark"):
            assert f"pictures/{name}_{mode}.webp" in page and (site / "pictures" / f"{name}_{mode}.webp").is_file()
    assert "hash $vislrp_visitor consistent;" in (site / "deploy.html").read_text(encoding="utf-8")
    for name, make in documentation.SCHEMAS.items():
        assert json.loads((site / name).read_text(encoding="utf-8")) == make()
    assert 'href="model.schema.json"' in (site / "model_file.html").read_text(encoding="utf-8")
    assert 'href="../lesson.schema.json"' in (site / "howto" / "teach.html").read_text(encoding="utf-8")
    told = (site / "measures.html").read_text(encoding="utf-8")
    assert all(f"<code>{key}</code>" in told and one.title in told for key, one in MEASURES.items())
    assert told.count("Does not prove") == len(MEASURES)


def schema(described: dict[str, object] | None = None) -> jsonschema.Draft202012Validator:
    """Checks model files, or what another schema describes."""
    described = documentation.model_schema() if described is None else described
    jsonschema.Draft202012Validator.check_schema(described)
    return jsonschema.Draft202012Validator(described)


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_the_schema_takes_the_example_models(path: Path):
    schema().validate(json.loads(path.read_text(encoding="utf-8")))


def test_the_schema_takes_the_documented_model_and_what_the_program_writes():
    documented = re.search(r"```json\n(.*?)```", (DOCS / "model_file.md").read_text(encoding="utf-8"), re.DOTALL)
    assert documented
    schema().validate(json.loads(documented[1]))
    assert LRPModel.from_json(documented[1]).name == "Overview composite"
    schema().validate(json.loads(LRPModel.basic().to_json()))


@pytest.mark.parametrize(
    "change",
    [
        {"pooling": "mean"},
        {"bias": True},
        {"unknown": 1},
        {"format": "other"},
        {"version": 99},
        {"segments": []},
        {"segments": [{"first": 1, "last": 38, "rule": {"preset": "none"}}]},
        {"segments": [{"first": 1, "last": 38, "rule": {"preset": "epsilon", "epsilon": "abc"}}]},
        {"segments": [{"first": "1", "last": 38, "rule": {"preset": "zero"}}]},
        {"segments": [{"first": 1, "last": 38, "rule": {"preset": "zero"}, "more": 0}]},
    ],
)
def test_schema_and_program_refuse_the_same(change: dict[str, object]):
    wrong = {**json.loads(LRPModel.basic().to_json()), **change}
    assert not schema().is_valid(wrong)
    with pytest.raises(ModelError):
        LRPModel.from_json(json.dumps(wrong))


def test_the_schema_of_lessons_takes_the_documented_one_and_what_the_program_writes():
    checked = schema(documentation.lesson_schema())
    example = re.search(r"```json\n(.*?)```", (DOCS / "howto" / "teach.md").read_text(encoding="utf-8"), re.DOTALL)
    assert example
    checked.validate(json.loads(example[1]))
    checked.validate(json.loads(lessons.write(lessons.lesson("Home", [("?image=kitten", "A"), ("/Design", "B")]))))


@pytest.mark.parametrize(
    "change",
    [
        {"unknown": 1},
        {"format": "vislrp-model"},
        {"version": 2},
        {"title": " "},
        {"title": "x" * (lessons.MAX_TITLE + 1)},
        {"steps": []},
        {"steps": [{"address": "Design", "text": "x"}] * (lessons.MAX_STEPS + 1)},
        {"steps": [{"address": "Design"}]},
        {"steps": [{"address": "https://example.org/Design?image=kitten", "text": "x"}]},
        {"steps": [{"address": "Desig?image=kitten", "text": "x"}]},
        {"steps": [{"address": "Design", "text": "x" * (lessons.MAX_TEXT + 1)}]},
        {"steps": [{"address": "Design", "text": "x", "page": "design"}]},
    ],
)
def test_schema_and_program_refuse_the_same_lessons(change: dict[str, object]):
    wrong = {**json.loads(lessons.write(lessons.lesson("Title", [("Design?image=kitten", "x")]))), **change}
    assert not schema(documentation.lesson_schema()).is_valid(wrong)
    with pytest.raises(StateError):
        lessons.read(json.dumps(wrong).encode())


def test_every_setting_of_the_environment_is_in_the_table():
    read = {name for path in CODE for name in re.findall(r'"(VISLRP_[A-Z_]+)"', path.read_text(encoding="utf-8"))}
    listed = set(re.findall(r"^\| `(VISLRP_[A-Z_]+)`", (DOCS / "deploy.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert read == listed


def test_the_definitions_name_every_preset_and_parameter():
    text = (DOCS / "numerics.md").read_text(encoding="utf-8")
    for key, preset in PRESETS.items():
        assert re.search(rf"^\| `{key}` \| {re.escape(preset.title)} \|", text, re.MULTILINE), key
    engine = (DOCS / "engine.md").read_text(encoding="utf-8")
    assert all(f"`{parameter.key}`" in engine for parameter in PARAMETERS)


def test_sections_that_docstrings_cite_exist():
    headings = set(re.findall(r"^## (\d+)\.", (DOCS / "numerics.md").read_text(encoding="utf-8"), re.MULTILINE))
    cited = {
        number
        for path in CODE
        for number in re.findall(r"numerics(?:\.md)?,? sections? (\d+)", path.read_text(encoding="utf-8"))
    }
    assert cited <= headings and cited, cited - headings


def test_pages_that_the_code_cites_exist():
    cited = {name for path in CODE for name in re.findall(r"docs/[\w./]+\.md", path.read_text(encoding="utf-8"))}
    assert not [name for name in cited if not (ROOT / name).is_file()]


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md"])
def test_links_of_the_front_pages_lead_somewhere(name: str):
    path = ROOT / name
    links = re.findall(r"\]\(([^)#\s]+)", path.read_text(encoding="utf-8"))
    # Two steps up from a file at the top level is the repository's own address on its host.
    inside = [link for link in links if "://" not in link and not link.startswith("../../")]
    assert not [link for link in inside if not (path.parent / link).exists()]


def test_the_columns_of_all_tables_are_named():
    told = (ROOT / "docs" / "command_line.md").read_text(encoding="utf-8")
    section = told[told.index("## Columns of the tables") : told.index("## On several machines")]
    rows = [tuple(re.findall(r"`(\w+)`", line.split("|")[2])) for line in section.splitlines() if line.startswith("| `")]
    for columns in (
        flip.CURVE_COLUMNS,
        ("image", "target", "model", *flip.METRICS),
        measure.COLUMNS,
        measure.SUMMARY,
        boxes.COLUMNS,
        ("neuron", *SCORES),
    ):
        assert columns in rows
