"""What others cite and run: citation file, paper, workflows and templates name things that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

import vislrp_core

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def test_the_citation_file_is_complete_and_of_this_version():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(cited)  # what its format demands
    assert str(cited["version"]) == vislrp_core.__version__
    assert {one["doi"] for one in cited["references"]} >= {"10.1111/cgf.14302", "10.1371/journal.pone.0130140"}


def test_the_changelog_begins_with_this_version():
    first = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert first and first[1] == vislrp_core.__version__


def test_the_paper_cites_what_its_bibliography_holds():
    paper = (ROOT / "paper" / "paper.md").read_text(encoding="utf-8")
    keys = re.findall(r"^@\w+\{([^,]+),", (ROOT / "paper" / "paper.bib").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(keys) == len(set(keys))
    assert set(re.findall(r"@([a-z]+\d*)", paper.split("---", 2)[2])) == set(keys)
    head = yaml.safe_load(paper.split("---")[1])
    assert {"title", "tags", "authors", "affiliations", "date", "bibliography"} <= set(head)
    for title in ("Summary", "Statement of need", "State of the field", "References"):
        assert f"\n# {title}\n" in paper


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_name_files_that_exist(path: Path):
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    assert all(job["steps"] and job["runs-on"] for job in jobs.values())
    commands = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    named = {word for command in commands for word in re.findall(r"(?:tests|requirements|sample_images)[\w./-]*", command)}
    # Modules are named with dots, folders and files as they are.
    assert not [name for name in named if not ((ROOT / name).exists() or (ROOT / f"{name.replace('.', '/')}.py").exists())]


def test_public_python_versions_are_those_of_the_package():
    matrix = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8"))
    versions = matrix["jobs"]["library-and-pages"]["strategy"]["matrix"]["python"]
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    declared = re.findall(r"Programming Language :: Python :: (3\.\d+)", project)
    assert versions == declared
