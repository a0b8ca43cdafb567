"""Reads with h5py what archive_test wrote and compares it with what h5py's users should see."""
import sys

import h5py
import numpy

EXPECTED = {
    "program": ("|u1", [123, 34, 97, 34, 125]),
    "prompt_offset": ("<i8", [0, 2, 1 << 40]),
    "token_id": ("<i4", [7, -1]),
    "small": ("<i2", [-300, 300]),
    "tiny": ("|i1", [-3, 3]),
    "error": ("<f8", [[0.1], [-1e300]]),
    "input": ("<f4", [[1, 2, 3], [4, 5, 0]]),
    "half": ("<f2", [1, -2.5]),
    "brain": ("<f4", [1, -2.5]),  # h5py widens bf16
    "scalar": ("<f8", 2.5),
    "loss_base": ("<f8", []),
    "weight/q.weight": ("<f4", [[0.5, 0.25]]),
    "weight/v.weight": ("<f4", [[8]]),
}

with h5py.File(sys.argv[1]) as archive:
    names = []
    archive.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    assert sorted(names) == sorted(EXPECTED), names
    for name, (dtype, values) in EXPECTED.items():
        dataset = archive[name]
        values = numpy.array(values, dtype=dtype)
        assert dataset.dtype == values.dtype, (name, dataset.dtype)
        assert dataset.shape == values.shape, (name, dataset.shape)
        assert numpy.array_equal(dataset[()], values), (name, dataset[()])
        assert not dataset.attrs and dataset.chunks is None and dataset.compression is None, name
        assert dataset.maxshape == dataset.shape, name
