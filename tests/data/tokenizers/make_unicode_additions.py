"""Prints the tables of engine/tokenizer/unicode_additions.cpp and unicode_punctuation.cpp and the digests of
tests/tokenizer/unicode_test.cpp.

Needs tokenizers 0.23 (Oniguruma with Unicode 16) and libpcre2-32 10.42 (Unicode 14). The first table lists what the
former counts to a category and the latter does not, the second what the pre-tokenizer Punctuation cuts at.
"""

import ctypes
import hashlib

from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
CATEGORIES = ["Lu", "Ll", "Lm", "Lo", "Nd", "No", "M", "P", "S"]
PATTERNS = [r"\s", r"\S", r"\d", r"\p{L}", r"\P{N}", r"[^\s\p{L}\p{N}]", r"[\S]", r"\p{Lu}", r"\p{Ll}", r"\p{Lm}",
            r"\p{Lo}", r"\p{M}", r"\p{P}", r"\p{S}", r"."]


def reference_members(pattern):
    splitter = pre_tokenizers.Split(Regex(pattern), "removed", invert=True)
    return {ord(text) for start in range(0, len(CODE_POINTS), 4096)
            for text, _ in splitter.pre_tokenize_str("".join(map(chr, CODE_POINTS[start:start + 4096])))}


def pcre2_members(pattern):
    library = ctypes.CDLL("libpcre2-32.so.0")
    compile_pattern, match = library.pcre2_compile_32, library.pcre2_match_32
    compile_pattern.restype = library.pcre2_match_data_create_from_pattern_32.restype = ctypes.c_void_p
    error, offset = ctypes.c_int(), ctypes.c_size_t()
    units = (ctypes.c_uint32 * len(pattern))(*map(ord, pattern))
    utf_and_ucp = 0x00080000 | 0x00020000
    code = ctypes.c_void_p(compile_pattern(units, ctypes.c_size_t(len(pattern)), ctypes.c_uint32(utf_and_ucp),
                                           ctypes.byref(error), ctypes.byref(offset), None))
    data = ctypes.c_void_p(library.pcre2_match_data_create_from_pattern_32(code, None))
    found = set()
    for c in CODE_POINTS:
        subject = (ctypes.c_uint32 * 1)(c)
        if match(code, subject, ctypes.c_size_t(1), ctypes.c_size_t(0), ctypes.c_uint32(0), data, None) > 0:
            found.add(c)
    return found


def ranges(members):
    result = []
    for c in sorted(members):
        if result and result[-1][1] == c - 1:
            result[-1][1] = c
        else:
            result.append([c, c])
    return result


def digest(lines):
    return hashlib.sha256(b"".join(line + b"\n" for line in lines)).hexdigest()


def members_digest(members):
    return f"{len(members)} {digest(b'%X' % c for c in sorted(members))}"


def main():
    rows = [(first, last, name) for name in CATEGORIES
            for first, last in ranges(reference_members(rf"\p{{{name}}}") - pcre2_members(rf"\p{{{name}}}"))]
    for first, last, name in sorted(rows):
        print(f'{{0x{first:X}, 0x{last:X}, "{name}"}},')
    cut = pre_tokenizers.Punctuation(behavior="isolated")
    punctuation = [c for c in CODE_POINTS if len(cut.pre_tokenize_str(f"a{chr(c)}a")) == 3]
    for first, last in ranges(punctuation):
        print(f"{{0x{first:X}, 0x{last:X}}},")
    print("punctuation", members_digest(punctuation))
    for name in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase"):
        normalise = getattr(normalizers, name)().normalize_str
        print(name, digest(normalise(chr(c)).encode() for c in CODE_POINTS))
    for pattern in PATTERNS:
        print(pattern, members_digest(reference_members(pattern)))
    digits = pre_tokenizers.Digits(individual_digits=True)
    print("numeric", members_digest([c for c in CODE_POINTS if len(digits.pre_tokenize_str(f"aa{chr(c)}aa")) == 3]))
    tokenizer = Tokenizer(models.BPE(vocab={"x": 0}, merges=[]))
    tokenizer.add_tokens([AddedToken("QQ", single_word=True, normalized=False)])
    word = tokenizer.token_to_id("QQ")
    print("word", members_digest([c for c in CODE_POINTS if word not in tokenizer.encode(chr(c) + "QQ").ids]))


main()
