"""Records in configured.json what transformers' AutoTokenizer makes of a tokenizer and the files beside it.

    python make_configured.py

Run it once with transformers 4 (4.57 and tokenizers 0.22 wrote what is here) and once with transformers 5 (5.24, tokenizers
0.23); each run keeps the rows of the other. A case is a folder of this directory, another one whose tokenizer.model is put
beside its files ("beside"), members of its tokenizer.json that are replaced ("json"), and the files put beside it ("files";
config.json always). A row holds, for each of "texts", the ids, the
ids with special tokens where those are others, and the text decoded without special tokens where that is another one; null
where that version does not open the folder. "follows" is the version whose rows hold for us where the two differ, with a notice if "notice" is
true.
"""

import json
import os
import shutil
import tempfile
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
import transformers  # noqa: E402

HERE = Path(__file__).resolve().parent
FILE = HERE / "configured.json"
TEXTS = ["Hello <s>.", "a </s> b</s>c", "the  quick [NEW]  brown <usr2>fox", " lead", " <|im_end|> word  <|im_start|>x",
         "<extra> A<extra2>", "Sextra Tthe", "x  12345 <repo_name>!", " </s> <s>", " ", "a<|im_end|>  <extra2>  b"]


def token(content, **flags):
    return {"content": content, "lstrip": False, "rstrip": False, "normalized": False, "single_word": False,
            "special": True} | flags


LLAMA = {"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
NAMES = {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "unk_token": "<|endoftext|>"}
FAST = NAMES | {"tokenizer_class": "PreTrainedTokenizerFast"}
GPT2 = NAMES | {"tokenizer_class": "GPT2Tokenizer"}
PIECES = {"0": token("<unk>"), "1": token("<s>"), "2": token("</s>")}
TOKENS = {"0": token("<|endoftext|>"), "1": token("<|im_start|>"), "2": token("<|im_end|>"), "3": token("<repo_name>")}
CASES = {}


def case(name, base, config=None, follows=None, notice=True, json=None, beside=None, **files):
    files = {key.replace("__", "."): value for key, value in files.items()}
    files["config.json"] = {"model_type": "gpt2" if base == "gpt2" else "llama"}
    if config is not None:
        files["tokenizer_config.json"] = config
    CASES[name] = {"base": base, "json": json or {}, "files": files, "follows": follows, "notice": notice}
    if beside:
        CASES[name]["beside"] = beside


def with_decoder(config, changes=None, base=None, **more):
    return config | {"added_tokens_decoder": (base or TOKENS) | (changes or {})} | more


def byte_level(prefix):
    return {"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True, "use_regex": True}}


def added(*plain):
    return {"added_tokens": [{"id": int(key)} | value | {"special": int(key) not in plain}
                             for key, value in TOKENS.items()]}


def added_token_cases():
    for flag in ("lstrip", "rstrip", "single_word", "normalized"):
        case(f"flag {flag}", "smollm", with_decoder(FAST, {"2": token("<|im_end|>", **{flag: True})}))
        case(f"piece with {flag}", "llama2_metaspace",
             with_decoder(LLAMA, {"2": token("</s>", **{flag: True})}, PIECES))
    case("strips both ends", "llama2_metaspace",
         with_decoder(LLAMA, {"2": token("</s>", lstrip=True, rstrip=True)}, PIECES))
    case("not special any more", "smollm", with_decoder(FAST, {"3": token("<repo_name>", special=False)}))
    case("special by its name", "smollm", FAST, json=added(2, 3))
    case("special by its name, with decoder", "smollm",
         with_decoder(FAST, {"2": token("<|im_end|>", special=False), "3": token("<repo_name>", special=False)}),
         json=added(2, 3))
    case("special by the decoder", "smollm", with_decoder(FAST), json=added(2, 3))
    case("only in the decoder", "smollm",
         with_decoder(FAST, {"900": token("<extra>"), "901": token("<extra2>", lstrip=True, special=False)}))
    case("another id in the decoder", "smollm", with_decoder(FAST, {"950": token("<extra>")}))
    case("a taken id in the decoder", "smollm", with_decoder(FAST, {"3": token("<extra>")}))
    case("a word of the vocabulary", "smollm", with_decoder(FAST, {"54": token("S")}))
    case("left out of the decoder", "smollm", FAST | {"added_tokens_decoder": {"0": TOKENS["0"]}})
    case("additional special tokens", "smollm", with_decoder(FAST, additional_special_tokens=["<|im_end|>", "<extra>"]))
    case("additional special tokens of pieces", "llama2_metaspace",
         with_decoder(LLAMA, base=PIECES, additional_special_tokens=["<extra2>", "<extra>"]))
    case("extra special tokens with names", "smollm",
         with_decoder(FAST, extra_special_tokens={"image_token": "<extra>"}))
    case("extra special tokens as a list", "smollm", with_decoder(FAST, extra_special_tokens=["<extra>"]), 5, False)
    case("a token of the model", "smollm", with_decoder(FAST, image_token="<extra>"), 4)
    case("a new padding token", "smollm", with_decoder(FAST, pad_token="<extra>"))
    case("a typed padding token", "smollm", FAST | {"pad_token": {"__type": "AddedToken"} | token("<extra2>", lstrip=True)})
    case("several new tokens", "smollm", FAST | {"mask_token": "<extra>", "cls_token": "<extra2>", "pad_token": "[NEW]"})
    case("a word as padding", "smollm", FAST | {"pad_token": "the"})
    case("special tokens stay text", "smollm", with_decoder(FAST, split_special_tokens=True))


def older_file_cases():
    tokens = {"pad_token": "<extra>", "eos_token": "<|endoftext|>"}
    case("special_tokens_map has the last word", "smollm", FAST, special_tokens_map__json=tokens)
    case("special_tokens_map beside a decoder", "smollm", with_decoder(FAST), special_tokens_map__json=tokens)
    case("special_tokens_map with flags", "smollm", FAST,
         special_tokens_map__json={"eos_token": token("<|im_end|>", lstrip=True), "pad_token": token("<extra>", rstrip=True)})
    case("special_tokens_map with more tokens", "smollm", FAST,
         special_tokens_map__json={"additional_special_tokens": ["<extra2>", "<extra>"]})
    case("added_tokens.json", "smollm", FAST | {"pad_token": "<extra2>"}, added_tokens__json={"<extra2>": 901, "<extra>": 900})
    case("added_tokens.json beside a decoder", "smollm", with_decoder(FAST), added_tokens__json={"<extra>": 900})


def class_cases():
    for prefix in (True, False):
        for told in (True, False, None):
            config = with_decoder(GPT2, **({} if told is None else {"add_prefix_space": told}))
            case(f"ByteLevel {prefix}, GPT2Tokenizer {told}", "smollm", config, json=byte_level(prefix))
            config = with_decoder(FAST, **({} if told is None else {"add_prefix_space": told}))
            case(f"ByteLevel {prefix}, PreTrainedTokenizerFast {told}", "smollm", config, 5, json=byte_level(prefix))
    case("GPT2Tokenizer with digits", "smollm", with_decoder(GPT2), 4)
    case("GPT2Tokenizer with a prefix and digits", "smollm", with_decoder(GPT2, add_prefix_space=True), 4)
    case("GPT2Tokenizer without the decoder's token", "smollm", GPT2 | {"added_tokens_decoder": {"0": TOKENS["0"]}}, 4,
         json=byte_level(False))
    for flags in ({"add_eos_token": True}, {"add_bos_token": True}, {"add_bos_token": False, "add_eos_token": True}):
        name = ", ".join(f"{key} {value}" for key, value in flags.items())
        case(f"PreTrainedTokenizerFast, {name}", "llama2_metaspace",
             with_decoder(LLAMA, base=PIECES, tokenizer_class="PreTrainedTokenizerFast", **flags))
        case(f"GPT2Tokenizer, {name}", "smollm", with_decoder(GPT2, **flags), json=byte_level(False))
        case(f"LlamaTokenizer, {name}", "llama2_metaspace", with_decoder(LLAMA, base=PIECES, **flags), 5)
    case("Llama 3 as LlamaTokenizer", "llama3",
         {"tokenizer_class": "LlamaTokenizer", "bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>",
          "unk_token": "<|end_of_text|>"})
    for legacy in (True, False, None):
        flags = {} if legacy is None else {"legacy": legacy}
        case(f"older Llama 2, legacy {legacy}", "llama2", with_decoder(LLAMA, base=PIECES, **flags), 4)
        case(f"newer Llama 2, legacy {legacy}", "llama2_metaspace", with_decoder(LLAMA, base=PIECES, **flags), 4)
        case(f"PreTrainedTokenizerFast, legacy {legacy}", "llama2",
             with_decoder(LLAMA, base=PIECES, tokenizer_class="PreTrainedTokenizerFast", **flags))
    case("PreTrainedTokenizerFast, add_prefix_space False", "llama2_metaspace",
         with_decoder(LLAMA, base=PIECES, tokenizer_class="PreTrainedTokenizerFast", add_prefix_space=False))


def other_format_cases():
    new = with_decoder(LLAMA, base=PIECES, legacy=False, add_bos_token=True)
    case("tokenizer.model", "sentencepiece", new)
    case("tokenizer.model without decoder", "sentencepiece", LLAMA | {"legacy": False, "add_bos_token": True})
    case("tokenizer.model and EOS", "sentencepiece", new | {"add_eos_token": True})
    case("tokenizer.model without prefix", "sentencepiece", new | {"add_prefix_space": False})
    for flag in ("lstrip", "rstrip", "normalized"):
        case(f"tokenizer.model, {flag}", "sentencepiece",
             with_decoder(new, {"2": token("</s>", **{flag: True})}, PIECES))
    case("tokenizer.model and more tokens", "sentencepiece",
         with_decoder(new, {"900": token("<extra>"), "901": token("<extra2>", special=False)}, PIECES))
    case("tokenizer.model and a padding token", "sentencepiece", new | {"pad_token": "<extra>"})
    case("tokenizer.model and additional tokens", "sentencepiece", new | {"additional_special_tokens": ["<extra>"]})
    case("tokenizer.model and a map", "sentencepiece", LLAMA | {"legacy": False, "add_bos_token": True},
         special_tokens_map__json={"pad_token": "<extra>"})
    case("tokenizer.model alone", "sentencepiece", follows=4)
    for legacy in (True, None):
        flags = {} if legacy is None else {"legacy": legacy}
        case(f"tokenizer.model, legacy {legacy}", "sentencepiece",
             with_decoder(LLAMA, base=PIECES, add_bos_token=True, **flags), 4)
    case("vocab.json alone", "gpt2")
    case("vocab.json and a prefix", "gpt2", {"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": True})
    case("vocab.json and BOS", "gpt2", {"tokenizer_class": "GPT2Tokenizer", "add_bos_token": True})
    case("vocab.json and EOS", "gpt2", {"tokenizer_class": "GPT2Tokenizer", "add_eos_token": True}, 5)
    case("vocab.json and a padding token", "gpt2", {"tokenizer_class": "GPT2Tokenizer", "pad_token": "<extra>"})
    case("vocab.json and a decoder", "gpt2",
         {"tokenizer_class": "GPT2Tokenizer",
          "added_tokens_decoder": {"900": token("<|endoftext|>", lstrip=True), "901": token("<extra>", rstrip=True)}})


def prefix_cases():
    """add_prefix_space and the flags of BOS and EOS for a LlamaTokenizer, with and without a tokenizer.model."""
    for legacy in (True, False, None):
        flags = {} if legacy is None else {"legacy": legacy}
        for prefix in (True, False):
            config = with_decoder(LLAMA, base=PIECES, add_prefix_space=prefix, **flags)
            agree = not prefix or legacy is False
            for base in ("llama2_metaspace", "llama2"):
                name = f"{base}, legacy {legacy}, add_prefix_space {prefix}"
                case(f"{name}, with tokenizer.model", base, config, None if agree else 5, beside="sentencepiece")
                case(f"{name}, without", base, config, 5)
            case(f"legacy {legacy}, add_prefix_space {prefix}, with tokenizer.model, without a class", "llama2_metaspace",
                 {key: value for key, value in config.items() if key != "tokenizer_class"},
                 None if prefix and legacy is False else 5, beside="sentencepiece")
        for bos, eos in ((False, False), (True, True)):
            case(f"older Llama 2, legacy {legacy}, add_bos_token {bos}, add_eos_token {eos}", "llama2",
                 with_decoder(LLAMA, base=PIECES, add_bos_token=bos, add_eos_token=eos, **flags), 4)
    case("Llama 2 without a prefix and BOS, with tokenizer.model", "llama2_metaspace",
         with_decoder(LLAMA, base=PIECES, legacy=False, add_prefix_space=False, add_bos_token=False), 5,
         beside="sentencepiece")
    for legacy in (True, False, None):
        for prefix in (None, False):
            config = with_decoder(LLAMA, base=PIECES, add_bos_token=True, add_prefix_space=prefix, legacy=legacy)
            agree = prefix is False and legacy is False
            follows = 4 if prefix is False else 5
            case(f"tokenizer.model, legacy {legacy}, add_prefix_space {prefix}, as written", "sentencepiece", config,
                 None if agree else follows)
            config = {key: value for key, value in config.items() if key != "tokenizer_class"}
            case(f"tokenizer.model, legacy {legacy}, add_prefix_space {prefix}, without a class", "sentencepiece", config,
                 follows)
    case("tokenizer.model, add_prefix_space None, no add_bos_token", "sentencepiece",
         with_decoder(LLAMA, base=PIECES, add_prefix_space=None, legacy=False), 5)
    case("tokenizer.model, legacy None without a class", "sentencepiece",
         {key: value for key, value in LLAMA.items() if key != "tokenizer_class"} | {"legacy": None, "add_bos_token": True}, 4)


def template_cases():
    ours = {"chat_template": "config {{ bos_token }}{{ messages[0].content }}"}
    jinja = "jinja {{ eos_token }}{{ messages[0].content }}"
    named = {"chat_template": [{"name": "tool_use", "template": "tools"}, {"name": "default", "template": "named {{ bos_token }}"}]}
    processor = {"chat_template": "processor {{ bos_token }}"}
    case("template of the config", "smollm", FAST | ours)
    case("template of a file", "smollm", FAST | ours, chat_template__jinja=jinja)
    case("named templates", "smollm", FAST | named)
    case("named templates and a file", "smollm", FAST | named, chat_template__jinja=jinja)
    case("template of a processor", "smollm", FAST | ours, chat_template__json=processor)
    case("tokens in a template", "smollm",
         FAST | {"chat_template": "{{ image_token }}{{ pad_token }}{{ sep_token }}", "pad_token": "<extra2>",
                 "extra_special_tokens": {"image_token": "<extra>"}})


def row(folder):
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    except Exception:
        return None
    texts = []
    for text in TEXTS:
        ids = tokenizer(text, add_special_tokens=False).input_ids
        special = tokenizer(text).input_ids
        decoded = tokenizer.decode(ids, skip_special_tokens=True)
        texts.append({"ids": ids} | ({} if special == ids else {"special": special})
                     | ({} if decoded == text else {"decoded": decoded}))
    result = {"size": len(tokenizer), "bos": tokenizer.bos_token_id, "eos": tokenizer.eos_token_id, "texts": texts}
    if tokenizer.chat_template:
        result["chat"] = tokenizer.apply_chat_template([{"role": "user", "content": "hi"}], tokenize=False)
    return result


def main():
    transformers.logging.set_verbosity_error()
    for make in (added_token_cases, older_file_cases, class_cases, other_format_cases, prefix_cases, template_cases):
        make()
    version = transformers.__version__.split(".")[0]
    known = {entry["name"]: entry for entry in json.loads(FILE.read_text())["cases"]} if FILE.exists() else {}
    lines = []
    for name, entry in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            for file in (HERE / entry["base"]).iterdir():
                if file.name in ("tokenizer.json", "tokenizer.model", "vocab.json", "merges.txt"):
                    shutil.copy(file, folder)
            if "beside" in entry:
                shutil.copy(HERE / entry["beside"] / "tokenizer.model", folder)
            if entry["json"]:
                path = Path(folder) / "tokenizer.json"
                path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | entry["json"]))
            for file, content in entry["files"].items():
                (Path(folder) / file).write_text(content if isinstance(content, str) else json.dumps(content))
            rows = {version: row(folder)}
        other = {"4": "5", "5": "4"}[version]
        previous = known.get(name, {}).get("rows", {})
        if "same" in previous or other in previous:
            rows[other] = previous.get("same", previous.get(other))
        if len(rows) == 2 and rows["4"] == rows["5"]:
            rows = {"same": rows["4"]}
        elif len(rows) == 2 and entry["follows"] is None:
            raise SystemExit(f"{name}: the two versions differ; say which one holds")
        lines.append(json.dumps({"name": name} | entry | {"rows": rows}, separators=(",", ":")))
    FILE.write_text('{"texts": ' + json.dumps(TEXTS) + ', "cases": [\n' + ",\n".join(lines) + "\n]}\n")


main()
