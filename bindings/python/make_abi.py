#!/usr/bin/env python3
"""Writes the ctypes form of the public header's enums and structures, so that
the binding cannot fall behind it.

Usage: make_abi.py chatterbox.h status.h > _chatterbox_abi.py
"""
import re
import sys

TYPES = {
    "bool": "c_bool", "char": "c_char", "int": "c_int", "float": "c_float",
    "double": "c_double", "size_t": "c_size_t", "int64_t": "c_int64",
    "int32_t": "c_int32", "uint32_t": "c_uint32", "uint64_t": "c_uint64",
    "uint8_t": "c_uint8", "uint16_t": "c_uint16",
}
BLOCK = re.compile(r"typedef (enum|struct) (cbx_\w+) \{(.*?)\} \2;", re.S)
NAME = re.compile(r"(\w+)(?:\[(\w+)\])?$")


def plain(text):
    """Without comments and the preprocessor's lines."""
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    return re.sub(r"^\s*#.*?(?<!\\)$", "", text, flags=re.M)


def enum_lines(body):
    value = -1
    for item in filter(None, (i.strip() for i in body.split(","))):
        name, _, given = (p.strip() for p in item.partition("="))
        value = int(given, 0) if given else value + 1
        yield f"{name} = {value}"


def field(kind, name, enums):
    """One line of _fields_."""
    if kind.endswith("*"):
        ctype = "c_char_p" if kind == "const char *" else "c_void_p"
    elif kind in TYPES:
        ctype = TYPES[kind]
    elif kind in enums:
        ctype = "c_int"
    else:
        ctype = kind.removeprefix("const ").removeprefix("struct ")
        if not ctype.startswith("cbx_"):
            raise ValueError(f"what is a '{kind}'?")
    name, count = NAME.match(name).groups()
    return f'        ("{name}", {ctype}{" * " + count if count else ""}),'


def struct_lines(name, body, enums):
    yield f"class {name}(Structure):"
    yield "    _fields_ = ["
    for line in filter(None, (" ".join(i.split()) for i in body.split(";"))):
        function = re.match(r".*\(\*(\w+)\)\(.*\)$", line)
        if function:
            yield f'        ("{function[1]}", c_void_p),'
            continue
        first, *rest = (i.strip() for i in line.split(","))
        kind, name = re.match(r"(.*?)(\**\w+(?:\[\w+\])?)$", first).groups()
        for item in [name, *rest]:
            stars = item.count("*")
            yield field(f"{kind.strip()} {'*' * stars}".strip(),
                        item.lstrip("*"), enums)
    yield "    ]"


def main():
    text = plain("\n".join(open(p, encoding="utf-8").read()
                           for p in sys.argv[1:]))
    enums, out = set(), []
    for kind, name, body in BLOCK.findall(text):
        if kind == "enum":
            enums.add(name)
            out += enum_lines(body)
    for kind, name, body in BLOCK.findall(text):
        if kind == "struct":
            out += ["", "", *struct_lines(name, body, enums)]
    if not out:
        sys.exit("make_abi.py: nothing found in " + " ".join(sys.argv[1:]))
    print('"""Made by make_abi.py from the public headers: do not edit."""')
    print("from ctypes import (Structure, c_bool, c_char, c_char_p, c_double, "
          "c_float, c_int,\n                    c_int32, c_int64, c_size_t, "
          "c_uint8, c_uint16, c_uint32,\n                    c_uint64, "
          "c_void_p)\n")
    print("\n".join(out))


if __name__ == "__main__":
    main()
