# SPDX-License-Identifier: PostgreSQL
"""Why an answer may differ: the classes of reasons.ini."""

import configparser
import pathlib
import re

PATTERNS = ("kind", "statement", "local", "foreign", "file")
NEVER = ("internal error", "crashed")


class Reasons:
    """The first class all of whose patterns are found explains a finding;
    crashes and internal errors are never explained."""

    def __init__(self, path=None):
        path = path or pathlib.Path(__file__).with_name("reasons.ini")
        parser = configparser.ConfigParser(interpolation=None)
        parser.read_string(pathlib.Path(path).read_text(encoding="utf-8"))
        self.classes = []
        for name in parser.sections():
            section = parser[name]
            unknown = set(section) - set(PATTERNS) - {"because"}
            if unknown or "because" not in section or len(section) < 2:
                raise ValueError(f"reasons.ini: [{name}] is not understood: {sorted(unknown)}")
            flags = re.IGNORECASE | re.DOTALL
            patterns = {k: re.compile(v, flags) for k, v in section.items() if k != "because"}
            self.classes.append((name, section["because"], patterns))

    def explain(self, finding):
        if any(word in finding.kind for word in NEVER):
            return None
        texts = {
            "kind": finding.kind,
            "statement": finding.sql,
            "local": finding.local,
            "foreign": finding.foreign,
            "file": finding.file,
        }
        for name, _, patterns in self.classes:
            if all(pattern.search(texts[what]) for what, pattern in patterns.items()):
                return name
        return None
