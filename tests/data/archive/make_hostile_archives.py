"""Makes the HDF5 files beside this script: each holds one thing that an archive of this tool never has.

Run it with h5py 3 to make them again; the tests only need that each file still has the feature in its name.
"""
import pathlib

import h5py
import numpy

HERE = pathlib.Path(__file__).parent
ROWS = numpy.arange(6, dtype="<f4").reshape(3, 2)


def archive(name, **options):
    path = HERE / f"{name}.h5"
    path.unlink(missing_ok=True)
    return h5py.File(path, "w", **options)


with archive("plain") as f:  # the one good file, in the old format that has no checksums
    f.create_dataset("rows", data=ROWS)
    f.create_group("weight").create_dataset("q.weight", data=ROWS.astype("<f8"))
with archive("soft_link") as f:
    f["rows"] = ROWS
    f["again"] = h5py.SoftLink("/rows")
with archive("external_link") as f:
    f["rows"] = h5py.ExternalLink("plain.h5", "/rows")
with archive("two_hard_links") as f:
    f["rows"] = ROWS
    f["again"] = f["rows"]
with archive("group_in_itself") as f:
    f.create_group("weight")
    f["weight"]["weight"] = f["weight"]
with archive("deep_group") as f:
    f["weight/deep/rows"] = ROWS
with archive("attribute") as f:
    f["rows"] = ROWS
    f["rows"].attrs["note"] = 1
with archive("chunked") as f:
    f.create_dataset("rows", data=ROWS, chunks=(1, 2))
with archive("deflate") as f:
    f.create_dataset("rows", data=ROWS, compression="gzip")
with archive("growing") as f:
    f.create_dataset("rows", data=ROWS, maxshape=(None, 2))
with archive("compact") as f:
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_layout(h5py.h5d.COMPACT)
    h5py.h5d.create(f.id, b"rows", h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple((3, 2)), plist)
with archive("external_storage") as f:
    f.create_dataset("rows", shape=(3, 2), dtype="<f4", external=[("/etc/hostname", 0, 24)])
with archive("virtual") as f:
    layout = h5py.VirtualLayout(shape=(3, 2), dtype="<f4")
    layout[:] = h5py.VirtualSource("plain.h5", "rows", shape=(3, 2))
    f.create_virtual_dataset("rows", layout)
with archive("variable_length") as f:
    f.create_dataset("rows", (2,), dtype=h5py.vlen_dtype("<i4"))
with archive("text") as f:
    f["rows"] = numpy.array([b"one", b"two"])
with archive("compound") as f:
    f["rows"] = numpy.zeros(2, dtype=[("a", "<f4"), ("b", "<i4")])
with archive("boolean") as f:
    f["rows"] = numpy.array([True, False])
with archive("reference") as f:
    f["rows"] = ROWS
    f.create_dataset("pointer", data=f["rows"].ref, dtype=h5py.ref_dtype)
with archive("big_endian") as f:
    f["rows"] = ROWS.astype(">f4")
with archive("named_type") as f:
    f["type"] = numpy.dtype("<f4")
with archive("unwritten") as f:
    f.create_dataset("rows", shape=(3, 2), dtype="<f4")
with archive("huge") as f:
    f.create_dataset("rows", shape=(1 << 40, 1 << 20), dtype="<f8")
with archive("huge_rank") as f:
    f["rows"] = numpy.zeros((1,) * 9, dtype="<f4")
with archive("null_space") as f:
    f["rows"] = h5py.Empty("<f4")
with archive("user_block", userblock_size=512) as f:
    f["rows"] = ROWS
with archive("strange_name") as f:
    f["ro\nws"] = ROWS
