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
    class config: max_position_embeddings = 12
    @property
    def model(self): return self
    def eval(self): return self
    def __call__(self, ids, use_cache): pass
class Odd(Model):
    model = None
def load(path, **_):
    if path.endswith("broken"): raise OSError("no weights here\\nand a long story")
    return Odd() if path.endswith("odd") else Model()
class AutoModelForCausalLM:
    from_pretrained = staticmethod(load)
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
    "safetensors/torch.py": "import json\ndef save_file(tensors, path, metadata): json.dump([tensors, metadata], open(path, 'w'))\n",
}
script = pathlib.Path(__file__).parents[2] / "docs" / "record_trace.py"
with tempfile.TemporaryDirectory() as folder:
    here = pathlib.Path(folder)
    for name, text in STANDINS.items():
        (here / name).parent.mkdir(exist_ok=True)
        (here / name).write_text(text)

    for name in ("model", "odd", "broken"):
        (here / name).mkdir()

    def run(lines, *options, model="model", text=None, path=folder):
        (here / "prompts.jsonl").write_text("\n".join(json.dumps(line) for line in lines) if text is None else text)
        return subprocess.run([sys.executable, script, here / model, here / "prompts.jsonl", here / "out.json", *options],
                              env={**os.environ, "PYTHONPATH": str(path)}, capture_output=True, text=True)

    made = run([{"text": "ab"}, {"messages": [{"role": "user", "content": "ab"}]}, {"token_ids": [7]}, {"text": "x", "split": "heldout"}])
    assert made.returncode == 0, made.stderr
    assert "longer" not in made.stdout
    tensors, metadata = json.loads((here / "out.json").read_text())
    assert [tensors[f"prompt{i}.token_ids"] for i in range(3)] == [[1, 97, 98], [60, 97, 98, 62], [7]], tensors
    assert "prompt3.token_ids" not in tensors and not any("truncated" in key for key in metadata), metadata

    # What is cut is said, in the trace, too: by the limit that was asked for, and by the model's own context.
    made = run([{"text": "abcdef"}, {"token_ids": [7]}, {"token_ids": [1, 2, 3, 4]}], "--max-tokens", "3")
    assert "2 prompts were longer than 3 tokens and lost 5 tokens at the end" in made.stdout, made.stdout
    tensors, metadata = json.loads((here / "out.json").read_text())
    assert tensors["prompt0.token_ids"] == [1, 97, 98] and metadata["prompt0.text"] == "abcdef"
    assert [metadata.get(f"prompt{i}.truncated") for i in range(3)] == ["4", None, "1"], metadata
    made = run([{"text": "abcdefghijklm"}])
    assert "1 prompt was longer than 12 tokens and lost 2 tokens" in made.stdout, made.stdout

    (here / "out.json").unlink()
    good = [{"text": "a"}]
    for lines, options, more, code, says in (
            (good, ["--blocks", "99"], {}, 2, "no block 99; the model has 0 to 1"),
            (good, ["--blocks", "0,x"], {}, 2, "no block x"),
            (good, ["--max-tokens", "0"], {}, 2, "--max-tokens is 0"),
            (good, ["--dtype", "fp8"], {}, 2, "fp8"),
            ([{"id": "a"}], [], {}, 3, "line 1: give one of text, messages and token_ids"),
            (good, [], {"text": '{"text": "a"}\nnot JSON'}, 3, "line 2 is no JSON"),
            (good, [], {"text": "[1]"}, 3, "line 1: give one"),
            ([{"token_ids": ["x"]}], [], {}, 3, "token_ids must be"),
            ([{"text": 5}], [], {}, 3, "text must be"),
            ([{"text": "a", "id": 5}], [], {}, 3, "id must be"),
            ([{"text": "a", "id": "p"}, {"text": "b", "id": "p"}], [], {}, 3, 'line 2 has the id "p", as line 1 has'),
            ([], [], {}, 3, "holds no prompt"),
            (good, [], {"model": "nowhere"}, 3, "nowhere is no folder"),
            (good, [], {"model": "broken"}, 3, "transformers cannot load"),
            (good, [], {"model": "odd"}, 3, "is a Odd; traces are recorded of Llama and GPT-2 models"),
            (good, [], {"path": here / "model"}, 2, "torch, transformers and safetensors are needed")):
        if "path" in more:
            (here / "model" / "torch.py").write_text("raise ImportError('no torch')")
        refused = run(lines, *options, **more)
        assert refused.returncode == code and says in refused.stderr, (says, refused.returncode, refused.stderr)
        assert refused.stderr.count("\n") == 1 and not refused.stdout, refused.stderr
        assert not (here / "out.json").exists(), says
    for out, prompts, code, says in ((here / "no" / "where.json", here / "prompts.jsonl", 7, "cannot be written"),
                                     (here / "out.json", here / "no-prompts.jsonl", 3, "cannot be read")):
        (here / "prompts.jsonl").write_text('{"text": "a"}')
        refused = subprocess.run([sys.executable, script, here / "model", prompts, out], env={**os.environ, "PYTHONPATH": folder},
                                 capture_output=True, text=True)
        assert refused.returncode == code and says in refused.stderr and refused.stderr.count("\n") == 1, refused.stderr
