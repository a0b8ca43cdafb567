// One NumPy array file (.npy), written as numpy.save writes it and read strictly.
#pragma once

#include "engine/values/host_tensor.h"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace blockcert::exchange {

// Format 1.0, C order, little-endian. NumPy has no BF16: such a tensor is written as float32, exactly. Throws
// UnsupportedError for a type NumPy does not have.
[[nodiscard]] std::string npyOf(const HostTensor& tensor);

// Formats 1.0, 2.0 and 3.0, C order, little-endian numbers and booleans. The bytes are exactly header and data. Throws
// FormatError and UnsupportedError naming `source`.
[[nodiscard]] HostTensor tensorFromNpy(std::span<const std::byte> bytes, std::string_view source);

}
