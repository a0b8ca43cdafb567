// HDF5 identifiers that close themselves, one lock around the library, and the element types of our files.
#pragma once

#include "engine/values/dtype.h"

#include <hdf5.h>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace blockcert::artifact::hdf5 {

// While one lives, this thread alone is inside HDF5 and the library's error stack does not reach standard error.
// Every entry point takes one first: not every build of the library is thread-safe.
class Session {
public:
    Session();

private:
    std::lock_guard<std::mutex> m_lock;
};

// Owns one identifier. An invalid one (negative) is allowed and tested with operator bool.
template <herr_t (*Close)(hid_t)>
class Handle {
public:
    Handle() = default;

    explicit Handle(hid_t id)
        : m_id(id)
    {
    }

    Handle(Handle&& other) noexcept
        : m_id(std::exchange(other.m_id, -1))
    {
    }

    Handle& operator=(Handle&& other) noexcept
    {
        std::swap(m_id, other.m_id);
        return *this;
    }

    ~Handle()
    {
        if (m_id >= 0)
            Close(m_id);
    }

    explicit operator bool() const { return m_id >= 0; }

    [[nodiscard]] hid_t id() const { return m_id; }

    // Closes now; false if the library could not.
    [[nodiscard]] bool close() { return Close(std::exchange(m_id, -1)) >= 0; }

private:
    hid_t m_id = -1;
};

using File = Handle<H5Fclose>;
using Group = Handle<H5Gclose>;
using Object = Handle<H5Oclose>;
using Dataset = Handle<H5Dclose>;
using Dataspace = Handle<H5Sclose>;
using Datatype = Handle<H5Tclose>;
using PropertyList = Handle<H5Pclose>;

// The file type of an element, little-endian; an invalid handle for types that our files do not have.
[[nodiscard]] Datatype fileType(DType dtype);

// The DType whose file type equals `type` in every bit, or nothing.
[[nodiscard]] std::optional<DType> elementType(hid_t type);

// What the library says about its last failure, innermost first, for the end of a sentence.
[[nodiscard]] std::string lastProblem();

}
