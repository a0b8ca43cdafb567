#include "engine/artifact/archive_hdf5.h"

#include "engine/artifact/archive_layout.h"

#include <cerrno>

namespace blockcert::artifact::hdf5 {

namespace {

std::mutex& libraryLock()
{
    static std::mutex lock; // one per process, because the C library has one state per process
    return lock;
}

// sign, exponent and mantissa of a 16-bit float, as bit positions and widths.
struct HalfLayout {
    std::size_t exponentPosition;
    std::size_t exponentBits;
    std::size_t mantissaBits;
    std::size_t bias;
};

Datatype halfType(const HalfLayout& layout)
{
    Datatype type(H5Tcopy(H5T_IEEE_F32LE));
    const bool made =
        H5Tset_fields(type.id(), 15, layout.exponentPosition, layout.exponentBits, 0, layout.mantissaBits) >= 0 &&
        H5Tset_precision(type.id(), 16) >= 0 && H5Tset_size(type.id(), 2) >= 0 &&
        H5Tset_ebias(type.id(), layout.bias) >= 0;
    return made ? std::move(type) : Datatype();
}

herr_t keepInnermost(unsigned, const H5E_error2_t* entry, void* text)
{
    auto& kept = *static_cast<std::string*>(text);
    if (kept.empty() && entry->desc != nullptr)
        kept = entry->desc;
    return 0;
}

}

Session::Session()
    : m_lock(libraryLock())
{
    // At the end of the program the library would try once more to write a file that a full disk has left open, and
    // loop or crash over it; whatever matters was closed, and refused, long before.
    static const herr_t once = H5dont_atexit();
    static_cast<void>(once);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    H5Eclear2(H5E_DEFAULT);
    errno = 0; // a failing call leaves its own behind: what closing a file lost is not always on the library's stack
}

Datatype fileType(DType dtype)
{
    switch (dtype) {
    case DType::F64: return Datatype(H5Tcopy(H5T_IEEE_F64LE));
    case DType::F32: return Datatype(H5Tcopy(H5T_IEEE_F32LE));
    case DType::F16: return halfType({10, 5, 10, 15});
    case DType::BF16: return halfType({7, 8, 7, 127});
    case DType::I64: return Datatype(H5Tcopy(H5T_STD_I64LE));
    case DType::I32: return Datatype(H5Tcopy(H5T_STD_I32LE));
    case DType::I16: return Datatype(H5Tcopy(H5T_STD_I16LE));
    case DType::I8: return Datatype(H5Tcopy(H5T_STD_I8LE));
    case DType::U8: return Datatype(H5Tcopy(H5T_STD_U8LE));
    default: return {};
    }
}

std::optional<DType> elementType(hid_t type)
{
    for (const DType dtype : archiveTypes)
        if (H5Tequal(type, fileType(dtype).id()) > 0)
            return dtype;
    return std::nullopt;
}

std::string lastProblem()
{
    std::string innermost;
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keepInnermost, &innermost);
    return innermost.empty() ? "no details" : innermost;
}

}
