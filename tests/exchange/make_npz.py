"""Writes archives for npz_test: make_npz.py FOLDER; good ones as NumPy makes them, and forged ones."""
import io, struct, sys, zipfile
import numpy as np

folder = sys.argv[1]
arrays = {"f8": np.arange(6, dtype="<f8").reshape(2, 3) / 7, "f4": np.linspace(-1, 1, 5, dtype="<f4"), "f2": np.ones((1, 1, 2), "<f2"),
          "i8": np.array(-5, "<i8"), "i4": np.zeros((0, 4), "<i4"), "u1": np.arange(256, dtype="u1"), "b1": np.array([True, False])}
np.savez(f"{folder}/stored.npz", **arrays)
np.savez_compressed(f"{folder}/deflated.npz", **arrays)
with zipfile.ZipFile(f"{folder}/zip64.npz", "w") as archive:
    for name, array in arrays.items():
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, array, version=(2, 0))
        with archive.open(name + ".npy", "w", force_zip64=True) as member:
            member.write(buffer.getvalue())


def npy(header, data=b"", version=b"\x01\x00"):
    text = header.encode("latin1") + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H" if version[0] == 1 else "<I", len(text)) + text + data


def forged(name, members, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(f"{folder}/{name}.npz", "w", method) as archive:
        for member, content in members:
            archive.writestr(member, content)


plain = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", b"\0" * 8)
forged("parent", [("../x.npy", plain)])
forged("absolute", [("/x.npy", plain)])
forged("folder", [("a/x.npy", plain)])
forged("no-array", [("x.txt", b"text")])
forged("twice", [("x.npy", plain), ("x.npy", plain)])
forged("bomb", [("x.npy", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (5000000,), }", b"\0" * 20000000))], zipfile.ZIP_DEFLATED)
forged("bzip2", [("x.npy", plain)], zipfile.ZIP_BZIP2)
headers = {
    "fortran": "{'descr': '<f4', 'fortran_order': True, 'shape': (2,), }",
    "big-endian": "{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }",
    "pickle": "{'descr': '|O', 'fortran_order': False, 'shape': (2,), }",
    "records": "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }",
    "no-shape": "{'descr': '<f4', 'fortran_order': False, }",
    "key-twice": "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,), }",
    "other-key": "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'x': (1,)}",
    "negative": "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }",
    "huge": "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }",
    "too-many": "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }",
    "deep": "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,2), }",
    "code": "{'descr': '<f4', 'fortran_order': False, 'shape': __import__('os'), }",
    "trailing": "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), } x",
    "open": "{'descr': '<f4', 'fortran_order': False, 'shape': (2,",
}
for name, header in headers.items():
    forged("header-" + name, [("x.npy", npy(header, b"\0" * 8))])
forged("version", [("x.npy", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", b"\0" * 8, b"\x04\x00"))])
forged("not-npy", [("x.npy", b"PK")])
content = open(f"{folder}/stored.npz", "rb").read()
at = content.index(np.arange(256, dtype="u1").tobytes())
open(f"{folder}/damaged.npz", "wb").write(content[:at] + b"\xff" + content[at + 1:])
open(f"{folder}/short.npz", "wb").write(content[:-30])
# The local header and the directory of a stored member say another size than there is.
lying = bytearray(open(f"{folder}/parent.npz", "rb").read().replace(b"../x.npy", b"xxxx.npy"))
directory = lying.index(b"PK\x01\x02")
lying[directory + 24:directory + 28] = struct.pack("<I", 1 << 30)
open(f"{folder}/lying.npz", "wb").write(lying)
encrypted = bytearray(open(f"{folder}/parent.npz", "rb").read().replace(b"../x.npy", b"xxxx.npy"))
for place in (6, encrypted.index(b"PK\x01\x02") + 8):
    encrypted[place] |= 1
open(f"{folder}/encrypted.npz", "wb").write(encrypted)
