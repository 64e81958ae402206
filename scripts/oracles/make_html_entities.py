#!/usr/bin/env python3
"""Writes src/text/internal/html_entity_table.inc: the HTML5 entity names that end in a semicolon, plus
all-capital spellings of the all-lower-case ones, which stand for the capital (&EACUTE; is É)."""

import html
import html.entities
import pathlib

TARGET = pathlib.Path(__file__).resolve().parents[2] / "src/text/internal/html_entity_table.inc"


def entities():
    table = {}
    for name, text in html.entities.html5.items():
        if not name.endswith(";"):
            continue
        table[name[:-1]] = text
        capitals = f"&{name.upper()}"
        if name == name.lower() and html.unescape(capitals) == capitals:
            table[name[:-1].upper()] = text.upper()
    # References are at most 24 characters long, so longer names are never looked up.
    return {name: text for name, text in table.items() if len(name) <= 24}


def literal(text):
    return "".join(f"\\U{ord(c):08X}" if ord(c) >= 0xA0 else
                   f"\\{ord(c):03o}" for c in text)


def main():
    lines = ["// Made by scripts/oracles/make_html_entities.py from the HTML standard's list; sorted."]
    line = ""
    for name, text in sorted(entities().items()):
        item = f'{{"{name}", U"{literal(text)}"}}, '
        if len(line) + len(item) > 100:
            lines.append(line.rstrip())
            line = ""
        line += item
    lines.append(line.rstrip())
    TARGET.write_text("\n".join(lines) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
