# SPDX-License-Identifier: MIT OR Apache-2.0
"""Turns Wycheproof's JSON into a C++ source: wycheproof.py OUTPUT INPUT.json...

A component then needs no files and no JSON parser. In the source each file is a text of lines,
which wycheproof.cpp reads:

    group NAME=VALUE...                 what the vectors that follow have in common
    ID RESULT FLAG,FLAG NAME=VALUE...   a vector; without flags a single comma

Names of members of members are joined by dots, words of comments by underscores. What still holds
other characters is left out: keys in other formats.
"""

import json
import re
import sys
from pathlib import Path

KEPT = re.compile(r"[A-Za-z0-9/._-]*")


def fields(members, prefix=""):
    for name, value in members.items():
        if isinstance(value, dict):
            yield from fields(value, f"{prefix}{name}.")
        elif isinstance(value, (str, int)) and KEPT.fullmatch(str(value)):
            yield f"{prefix}{name}={value}"


def lines(content):
    count = 0
    for group in content["testGroups"]:
        yield " ".join(["group", *fields(group)])
        for vector in group["tests"]:
            count += 1
            rest = {name: vector[name] for name in vector
                    if name not in ("tcId", "result", "flags")}
            rest["comment"] = vector["comment"].replace(" ", "_")
            flags = ",".join(vector["flags"]) or ","
            yield " ".join([str(vector["tcId"]), vector["result"], flags, *fields(rest)])
    if count != content["numberOfTests"]:
        raise SystemExit(f"{count} vectors where there should be {content['numberOfTests']}")


def main(output, inputs):
    text = ['#include "wycheproof.hpp"\n', "namespace wycheproof {\n"]
    names = []
    for number, file in enumerate(sorted(Path(path) for path in inputs)):
        text.append(f"static const char text{number}[] =\n")
        text += [f'    "{line}\\n"\n' for line in lines(json.loads(file.read_text()))]
        text.append(";\n")
        names.append(f'    {{"{file.name.removesuffix("_test.json")}", text{number}}},\n')
    text += ["const file files[] = {\n", *names, "    {nullptr, nullptr}};\n", "}\n"]
    Path(output).write_text("".join(text))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
