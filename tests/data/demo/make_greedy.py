"""What transformers answers with the demo model: greedy continuations, per-token losses and token ids.

    python make_greedy.py PATH/SmolLM2-135M-Instruct.Q4_1.gguf

writes greedy.json beside this script. Needs torch, transformers, accelerate and gguf. The model is dequantised to fp32 and
run with eager attention on the CPU.
"""

import hashlib
import json
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

NEW_TOKENS = 32
CHATS = [
    [{"role": "user", "content": "What is the capital of France?"}],
    [{"role": "user", "content": "Write one sentence about the sea."}],
    [{"role": "system", "content": "You answer in French."}, {"role": "user", "content": "Good morning, how are you?"}],
    [{"role": "user", "content": "Name three colours."}, {"role": "assistant", "content": "Red, green and blue."},
     {"role": "user", "content": "And three animals?"}],
]
RAW = [
    "The quick brown fox jumps over the lazy dog. It was the best of times, it was the worst of times.",
    "def fibonacci(n):\n    if n < 2:\n        return n\n    return fibonacci(n - 1) + fibonacci(n - 2)\n",
]


def main(path):
    torch.set_num_threads(2)
    tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    model = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32,
                                                 attn_implementation="eager").eval()
    chats = []
    for messages in CHATS:
        rendered = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        ids = tokenizer(rendered, add_special_tokens=False)["input_ids"]
        new, margins = [], []
        with torch.no_grad():
            while len(new) < NEW_TOKENS:
                logits = model(torch.tensor([ids + new])).logits[0, -1]
                top = torch.topk(logits, 2).values
                margins.append(float(top[0] - top[1]))
                new.append(int(logits.argmax()))
                if new[-1] == tokenizer.eos_token_id:
                    break
        chats.append({"messages": messages, "rendered": rendered, "token_ids": ids, "new_token_ids": new,
                      "new_text": tokenizer.decode(new, skip_special_tokens=True), "smallest_margin": min(margins)})
    raws = []
    for text in RAW:
        ids = tokenizer(text)["input_ids"]
        with torch.no_grad():
            logits = model(torch.tensor([ids])).logits[0]
        nll = torch.nn.functional.cross_entropy(logits[:-1].float(), torch.tensor(ids[1:]), reduction="none")
        raws.append({"text": text, "token_ids": ids, "nll": [float(value) for value in nll],
                     "top1": [int(value) for value in logits.argmax(dim=-1)]})
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    result = {"model": path.name, "sha256": digest, "dtype": "float32", "max_new": NEW_TOKENS, "chats": chats, "raw": raws}
    out = Path(__file__).resolve().parent / "greedy.json"
    out.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
