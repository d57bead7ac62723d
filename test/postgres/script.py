# SPDX-License-Identifier: PostgreSQL
"""A file for psql, taken apart as psql does it: statements, backslash commands,
variables, \\if, and the lines that a COPY FROM STDIN reads.

    script = Script(text, {"abs_srcdir": "..."})
    for step in script:              # Statement or Command
        script.copy_lines()          # if the server asked for data

It is lexed as it is read: what a variable is, and whether backslashes escape
in plain strings, may depend on what was run before.
"""

import dataclasses
import re

SPACE = re.compile(r"\s+")
LINE_COMMENT = re.compile(r"--[^\n]*")
WORD = re.compile(r"[A-Za-z_\x80-\U0010ffff][\w$\x80-\U0010ffff]*")
NUMBER = re.compile(r"\d[\w.]*")
ESCAPE_STRING = re.compile(r"[eE]'(?:[^'\\]|''|\\.)*'", re.DOTALL)
STRING = re.compile(r"(?:[nNbBxX]|[uU]&)?'(?:[^']|'')*'", re.DOTALL)
BACKSLASH_STRING = re.compile(r"'(?:[^'\\]|''|\\.)*'", re.DOTALL)
QUOTED = re.compile(r'(?:[uU]&)?"(?:[^"]|"")*"', re.DOTALL)
DOLLAR = re.compile(r"\$(?:[A-Za-z_\x80-\U0010ffff][\w\x80-\U0010ffff]*)?\$")
VARIABLE = re.compile(r":(?:'(\w+)'|\"(\w+)\"|(\w+))")
COMMAND = re.compile(r"\\([A-Za-z_]\w*\+?|[?!\\])")
ARGUMENT = re.compile(r"(?:'(?:[^'\\]|''|\\.)*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|[^\s'\"`\\]|\\(?=\S))+")
RUNS_BUFFER = ("g", "gx", "gset", "gexec", "gdesc", "crosstabview", "watch", "bind")
TRUE_WORDS = ("true", "tru", "tr", "t", "on", "yes", "ye", "y", "1")


@dataclasses.dataclass
class Statement:
    """SQL without its semicolon; command says what \\g... it was sent by."""

    sql: str
    line: int
    command: str = ""
    argument: str = ""


@dataclasses.dataclass
class Command:
    name: str
    argument: str  # the rest of the line, variables not replaced
    line: int


def string_literal(value):
    text = value.replace("'", "''")
    return " E'" + text.replace("\\", "\\\\") + "'" if "\\" in text else f"'{text}'"


def identifier(value):
    return '"' + value.replace('"', '""') + '"'


class Script:
    def __init__(self, text, variables=()):
        self.text = text
        self.at = 0
        self.variables = dict(variables)
        self.standard_strings = True
        self.branches = []  # of \if: "taken", "waiting" for its turn, "done"
        self.removed_lines = 0

    # ---- what the runner asks for ------------------------------------------

    def __iter__(self):
        while True:
            step = self._step()
            if step is None:
                return
            if isinstance(step, Command) and self._conditional(step):
                continue
            if not self.active:
                continue
            if isinstance(step, Command) and step.name in ("q", "quit"):
                return
            yield step

    @property
    def active(self):
        return all(branch == "taken" for branch in self.branches)

    def copy_lines(self):
        """The lines below the statement, up to the one that ends the data."""
        start = self.text.find("\n", self.at) + 1 or len(self.text)
        end = re.compile(r"^\\\.(?:\n|\Z)", re.MULTILINE).search(self.text, start)
        stop, after = (end.start(), end.end()) if end else (len(self.text),) * 2
        lines = self.text[start:stop]
        self.removed_lines += self.text.count("\n", start, after)
        self.text = self.text[:start] + self.text[after:]
        return lines

    def substitute(self, text):
        """Variables of a backslash command's argument replaced."""
        return VARIABLE.sub(lambda found: self._value(found) or found.group(), text)

    def arguments(self, text):
        """Words of a backslash command, unquoted, variables replaced."""
        words = []
        for found in ARGUMENT.finditer(text):
            word = self.substitute(found.group())
            if word[0] == "'" and word[-1] == "'" and not found.group().startswith(":"):
                word = word[1:-1].replace("''", "'")
                word = re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t"}.get(m[1], m[1]), word)
            words.append(word)
        return words

    # ---- lexing -----------------------------------------------------------

    @property
    def line(self):
        return self.text.count("\n", 0, self.at) + 1 + self.removed_lines

    def _value(self, found):
        """What stands for :name, :'name' or :"name", or None."""
        for group, quote in ((1, string_literal), (2, identifier), (3, str)):
            if found.group(group) is not None:
                value = self.variables.get(found.group(group))
                return None if value is None else quote(value)
        return None

    def _step(self):
        """The next statement or command, or None at the end."""
        reader = _Statement()
        line = self.line
        while self.at < len(self.text):
            done = self._token(reader)
            if reader.is_empty:
                line = self.line
            if done is None:
                continue
            if isinstance(done, Command):
                if done.name in RUNS_BUFFER and not reader.is_empty:
                    return Statement(reader.sql, line, done.name, done.argument)
                if reader.is_empty:
                    return done
                if done.name in ("r", "reset"):
                    return Command("reset", "", line)
                # Commands within a statement that matter are \if's.
                self._conditional(done)
                continue
            if not reader.is_empty:
                return Statement(reader.sql, line)
        return None if reader.is_empty else Statement(reader.sql, line)

    def _token(self, reader):
        """Takes one token: True at the statement's end, a Command, or None."""
        text, at = self.text, self.at
        char = text[at]
        if char == "\\":
            return self._backslash(reader)
        if char == ";" and reader.may_end:
            self.at += 1
            return True
        if char == ":":
            return self._colon(reader)
        for pattern in (SPACE, LINE_COMMENT):
            found = pattern.match(text, at)
            if found:
                self.at = found.end()
                reader.space("\n" if "\n" in found.group() or char == "-" else " ")
                return None
        if text.startswith("/*", at):
            self.at = self._comment_end(at)
            reader.space(" ")
            return None
        end = self._quoted_end(at)
        if end is None:
            word = WORD.match(text, at) or NUMBER.match(text, at)
            end = word.end() if word else at + 1
            reader.note(text[at:end])
        reader.add(text[at:end])
        self.at = end
        return None

    def _quoted_end(self, at):
        text = self.text
        plain = STRING if self.standard_strings else BACKSLASH_STRING
        for pattern in (ESCAPE_STRING, plain, STRING, QUOTED):
            found = pattern.match(text, at)
            if found:
                return found.end()
        found = DOLLAR.match(text, at)
        if found:
            end = text.find(found.group(), found.end())
            return len(text) if end < 0 else end + len(found.group())
        return len(text) if text[at] in "'\"" else None

    def _comment_end(self, at):
        depth, position = 1, at + 2
        for found in re.compile(r"/\*|\*/").finditer(self.text, position):
            depth += 1 if found.group() == "/*" else -1
            if depth == 0:
                return found.end()
        return len(self.text)

    def _colon(self, reader):
        found = VARIABLE.match(self.text, self.at)
        value = self._value(found) if found else None
        if self.text.startswith("::", self.at):
            reader.add("::")
            self.at += 2
        elif value is None:
            reader.add(":")
            self.at += 1
        else:
            reader.add(value)
            self.at = found.end()

    def _backslash(self, reader):
        if self.text.startswith("\\;", self.at):
            reader.add(";")
            self.at += 2
            return None
        found = COMMAND.match(self.text, self.at)
        if found is None:
            reader.add("\\")
            self.at += 1
            return None
        line = self.line
        stop = self.text.find("\n", found.end())
        stop = len(self.text) if stop < 0 else stop
        self.at = stop
        return Command(found.group(1), self.text[found.end() : stop].strip(), line)

    # ---- \if ----------------------------------------------------------------

    def _is_true(self, argument):
        words = self.arguments(argument)
        return bool(words) and words[0].lower() in TRUE_WORDS

    def _conditional(self, command):
        """Follows \\if and its kind; False for any other command."""
        name = command.name
        if name == "if":
            self.branches.append("waiting" if self.active else "done")
            if self.branches[-1] == "waiting" and self._is_true(command.argument):
                self.branches[-1] = "taken"
        elif name in ("elif", "else") and self.branches:
            if self.branches[-1] == "waiting":
                if name == "else" or self._is_true(command.argument):
                    self.branches[-1] = "taken"
            else:
                self.branches[-1] = "done"
        elif name == "endif" and self.branches:
            self.branches.pop()
        return name in ("if", "elif", "else", "endif")


class _Statement:
    """Text so far; where parentheses and bodies of SQL functions stand."""

    def __init__(self):
        self.parts = []
        self.parentheses = 0
        self.words = []
        self.begins = 0

    @property
    def sql(self):
        return "".join(self.parts).strip()

    @property
    def is_empty(self):
        return not self.parts

    @property
    def may_end(self):
        return self.parentheses <= 0 and self.begins == 0

    def add(self, text):
        self.parts.append(text)

    def space(self, text):
        if self.parts:
            self.parts.append(text)

    def note(self, token):
        if token == "(":
            self.parentheses += 1
        elif token == ")":
            self.parentheses -= 1
        elif token[0].isalpha():
            self._note_word(token.lower())

    def _note_word(self, word):
        if len(self.words) < 4:
            self.words.append(word)
        rest = self.words[1:]
        if rest[:2] == ["or", "replace"]:
            rest = rest[2:]
        routine = rest[:1] in (["function"], ["procedure"])
        if self.words[0] != "create" or not routine or self.parentheses:
            return
        if word == "begin" or (word == "case" and self.begins):
            self.begins += 1
        elif word == "end" and self.begins:
            self.begins -= 1
