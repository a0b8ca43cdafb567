#!/usr/bin/env python3
"""Records a trace of a model in transformers for `blockcert import trace`: record_trace.py MODEL PROMPTS OUT.safetensors

MODEL is a folder, PROMPTS a .jsonl file with `id` and `text`, `messages` or `token_ids`. Llama and GPT-2 models; docs/trace.md says what is
recorded. Needs torch, transformers and safetensors."""
import argparse, json, torch, transformers
from safetensors.torch import save_file

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("model"), parser.add_argument("prompts"), parser.add_argument("out")
parser.add_argument("--dtype", default="float32", choices=["float32", "float16", "bfloat16"])
parser.add_argument("--blocks", default="all", help="all, or 0-based numbers such as 0,5")
parser.add_argument("--max-tokens", type=int, default=256)
parser.add_argument("--no-sublayers", action="store_true", help="leave out the outputs of attention and MLP")
options = parser.parse_args()

dtype = getattr(torch, options.dtype)
model = transformers.AutoModelForCausalLM.from_pretrained(
    options.model, dtype=dtype, attn_implementation="eager", local_files_only=True).eval()
layers = model.transformer.h if hasattr(model, "transformer") else model.model.layers
numbers = [str(block) for block in range(len(layers))] if options.blocks == "all" else options.blocks.split(",")
for block in numbers:
    if not block.isdigit() or int(block) >= len(layers):
        parser.error(f"--blocks: there is no block {block}; the model has 0 to {len(layers) - 1}")
wanted = [int(block) for block in numbers]
lines = [json.loads(line) for line in open(options.prompts, encoding="utf-8") if line.strip()]
for number, line in enumerate(lines):
    if sum(key in line for key in ("text", "messages", "token_ids")) != 1:
        parser.error(f"{options.prompts}, prompt {number}: give one of text, messages and token_ids")
tokenizer = None
if any("token_ids" not in line for line in lines):
    tokenizer = transformers.AutoTokenizer.from_pretrained(options.model, local_files_only=True)
if any("messages" in line for line in lines) and not tokenizer.chat_template:
    parser.error(f"{options.prompts} holds messages, and the model has no chat template; give text instead")
tensors, prefix = {}, ""
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

for number, line in enumerate(lines):
    prefix = f"prompt{number}."
    ids = ids_of(line)
    metadata[prefix + "id"] = line.get("id", f"prompt-{number}")
    if "text" in line and len(ids) <= options.max_tokens:
        metadata[prefix + "text"] = line["text"]
    ids = torch.tensor([ids[: options.max_tokens]])
    with torch.no_grad():
        model(ids, use_cache=False)
    tensors[prefix + "token_ids"] = ids[0].contiguous()
save_file(tensors, options.out, metadata)
print(f"{options.out}: {len(lines)} prompts, {len(wanted)} blocks, {options.dtype}, transformers {transformers.__version__}")
