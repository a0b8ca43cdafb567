"""Trains the small tokenizers of this folder and records what the reference libraries make of corpus.jsonl.

    python make_references.py DEMO_MODEL.gguf [NAME…]

With names it makes only those of words, cuts, punctuation, sentencepiece_rules and gguf_default. Needs tokenizers 0.23, sentencepiece
0.2, gguf 0.19, transformers 5 (other versions may train other vocabularies; the tests only read what is written here). Every NAME/expected.json holds, for each line of the corpus, the ids with and without special
tokens, and the decoded text where it differs from the line (null: not comparable); long lists of ids are replaced by their SHA-256 over
int32 little-endian. "random" holds random ids and what they decode to.
"""

import collections
import hashlib
import io
import json
import random
import struct
import sys
import tempfile
import unicodedata
from pathlib import Path

import gguf
import sentencepiece
from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors,
                        trainers)
from transformers.utils.chat_template_utils import _compile_jinja_template

HERE = Path(__file__).resolve().parent
CORPUS = [json.loads(line) for line in (HERE / "corpus.jsonl").read_text(encoding="utf-8").split("\n") if line]
PROMPTS = [
    json.loads(line).get("text") or json.loads(line)["messages"][0]["content"]
    for name in ("base", "stress", "semantic", "refusal")
    for line in (HERE.parents[2] / "resources" / "prompts" / f"{name}.jsonl").read_text(encoding="utf-8").split("\n")
    if line
]
TRAINING = [text for text in CORPUS if len(text) < 400] * 2 + PROMPTS * 3
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
LONG = 200
CHATS = [
    [{"role": "user", "content": "Hello, who are you?"}],
    [{"role": "system", "content": "You answer in one word."}, {"role": "user", "content": " 2+2=\n"}],
    [{"role": "user", "content": "A <|im_end|> inside {{ x }} é 😀"}, {"role": "assistant", "content": "B"},
     {"role": "user", "content": ""}],
]


def digest(ids):
    return {"count": len(ids), "sha256": hashlib.sha256(struct.pack(f"<{len(ids)}i", *ids)).hexdigest()}


def packed(ids):
    return ids if len(ids) <= LONG else digest(ids)


def record(folder, encode, decode, size, seed=7):
    """encode(text, special) and decode(ids, skip) are the reference's."""
    lines = []
    for text in CORPUS:
        ids = encode(text, False)
        entry = {"ids": packed(ids)}
        with_special = encode(text, True)
        if with_special != ids:
            entry["special"] = packed(with_special)
        for key, skip in (("decoded", False), ("decoded_without_special", True)):
            decoded = decode(ids, skip)
            if decoded is None:
                entry[key] = None
            elif decoded != text:
                entry[key] = decoded if len(decoded) <= 2 * LONG else hashlib.sha256(decoded.encode()).hexdigest()
        lines.append(entry)
    generator = random.Random(seed)
    rows = []
    for _ in range(40):
        ids = [generator.randrange(size) for _ in range(generator.randrange(1, 12))]
        rows.append({"ids": ids, "decoded": decode(ids, False), "decoded_without_special": decode(ids, True)})
    with open(HERE / folder / "expected.json", "w", encoding="utf-8") as file:
        file.write('{"lines": [\n')
        file.write(",\n".join(json.dumps(line, separators=(",", ":")) for line in lines))
        file.write('\n], "random": [\n')
        file.write(",\n".join(json.dumps(row, separators=(",", ":")) for row in rows))
        file.write("\n]}\n")


def record_tokenizer(folder, tokenizer):
    record(folder, lambda text, special: tokenizer.encode(text, add_special_tokens=special).ids,
           lambda ids, skip: tokenizer.decode(ids, skip_special_tokens=skip), tokenizer.get_vocab_size())


def save(folder, tokenizer, legacy_merges=False):
    (HERE / folder).mkdir(exist_ok=True)
    value = json.loads(tokenizer.to_str())
    if legacy_merges:
        value["model"]["merges"] = [" ".join(pair) for pair in value["model"]["merges"]]
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    (HERE / folder / "tokenizer.json").write_text(text + "\n", encoding="utf-8")
    tokenizer = Tokenizer.from_str(text)
    record_tokenizer(folder, tokenizer)
    return tokenizer


def train(pre_tokenizer, specials, size, **model):
    tokenizer = Tokenizer(models.BPE(**model))
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        TRAINING,
        trainers.BpeTrainer(vocab_size=size, special_tokens=specials, show_progress=False,
                            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    return tokenizer


def gpt2():
    tokenizer = train(pre_tokenizers.ByteLevel(add_prefix_space=False), [], 900)
    tokenizer.add_special_tokens(["<|endoftext|>"])
    value = json.loads(tokenizer.to_str())
    folder = HERE / "gpt2"
    folder.mkdir(exist_ok=True)
    vocabulary = dict(value["model"]["vocab"])
    vocabulary["<|endoftext|>"] = tokenizer.token_to_id("<|endoftext|>")
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    merges = [" ".join(pair) for pair in value["model"]["merges"]]
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2"] + merges) + "\n", encoding="utf-8")
    record_tokenizer("gpt2", tokenizer)


def smollm():
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<repo_name>"]
    tokenizer = train(
        pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                 pre_tokenizers.ByteLevel(add_prefix_space=False)]), specials, 900)
    save("smollm", tokenizer)


def llama3():
    pre = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(LLAMA3), "isolated"),
                                   pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer = train(pre, [], 900)
    # Words that no merges lead to: only ignore_merges finds them.
    value = json.loads(tokenizer.to_str())
    for word in ("Hello", "\u0120verification", "\u0120samples", "123"):
        if word not in value["model"]["vocab"]:
            value["model"]["vocab"][word] = len(value["model"]["vocab"])
    value["model"]["ignore_merges"] = True
    tokenizer = Tokenizer.from_str(json.dumps(value))
    tokenizer.add_special_tokens(["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>",
                                  "<|eot_id|>"])
    bos = tokenizer.token_to_id("<|begin_of_text|>")
    tokenizer.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(single="<|begin_of_text|> $A", pair="<|begin_of_text|> $A $B",
                                      special_tokens=[("<|begin_of_text|>", bos)])])
    save("llama3", tokenizer, legacy_merges=True)


def splits():
    """Split with every behaviour, patterns of other model families, NFC."""
    pre = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(r"\p{N}{1,3}"), "isolated"),
        pre_tokenizers.Split(Regex("[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+"), "isolated"),
        pre_tokenizers.Split(Regex(r"[\s\S]x"), "merged_with_previous"),
        pre_tokenizers.Split(",", "merged_with_next"),
        pre_tokenizers.Split(Regex(r"[!?]"), "contiguous"),
        pre_tokenizers.Split("~", "removed"),
        pre_tokenizers.Split(Regex(O200K), "removed", invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer = train(pre, ["<|endoftext|>"], 700)
    tokenizer.normalizer = normalizers.NFC()
    save("splits", tokenizer)


def odd():
    """Everything that no famous model uses together: flags of added tokens, normalisers, Metaspace with splitting."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase(),
                                                 normalizers.Replace(Regex(r"-{2,}"), "\u2014"),
                                                 normalizers.Strip(left=False, right=True)])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Metaspace(prepend_scheme="always"),
                                                       pre_tokenizers.Digits(individual_digits=False)])
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    counts = collections.Counter("".join(tokenizer.normalizer.normalize_str(text) for text in TRAINING) + "\u2581" * 10**6)
    alphabet = [c for c, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if c != " "][:150]
    tokenizer.train_from_iterator(TRAINING, trainers.BpeTrainer(vocab_size=700, special_tokens=["<unk>", "<s>", "</s>"],
                                                                initial_alphabet=alphabet, limit_alphabet=150,
                                                                show_progress=False))
    tokenizer.add_special_tokens([AddedToken("[MASK]", lstrip=True, normalized=False, special=True),
                                  AddedToken("<sep>", rstrip=True, lstrip=True, normalized=False, special=True)])
    tokenizer.add_tokens([AddedToken("word", single_word=True, normalized=True),
                          AddedToken("CamelCase", normalized=True), AddedToken("quick brown", normalized=False)])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A $B </s>",
        special_tokens=[("<s>", tokenizer.token_to_id("<s>")), ("</s>", tokenizer.token_to_id("</s>"))])
    save("odd", tokenizer)
    value = json.loads(tokenizer.to_str())
    value["model"]["fuse_unk"] = True
    value["normalizer"] = {"type": "NFKD"}
    value["pre_tokenizer"] = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
    value["decoder"] = None
    save("odd_fused", Tokenizer.from_str(json.dumps(value)))


def words():
    """Runs of word characters and the rest, without white space; a post-processor of an older form."""
    pre = pre_tokenizers.Whitespace()
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    tokenizer.pre_tokenizer = pre
    tokenizer.train_from_iterator(TRAINING, trainers.BpeTrainer(vocab_size=700, limit_alphabet=150, show_progress=False,
                                                                special_tokens=["<unk>", "<s>", "</s>"]))
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 1))
    save("words", tokenizer)


def cuts():
    """Cuts at a character, at white space and around punctuation, dropping the first two."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.CharDelimiterSplit("_"),
                                                       pre_tokenizers.WhitespaceSplit(),
                                                       pre_tokenizers.Punctuation("merged_with_previous")])
    tokenizer.train_from_iterator(TRAINING, trainers.BpeTrainer(vocab_size=700, limit_alphabet=150, show_progress=False,
                                                                special_tokens=["<unk>", "<s>", "</s>"]))
    tokenizer.post_processor = processors.BertProcessing(("</s>", 2), ("<s>", 1))
    save("cuts", tokenizer)


def punctuation():
    """Punctuation in front of GPT-2's expression, digits in threes, as Falcon does it."""
    pre = pre_tokenizers.Sequence([pre_tokenizers.Punctuation("contiguous"),
                                   pre_tokenizers.ByteLevel(add_prefix_space=False),
                                   pre_tokenizers.Digits(individual_digits=False),
                                   pre_tokenizers.Split(Regex("[0-9][0-9][0-9]"), "isolated")])
    save("punctuation", train(pre, ["<|endoftext|>"], 700))


def sentencepiece_rules():
    """A normalisation map of the characters of the corpus: NFKC, composed pairs, dropped controls, white space."""
    text = "".join(CORPUS)
    rules = {"\t": " ", "\n": " ", "\u00a0": " ", "\u200b": "", "\x07": "", "\ufb01": "fi", "\uff41": "a",
             "\ufdfa": unicodedata.normalize("NFKC", "\ufdfa"), "\u30ab\u3099": "\u30ac", "\u30ab": "ka"}
    for source in set(text) | {a + b for a, b in zip(text, text[1:]) if unicodedata.combining(b)}:
        if unicodedata.normalize("NFKC", source) != source:
            rules.setdefault(source, unicodedata.normalize("NFKC", source))
    with tempfile.NamedTemporaryFile("w", suffix=".tsv", encoding="utf-8") as file:
        for source, target in sorted(rules.items()):
            file.write(" ".join(f"{ord(c):X}" for c in source) + "\t" + " ".join(f"{ord(c):X}" for c in target) + "\n")
        file.flush()
        processor = train_sentencepiece("sentencepiece_rules", vocab_size=600, normalization_rule_name="",
                                        normalization_rule_tsv=file.name, remove_extra_whitespaces=True,
                                        user_defined_symbols=["<usr>", "\u00bd"])
    record_sentencepiece("sentencepiece_rules", processor)


def train_sentencepiece(name, **options):
    (HERE / name).mkdir(exist_ok=True)
    model = io.BytesIO()
    settings = dict(model_type="bpe", vocab_size=900, character_coverage=0.98, byte_fallback=True,
                    normalization_rule_name="identity", remove_extra_whitespaces=False, split_digits=True,
                    allow_whitespace_only_pieces=True, minloglevel=2)
    settings.update(options)
    # Prompts weigh so much that rare characters of the corpus stay out of the vocabulary.
    lines = [line for text in TRAINING + PROMPTS * 8 for line in text.split("\n") if line and "\0" not in line]
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(lines), model_writer=model, **settings)
    (HERE / name / "tokenizer.model").write_bytes(model.getvalue())
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())


def special_ids(processor, ids):
    return [processor.bos_id()] + ids if processor.bos_id() >= 0 else ids


def record_sentencepiece(name, processor):
    def decode(ids, skip):
        # SentencePiece prints nothing for control pieces, " \u2047 " for unknown ones and replaces invalid bytes one by
        # one; our decoder does in these cases what Llama 2's tokenizer.json does. Nothing to compare then.
        if any(processor.is_unknown(index) or processor.is_control(index) for index in ids):
            return None
        text = processor.decode(ids)
        return None if "\ufffd" in text else text

    record(name, lambda text, special: special_ids(processor, processor.encode(text)) if special
           else processor.encode(text), decode, processor.vocab_size())


def pieces(processor):
    from sentencepiece import sentencepiece_model_pb2
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(processor.serialized_model_proto())
    return [(piece.piece, piece.score, piece.type) for piece in proto.pieces]


def llama2(processor):
    """The way Llama 2's tokenizer.model is converted to tokenizer.json: older and newer form."""
    entries = pieces(processor)
    vocabulary = {text: index for index, (text, _, _) in enumerate(entries)}
    merges = []
    for text, score, _ in entries:
        for cut in range(1, len(text)):
            if text[:cut] in vocabulary and text[cut:] in vocabulary:
                merges.append((-score, vocabulary[text[:cut]], vocabulary[text[cut:]], text[:cut], text[cut:]))
    merges.sort()
    merges = [(left, right) for _, _, _, left, right in merges]

    def build():
        tokenizer = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
        tokenizer.add_special_tokens([AddedToken(text, normalized=False, special=True)
                                      for text in ("<unk>", "<s>", "</s>")])
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", vocabulary["<s>"])])
        tokenizer.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(),
                                               decoders.Fuse(), decoders.Strip(" ", 1, 0)])
        return tokenizer

    older = build()
    older.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    older = save("llama2", older, legacy_merges=True)
    newer = build()
    newer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    save("llama2_metaspace", newer)
    return older


def write_gguf(folder, entries, model, pre=None, merges=None, scores=True):
    writer = gguf.GGUFWriter(HERE / folder / "tokenizer.gguf", "llama")
    writer.add_tokenizer_model(model)
    if pre:
        writer.add_tokenizer_pre(pre)
    writer.add_token_list([text for text, _, _ in entries])
    if scores:
        writer.add_token_scores([score for _, score, _ in entries])
    writer.add_token_types([kind for _, _, kind in entries])
    if merges:
        writer.add_token_merges(merges)
    return writer


def finish_gguf(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def gguf_llama(processor, older):
    """The same vocabulary as llama2: the file's reference is the conversion that older writes."""
    (HERE / "gguf_llama").mkdir(exist_ok=True)
    writer = write_gguf("gguf_llama", pieces(processor), "llama")
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_chat_template("{% for m in messages %}{{ bos_token }}{{ m.content }}{{ eos_token }}{% endfor %}")
    finish_gguf(writer)
    record_tokenizer("gguf_llama", older)


def gguf_llama3():
    (HERE / "gguf_llama3").mkdir(exist_ok=True)
    value = json.loads((HERE / "llama3" / "tokenizer.json").read_text(encoding="utf-8"))
    added = {token["id"]: token["content"] for token in value["added_tokens"]}
    texts = {index: text for text, index in value["model"]["vocab"].items()} | added
    entries = [(texts[index], 0.0, 3 if index in added else 1) for index in range(len(texts))]
    writer = write_gguf("gguf_llama3", entries, "gpt2", "llama-bpe", value["model"]["merges"], scores=False)
    bos = next(index for index, text in added.items() if text == "<|begin_of_text|>")
    writer.add_bos_token_id(bos)
    writer.add_eos_token_id(bos + 1)
    writer.add_eot_token_id(bos + 4)
    finish_gguf(writer)
    record_tokenizer("gguf_llama3", Tokenizer.from_file(str(HERE / "llama3" / "tokenizer.json")))


def gguf_default():
    """A GGUF that does not name its split: llama.cpp then applies these four expressions, one after the other."""
    gpt2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    tokenizer = train(pre_tokenizers.ByteLevel(add_prefix_space=False), specials, 900) # words that the split cuts
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(expression), "isolated")
         for expression in (r"[\p{P}\$\+<=>\^~\|]+", gpt2, r"\p{N}+", "[0-9][0-9][0-9]")]
        + [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    model = json.loads(tokenizer.to_str())["model"]
    texts = {index: text for text, index in model["vocab"].items()}
    entries = [(texts[index], 0.0, 3 if index < len(specials) else 1) for index in range(len(texts))]
    (HERE / "gguf_default").mkdir(exist_ok=True)
    writer = write_gguf("gguf_default", entries, "gpt2", None, [" ".join(pair) for pair in model["merges"]], scores=False)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    finish_gguf(writer)
    record_tokenizer("gguf_default", tokenizer)


def demo(path):
    fields = gguf.GGUFReader(path).fields
    tokens = fields["tokenizer.ggml.tokens"].contents()
    types = fields["tokenizer.ggml.token_type"].contents()
    merges = fields["tokenizer.ggml.merges"].contents()
    tokenizer = Tokenizer(models.BPE(vocab={text: index for index, text in enumerate(tokens)},
                                     merges=[tuple(merge.split(" ")) for merge in merges]))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                                       pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(text, normalized=False, special=True)
                                  for text, kind in zip(tokens, types) if kind == 3])
    (HERE / "demo").mkdir(exist_ok=True)
    record_tokenizer("demo", tokenizer)
    template = _compile_jinja_template(fields["tokenizer.chat_template"].contents())
    rows = []
    for number, chat in enumerate(CHATS):
        rendered = template.render(messages=chat, add_generation_prompt=number % 2 == 0, tools=None, documents=None,
                                   bos_token=tokens[1], eos_token=tokens[2])
        rows.append({"messages": chat, "generation": number % 2 == 0, "rendered": rendered,
                     "ids": tokenizer.encode(rendered, add_special_tokens=False).ids})
    (HERE / "demo" / "chat.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def main():
    if len(sys.argv) > 2:
        for name in sys.argv[2:]:
            {"words": words, "cuts": cuts, "punctuation": punctuation, "sentencepiece_rules": sentencepiece_rules,
             "gguf_default": gguf_default}[name]()
        return
    gpt2()
    smollm()
    llama3()
    splits()
    odd()
    processor = train_sentencepiece("sentencepiece")
    record_sentencepiece("sentencepiece", processor)
    older = llama2(processor)
    gguf_llama(processor, older)
    gguf_llama3()
    gguf_default()
    unusual = train_sentencepiece("sentencepiece_unusual", vocab_size=500, byte_fallback=False,
                                  remove_extra_whitespaces=True, user_defined_symbols=["<usr>", "fox", "[INST]"],
                                  character_coverage=0.98, bos_id=-1, split_by_whitespace=False,
                                  allow_whitespace_only_pieces=False)
    record_sentencepiece("sentencepiece_unusual", unusual)
    words()
    cuts()
    punctuation()
    sentencepiece_rules()
    demo(sys.argv[1])


main()
