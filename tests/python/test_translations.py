"""Every text of the app and of its demo has its German and its Arabic, and what is compiled is what was written."""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.template import Engine
from django.template.backends.django import get_installed_libraries
from django.template.base import Node, Template
from django.templatetags.i18n import BlockTranslateNode, TranslateNode
from django.utils import translation
from django.utils.translation import trim_whitespace

import demo_site
import offlinesync
from offlinesync.texts import texts_in

PACKAGES = [Path(package.__file__).parent for package in (offlinesync, demo_site)]
PLACEHOLDER = re.compile(r"%\(\w+\)s")
STRING = re.compile(r'^(msgctxt|msgid|msgid_plural|msgstr(?:\[\d\])?) (".*")$', re.MULTILINE)
GETTEXT = {"_", "gettext", "gettext_lazy", "ngettext"}

each_package = pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
pytestmark = pytest.mark.parametrize("language", ["ar", "de"])


def folder(package: Path, language: str) -> Path:
    return package / "locale" / language / "LC_MESSAGES"


def written(package: Path, language: str) -> dict[str, list[str]]:
    """What stands in the file that translators edit, by context and source: one text, or one for each plural form."""
    text = (folder(package, language) / "django.po").read_text(encoding="utf-8")
    found = {}
    for block in text.split("\n\n")[1:]:
        parts = {name: ast.literal_eval(string) for name, string in STRING.findall(block)}
        found[key(parts.get("msgctxt"), parts["msgid"])] = [
            string for name, string in parts.items() if name.startswith("msgstr")
        ]
    return found


def key(context: str | None, source: str) -> str:
    """As gettext itself keeps it."""
    return source if context is None else f"{context}\x04{source}"


def in_modules(package: Path) -> Iterator[str]:
    for module in package.rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in GETTEXT:
                yield ast.literal_eval(node.args[0])


def in_templates(package: Path) -> Iterator[str]:
    engine = Engine(libraries=get_installed_libraries())
    for file in package.rglob("templates/**/*.html"):
        for node in nodes_of(Template(file.read_text(encoding="utf-8"), engine=engine)):
            context = getattr(node, "message_context", None)
            if isinstance(node, TranslateNode):
                yield key(context and context.var, str(node.filter_expression.var.literal))
            elif isinstance(node, BlockTranslateNode):
                source = node.render_token_list(node.singular)[0]
                yield key(context and context.var, trim_whitespace(source) if node.trimmed else source)


def nodes_of(template: Template) -> list[Node]:
    return list(template.nodelist.get_nodes_by_type(Node))


@each_package
def test_every_text_is_translated_and_no_other(package: Path, language: str) -> None:
    found = written(package, language)
    assert set(found) == {*in_modules(package), *in_templates(package)}
    assert [source for source, told in found.items() if not all(text.strip() for text in told)] == []


@each_package
def test_what_is_compiled_is_what_was_written(package: Path, language: str) -> None:
    with open(folder(package, language) / "django.mo", "rb") as file:
        compiled = gettext.GNUTranslations(file)._catalog
    texts: dict[str, list[str]] = {}
    for source, told in compiled.items():
        texts.setdefault(source[0] if isinstance(source, tuple) else source, []).append(told)
    del texts[""]
    assert texts == written(package, language), f"django-admin compilemessages -l {language}"


@each_package
def test_what_is_put_in_stands_in_the_translation_too(package: Path, language: str) -> None:
    for source, told in written(package, language).items():
        for text in told:
            assert sorted(PLACEHOLDER.findall(source)) == sorted(PLACEHOLDER.findall(text)), source
            assert text.count("<") == source.count("<"), source


def test_the_visitor_is_spoken_to_in_their_language(language: str) -> None:
    with translation.override(language):
        texts = texts_in(language)
    told = written(PACKAGES[0], language)
    assert told["Saved on this device."][0] in texts
    assert told["Send now"][0] in texts
    assert "Saved on this device." not in texts
