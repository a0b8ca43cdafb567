"""docs/record_trace.py's own decisions, without its libraries: which prompts and blocks it takes, and what it says of others.

Stand-ins for torch, transformers and safetensors hold a model of two blocks that computes nothing; exit code 0 if all is well."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

STANDINS = {
    "torch.py": """
float32 = bool = uint8 = None
class Row(list):
    contiguous = lambda self: self
def tensor(rows): return [Row(row) for row in rows]
class no_grad:
    __enter__ = __exit__ = lambda *_: None
""",
    "transformers.py": """
__version__ = "0"
class Module:
    def register_forward_hook(self, *_, **__): pass
    register_forward_pre_hook = register_forward_hook
class Layer(Module):
    self_attn, mlp = Module(), Module()
class Model:
    layers = [Layer(), Layer()]
    @property
    def model(self): return self
    def eval(self): return self
    def __call__(self, ids, use_cache): pass
class AutoModelForCausalLM:
    from_pretrained = staticmethod(lambda *_, **__: Model())
class Tokenizer:
    chat_template = "a template"
    def __call__(self, text, add_special_tokens=True):
        return {"input_ids": ([1] if add_special_tokens else []) + [ord(c) for c in text]}
    def apply_chat_template(self, messages, tokenize, add_generation_prompt):
        return "<" + messages[0]["content"] + ">"
class AutoTokenizer:
    from_pretrained = staticmethod(lambda *_, **__: Tokenizer())
""",
    "safetensors/__init__.py": "",
    "safetensors/torch.py": "import json\ndef save_file(tensors, path, metadata): json.dump(tensors, open(path, 'w'))\n",
}
script = pathlib.Path(__file__).parents[2] / "docs" / "record_trace.py"
with tempfile.TemporaryDirectory() as folder:
    here = pathlib.Path(folder)
    for name, text in STANDINS.items():
        (here / name).parent.mkdir(exist_ok=True)
        (here / name).write_text(text)

    def run(lines, *options):
        (here / "prompts.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
        return subprocess.run([sys.executable, script, "model", here / "prompts.jsonl", here / "out.json", *options],
                              env={**os.environ, "PYTHONPATH": folder}, capture_output=True, text=True)

    made = run([{"text": "ab"}, {"messages": [{"role": "user", "content": "ab"}]}, {"token_ids": [7]}])
    assert made.returncode == 0, made.stderr
    tensors = json.loads((here / "out.json").read_text())
    assert [tensors[f"prompt{i}.token_ids"] for i in range(3)] == [[1, 97, 98], [60, 97, 98, 62], [7]], tensors
    for lines, options, says in (([{"text": "a"}], ["--blocks", "99"], "no block 99; the model has 0 to 1"),
                                 ([{"text": "a"}], ["--blocks", "0,x"], "no block x"),
                                 ([{"id": "a"}], [], "prompt 0: give one of text, messages and token_ids")):
        refused = run(lines, *options)
        assert refused.returncode == 2 and "Traceback" not in refused.stderr and says in refused.stderr, refused.stderr
