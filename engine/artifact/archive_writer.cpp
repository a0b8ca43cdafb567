#include "engine/artifact/archive_hdf5.h"
#include "engine/artifact/tensor_archive.h"
#include "engine/base/error.h"
#include "engine/base/file_fault.h"

#include <fmt/format.h>

#include <cassert>
#include <fcntl.h>
#include <map>
#include <unistd.h>

namespace blockcert::artifact {

namespace {

using namespace hdf5;

// Groups keep their links in the order of creation and carry no times, so that equal content gives equal bytes.
PropertyList timelessList(hid_t listClass)
{
    PropertyList list(H5Pcreate(listClass));
    H5Pset_obj_track_times(list.id(), false);
    if (listClass != H5P_DATASET_CREATE)
        H5Pset_link_creation_order(list.id(), H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    return list;
}

File createFile(const std::filesystem::path& path)
{
    const PropertyList creation = timelessList(H5P_FILE_CREATE);
    const PropertyList access(H5Pcreate(H5P_FILE_ACCESS));
    H5Pset_libver_bounds(access.id(), H5F_LIBVER_V18, H5F_LIBVER_V110);
    H5Pset_fclose_degree(access.id(), H5F_CLOSE_STRONG);
    return File(H5Fcreate(path.c_str(), H5F_ACC_EXCL, creation.id(), access.id()));
}

std::vector<hsize_t> hdf5Shape(const std::vector<std::int64_t>& shape)
{
    std::vector<hsize_t> dimensions;
    for (const std::int64_t dimension : shape) {
        assert(dimension >= 0);
        dimensions.push_back(static_cast<hsize_t>(dimension));
    }
    return dimensions;
}

Dataspace dataspaceOf(const std::vector<hsize_t>& dimensions)
{
    if (dimensions.empty())
        return Dataspace(H5Screate(H5S_SCALAR));
    return Dataspace(H5Screate_simple(static_cast<int>(dimensions.size()), dimensions.data(), nullptr));
}

// A full disk and a size limit deserve another exit code than an unwritable file, and the words of every other writer.
// The library names the system's error while it writes, and loses it while it closes; `error` is then what is left.
[[noreturn]] void throwWriteProblem(const std::filesystem::path& path, const std::string& problem, int error)
{
    for (const int code : {ENOSPC, EDQUOT, EFBIG})
        if (error == code || problem.find(fmt::format("errno = {},", code)) != std::string::npos)
            refuseToWrite("Cannot write", path, code);
    throw OutputError(fmt::format("{}: HDF5 could not write this file ({}).", path.string(), problem));
}

[[noreturn]] void throwWriteProblem(const std::filesystem::path& path)
{
    const int error = errno;
    throwWriteProblem(path, lastProblem(), error);
}

void syncFile(const std::filesystem::path& path)
{
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    const bool synced = descriptor >= 0 && ::fsync(descriptor) == 0;
    if (descriptor >= 0)
        ::close(descriptor);
    if (!synced)
        throw OutputError(fmt::format("{}: could not flush this file to disk.", path.string()));
}

}

struct ArchiveWriter::State {
    struct Declared {
        DType dtype = DType::F32;
        std::vector<std::int64_t> shape;
        std::int64_t rowsWritten = 0;
    };

    std::filesystem::path path;
    File file;
    std::map<std::string, Declared> datasets;

    // Bytes go in as they are: the memory type is the file type, so the library converts nothing.
    void write(const std::string& name, hid_t memorySpace, hid_t fileSpace, const HostTensor& tensor)
    {
        const Dataset dataset(H5Dopen2(file.id(), name.c_str(), H5P_DEFAULT));
        const Datatype type = fileType(tensor.dtype);
        if (!dataset || H5Dwrite(dataset.id(), type.id(), memorySpace, fileSpace, H5P_DEFAULT, tensor.bytes.data()) < 0)
            throwWriteProblem(path);
    }
};

ArchiveWriter::ArchiveWriter(const std::filesystem::path& path)
    : m_state(std::make_unique<State>())
{
    const Session session;
    m_state->path = path;
    std::error_code ignored;
    const bool isSomebodyElses = std::filesystem::exists(path, ignored);
    m_state->file = createFile(path);
    if (m_state->file)
        return;
    const int error = errno;
    const std::string problem = lastProblem();
    if (!isSomebodyElses) // made, but there was no room for its head
        ::unlink(path.c_str());
    throwWriteProblem(path, problem, error);
}

ArchiveWriter::~ArchiveWriter()
{
    if (!m_state || !m_state->file)
        return;
    const Session session;
    m_state->file = File();
    ::unlink(m_state->path.c_str());
}

void ArchiveWriter::declare(const ArchiveEntry& entry)
{
    const Session session;
    const Datatype type = fileType(entry.dtype);
    assert(type && !m_state->datasets.contains(entry.name));

    if (const std::size_t slash = entry.name.find('/'); slash != std::string::npos) {
        const std::string group = entry.name.substr(0, slash);
        if (H5Lexists(m_state->file.id(), group.c_str(), H5P_DEFAULT) == 0) {
            const PropertyList creation = timelessList(H5P_GROUP_CREATE);
            if (!Group(H5Gcreate2(m_state->file.id(), group.c_str(), H5P_DEFAULT, creation.id(), H5P_DEFAULT)))
                throwWriteProblem(m_state->path);
        }
    }

    // Space is taken now, so that the place of a dataset does not depend on when its rows are written.
    const PropertyList creation = timelessList(H5P_DATASET_CREATE);
    H5Pset_layout(creation.id(), H5D_CONTIGUOUS);
    H5Pset_alloc_time(creation.id(), H5D_ALLOC_TIME_EARLY);
    H5Pset_fill_time(creation.id(), H5D_FILL_TIME_NEVER);
    const Dataspace space = dataspaceOf(hdf5Shape(entry.shape));
    const Dataset dataset(H5Dcreate2(m_state->file.id(), entry.name.c_str(), type.id(), space.id(), H5P_DEFAULT,
                                     creation.id(), H5P_DEFAULT));
    if (!dataset)
        throwWriteProblem(m_state->path);
    m_state->datasets[entry.name] = {entry.dtype, entry.shape, 0};
}

void ArchiveWriter::add(const std::string& name, const HostTensor& tensor)
{
    declare({name, tensor.dtype, tensor.shape});
    if (!tensor.shape.empty())
        return writeRows(name, 0, tensor);

    const Session session;
    assert(tensor.bytes.size() == static_cast<std::size_t>(storageBlock(tensor.dtype).bytes));
    m_state->write(name, H5S_ALL, H5S_ALL, tensor);
}

void ArchiveWriter::writeRows(const std::string& name, std::int64_t rowBegin, const HostTensor& rows)
{
    const Session session;
    State::Declared& declared = m_state->datasets.at(name);
    assert(rows.dtype == declared.dtype && rows.shape.size() == declared.shape.size() && !rows.shape.empty());
    assert(std::equal(rows.shape.begin() + 1, rows.shape.end(), declared.shape.begin() + 1));
    assert(rowBegin >= 0 && rowBegin + rows.shape[0] <= declared.shape[0]);
    assert(rows.bytes.size() == static_cast<std::size_t>(rows.elementCount() * storageBlock(rows.dtype).bytes));

    declared.rowsWritten += rows.shape[0];
    if (rows.bytes.empty())
        return;
    const std::vector<hsize_t> count = hdf5Shape(rows.shape);
    std::vector<hsize_t> start(count.size(), 0);
    start[0] = static_cast<hsize_t>(rowBegin);
    const Dataspace fileSpace = dataspaceOf(hdf5Shape(declared.shape));
    const Dataspace memorySpace = dataspaceOf(count);
    H5Sselect_hyperslab(fileSpace.id(), H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr);
    m_state->write(name, memorySpace.id(), fileSpace.id(), rows);
}

void ArchiveWriter::close(Flush when)
{
    const Session session;
    for (const auto& [name, declared] : m_state->datasets) {
        [[maybe_unused]] const bool whole = declared.shape.empty() || declared.rowsWritten == declared.shape[0];
        assert(whole && "every declared row must be written exactly once");
    }
    if (!m_state->file.close()) {
        const int error = errno;
        const std::string problem = lastProblem();
        ::unlink(m_state->path.c_str());
        throwWriteProblem(m_state->path, problem, error);
    }
    if (when == Flush::Now)
        syncFile(m_state->path);
}

}
