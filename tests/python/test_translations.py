"""Every text has its German and its Arabic, and what is compiled is what was written."""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.template import Engine
from django.template.base import Node, Template
from django.templatetags.i18n import BlockTranslateNode, TranslateNode
from django.utils import translation

import offlinesync
from offlinesync.texts import texts_in

PACKAGE = Path(offlinesync.__file__).parent
PLACEHOLDER = re.compile(r"%\(\w+\)s")
ENTRY = re.compile(r'^msgid (".+")\nmsgstr (".*")$', re.MULTILINE)
GETTEXT = {"_", "gettext", "gettext_lazy"}

pytestmark = pytest.mark.parametrize("language", ["ar", "de"])


def folder(language: str) -> Path:
    return PACKAGE / "locale" / language / "LC_MESSAGES"


def written(language: str) -> dict[str, str]:
    """What stands in the file that translators edit."""
    text = (folder(language) / "django.po").read_text(encoding="utf-8")
    return {ast.literal_eval(source): ast.literal_eval(told) for source, told in ENTRY.findall(text)}


def in_modules() -> Iterator[str]:
    for module in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in GETTEXT:
                yield ast.literal_eval(node.args[0])


def in_templates() -> Iterator[str]:
    engine = Engine(
        libraries={"i18n": "django.templatetags.i18n", "offlinesync": "offlinesync.templatetags.offlinesync"}
    )
    for file in (PACKAGE / "templates").rglob("*.html"):
        for node in nodes_of(Template(file.read_text(encoding="utf-8"), engine=engine)):
            if isinstance(node, TranslateNode):
                yield str(node.filter_expression.var.literal)
            elif isinstance(node, BlockTranslateNode):
                yield node.render_token_list(node.singular)[0].strip()


def nodes_of(template: Template) -> list[Node]:
    return list(template.nodelist.get_nodes_by_type(Node))


def test_every_text_is_translated_and_no_other(language: str) -> None:
    found = written(language)
    assert set(found) == {*in_modules(), *in_templates()}
    assert [source for source, told in found.items() if not told.strip()] == []


def test_what_is_compiled_is_what_was_written(language: str) -> None:
    with open(folder(language) / "django.mo", "rb") as file:
        compiled = gettext.GNUTranslations(file)
    found = written(language)
    assert {source: compiled.gettext(source) for source in found} == found, (
        f"django-admin compilemessages -l {language}"
    )


def test_what_is_put_in_stands_in_the_translation_too(language: str) -> None:
    for source, told in written(language).items():
        assert sorted(PLACEHOLDER.findall(source)) == sorted(PLACEHOLDER.findall(told)), source
        assert "<" not in told


def test_the_visitor_is_spoken_to_in_their_language(language: str) -> None:
    with translation.override(language):
        texts = texts_in(language)
    told = written(language)
    assert told["Saved on this device."] in texts
    assert told["Send now"] in texts
    assert "Saved on this device." not in texts
