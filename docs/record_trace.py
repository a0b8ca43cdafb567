#!/usr/bin/env python3
"""Records a trace of a model in transformers for `blockcert import trace`: record_trace.py MODEL PROMPTS OUT.safetensors

MODEL is a folder, PROMPTS a .jsonl file with `id` and `text`, `messages` or `token_ids`. Llama and GPT-2 models; docs/trace.md says what is
recorded. Needs torch, transformers and safetensors. Exit codes: 2 for a wrong request, 3 for a file that cannot be read, 7 for one that
cannot be written."""
import argparse, json, os, sys


def refuse(sentence, code=2):
    print(f"record_trace.py: {sentence}", file=sys.stderr)
    sys.exit(code)


def first_line(problem):
    return (str(problem).strip() or type(problem).__name__).splitlines()[0]


parser = argparse.ArgumentParser(description=__doc__)
parser.error = refuse
parser.add_argument("model"), parser.add_argument("prompts"), parser.add_argument("out")
parser.add_argument("--dtype", default="float32", choices=["float32", "float16", "bfloat16"])
parser.add_argument("--blocks", default="all", help="all, or 0-based numbers such as 0,5")
parser.add_argument("--max-tokens", type=int, default=256, help="cut longer prompts off after so many tokens, and say so")
parser.add_argument("--no-sublayers", action="store_true", help="leave out the outputs of attention and MLP")
options = parser.parse_args()
if options.max_tokens < 1:
    refuse(f"--max-tokens is {options.max_tokens}; give 1 or more")


def read_prompts(path):
    """Lines as dicts, each with one content and an id of its own; what is held out is never used to certify."""
    prompts, ids = [], {}
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().split("\n")
    except (OSError, UnicodeDecodeError) as problem:
        refuse(f"{path} cannot be read: {first_line(problem)}", 3)
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        where = f"{path}, line {number}"
        try:
            line = json.loads(text)
        except ValueError as problem:
            refuse(f"{where} is no JSON ({first_line(problem)}); PROMPTS is a .jsonl file, one object a line", 3)
        if not isinstance(line, dict) or sum(key in line for key in ("text", "messages", "token_ids")) != 1:
            refuse(f"{where}: give one of text, messages and token_ids", 3)
        if "text" in line and not isinstance(line["text"], str):
            refuse(f"{where}: text must be a text", 3)
        if "messages" in line and not (isinstance(line["messages"], list) and line["messages"] and all(
                isinstance(m, dict) and isinstance(m.get("role"), str) and isinstance(m.get("content"), str) for m in line["messages"])):
            refuse(f"{where}: messages must be a list of objects with role and content", 3)
        if "token_ids" in line and not (isinstance(line["token_ids"], list) and line["token_ids"] and all(
                type(token) is int and token >= 0 for token in line["token_ids"])):
            refuse(f"{where}: token_ids must be a list of whole numbers from 0 on", 3)
        name = line.setdefault("id", f"prompt-{len(ids) + 1}")
        if not isinstance(name, str) or not name:
            refuse(f"{where}: id must be a text", 3)
        if name in ids:
            refuse(f"{where} has the id \"{name}\", as line {ids[name]} has; give each prompt an id of its own", 3)
        ids[name] = number
        if line.get("split") != "heldout":
            prompts.append(line)
    if not prompts:
        refuse(f"{path} holds no prompt that may be used to certify", 3)
    return prompts


prompts = read_prompts(options.prompts)
folder = os.path.dirname(os.path.abspath(options.out))
if os.path.isdir(options.out) or not os.path.isdir(folder) or not os.access(folder, os.W_OK):
    refuse(f"{options.out} cannot be written; name a file in a folder that is there", 7)
if not os.path.isdir(options.model):
    refuse(f"{options.model} is no folder; MODEL is one with config.json and weights, as transformers saves them", 3)
try:
    import torch, transformers
    from safetensors.torch import save_file
except ImportError as problem:
    refuse(f"torch, transformers and safetensors are needed ({first_line(problem)}); install them for this Python")

try:
    model = transformers.AutoModelForCausalLM.from_pretrained(
        options.model, dtype=getattr(torch, options.dtype), attn_implementation="eager", local_files_only=True).eval()
except Exception as problem:  # transformers has no type of its own for what it cannot load
    refuse(f"transformers cannot load {options.model}: {first_line(problem)}", 3)
layers = model.transformer.h if hasattr(model, "transformer") and hasattr(model.transformer, "h") else \
    getattr(getattr(model, "model", None), "layers", None)
if not layers or not hasattr(layers[0], "mlp") or not (hasattr(layers[0], "attn") or hasattr(layers[0], "self_attn")):
    refuse(f"{options.model} is a {type(model).__name__}; traces are recorded of Llama and GPT-2 models", 3)
numbers = [str(block) for block in range(len(layers))] if options.blocks == "all" else options.blocks.split(",")
for block in numbers:
    if not block.isdigit() or int(block) >= len(layers):
        refuse(f"--blocks: there is no block {block}; the model has 0 to {len(layers) - 1}")
wanted = [int(block) for block in numbers]
tokenizer = None
if any("token_ids" not in line for line in prompts):
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(options.model, local_files_only=True)
    except Exception as problem:
        refuse(f"transformers cannot load a tokenizer from {options.model}: {first_line(problem)}; give token_ids instead", 3)
if any("messages" in line for line in prompts) and not tokenizer.chat_template:
    refuse(f"{options.prompts} holds messages, and the model has no chat template; give text instead", 3)
limit = min(options.max_tokens, getattr(model.config, "max_position_embeddings", None) or options.max_tokens)
tensors, prefix, cut, lost = {}, "", 0, 0
metadata = {"format": "blockcert.trace/1", "runtime": "transformers", "version": transformers.__version__}


def ids_of(line):
    """As `blockcert` encodes a prompt: text with the tokenizer's special tokens, messages as their template writes them."""
    if "token_ids" in line:
        return line["token_ids"]
    if "text" in line:
        return tokenizer(line["text"])["input_ids"]
    text = tokenizer.apply_chat_template(line["messages"], tokenize=False, add_generation_prompt=True)
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def keep(name, value):
    tensors[prefix + name] = (value[0] if isinstance(value, tuple) else value)[0].detach().clone().contiguous()


def keep_mask(module, arguments, named):
    """What eager attention adds to the scores: 0, or nothing at all, where a token may look. The same in every block."""
    mask, tokens = named.get("attention_mask"), (named.get("hidden_states") if not arguments else arguments[0]).shape[1]
    allowed = torch.ones(tokens, tokens, dtype=torch.bool) if mask is None else \
        (mask if mask.dtype == torch.bool else mask == 0)[0, 0, :tokens, :tokens]
    tensors[prefix + "mask"] = allowed.to(torch.uint8).contiguous()


for index in wanted:
    layer, name = layers[index], f"block{index:02d}."
    attention = layer.attn if hasattr(layer, "attn") else layer.self_attn
    layer.register_forward_pre_hook(lambda _, a, k, n=name: keep(n + "input", a[0] if a else k["hidden_states"]), with_kwargs=True)
    layer.register_forward_hook(lambda _, a, value, n=name: keep(n + "output", value))
    attention.register_forward_pre_hook(keep_mask, with_kwargs=True)
    if not options.no_sublayers:
        attention.register_forward_hook(lambda _, a, value, n=name: keep(n + "attention_output", value))
        layer.mlp.register_forward_hook(lambda _, a, value, n=name: keep(n + "mlp_output", value))

for number, line in enumerate(prompts):
    prefix = f"prompt{number}."
    ids = ids_of(line)
    if not ids:
        refuse(f"the prompt \"{line['id']}\" encodes to no token; remove it", 3)
    metadata[prefix + "id"] = line["id"]
    if "text" in line:
        metadata[prefix + "text"] = line["text"]
    if len(ids) > limit:
        cut, lost = cut + 1, lost + len(ids) - limit
        metadata[prefix + "truncated"] = str(len(ids) - limit)
    ids = torch.tensor([ids[:limit]])
    try:
        with torch.no_grad():
            model(ids, use_cache=False)
    except (IndexError, RuntimeError) as problem:  # ids outside the vocabulary, memory
        refuse(f"the model cannot run the prompt \"{line['id']}\": {first_line(problem)}", 3)
    tensors[prefix + "token_ids"] = ids[0].contiguous()
try:
    save_file(tensors, options.out + ".new", metadata)
    os.replace(options.out + ".new", options.out)
except Exception as problem:  # safetensors has a type of its own, and OSError
    if os.path.exists(options.out + ".new"):
        os.remove(options.out + ".new")
    refuse(f"{options.out} cannot be written: {first_line(problem)}", 7)
if cut:
    print(f"{cut} prompt{' was' if cut == 1 else 's were'} longer than {limit} tokens and lost {lost} token{'' if lost == 1 else 's'} at "
          "the end; the trace and its certificates say so.")
print(f"{options.out}: {len(prompts)} prompts, {len(wanted)} blocks, {options.dtype}, transformers {transformers.__version__}")
