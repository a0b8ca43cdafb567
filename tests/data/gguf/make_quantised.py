"""Makes quantised.safetensors: what the `gguf` package makes of fp32 numbers (0.19.0 was used).

Needs numpy, safetensors and gguf. `numbers` F32 [n, 32]; for Q8_0, Q5_1, Q4_0 and Q4_1, named T: `T.blocks` U8 [n, bytes of a
block] by gguf.quants.quantize and `T.values` F32 [n, 32] by gguf.quants.dequantize of those. Among the rows: weights of several
sizes, a row of zeros, of one value, of one sign, with the largest magnitude on both sides, of small integers (every rounding a
tie), with one outlier, and steps of halves.
"""

from pathlib import Path

import gguf
import numpy as np
from safetensors.numpy import save_file

HERE = Path(__file__).resolve().parent
TYPES = ["Q8_0", "Q5_1", "Q4_0", "Q4_1"]


def rows():
    generator = np.random.Generator(np.random.PCG64(11))
    normal = [generator.standard_normal((16, 32)) * scale for scale in (1e-3, 0.02, 0.5, 30.0)]
    special = np.zeros((12, 32))
    special[1] = 0.375
    special[2] = -7.25
    special[3] = np.abs(generator.standard_normal(32))
    special[4] = -np.abs(generator.standard_normal(32))
    special[5, :2] = [4.0, -4.0]
    special[6, :2] = [-4.0, 4.0]
    special[7] = np.arange(32) - 16
    special[8] = np.arange(32) * 0.5
    special[9] = generator.standard_normal(32) * 0.01
    special[9, 17] = 100.0
    special[10] = np.tile([127.0, 0.5, 1.5, -2.5], 8)
    special[11] = np.tile([15.0, 0.0, 7.5, 3.5], 8)
    return np.concatenate([*normal, special]).astype(np.float32)


def main():
    numbers = rows()
    tensors = {"numbers": numbers}
    for name in TYPES:
        type_ = gguf.GGMLQuantizationType[name]
        blocks = gguf.quants.quantize(numbers, type_)
        tensors[f"{name}.blocks"] = blocks
        tensors[f"{name}.values"] = gguf.quants.dequantize(blocks, type_).astype(np.float32)
    save_file(tensors, HERE / "quantised.safetensors")


main()
