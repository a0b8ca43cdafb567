// The narrow way into HDF5: every object of a file is visited and either fits the layout or is refused by name.
#include "engine/artifact/archive_hdf5.h"
#include "engine/artifact/archive_layout.h"
#include "engine/base/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace blockcert::artifact {

namespace {

using namespace hdf5;

constexpr std::size_t mostObjects = 1000;
constexpr int deepestGroup = 2; // "weight/NAME" needs 1

// HDF5 reads from the caller's memory instead of copying it: the library asks for a buffer and for a copy into it,
// and is given the image itself both times.
struct Image {
    const void* bytes;
    std::size_t size;
};

void* imageMalloc(std::size_t size, H5FD_file_image_op_t, void* image)
{
    const auto* whole = static_cast<const Image*>(image);
    return size == whole->size ? const_cast<void*>(whole->bytes) : nullptr;
}

void* imageCopy(void* target, const void*, std::size_t, H5FD_file_image_op_t, void*)
{
    return target;
}

void* imageResize(void*, std::size_t, H5FD_file_image_op_t, void*)
{
    return nullptr; // a file that is only read does not grow
}

herr_t imageFree(void*, H5FD_file_image_op_t, void*)
{
    return 0;
}

void* shareImage(void* image)
{
    return image;
}

herr_t releaseImage(void*)
{
    return 0;
}

PropertyList accessFromMemory(Image& image)
{
    PropertyList access(H5Pcreate(H5P_FILE_ACCESS));
    H5FD_file_image_callbacks_t callbacks = {imageMalloc, imageCopy,    imageResize, imageFree,
                                             shareImage,  releaseImage, &image};
    H5Pset_fapl_core(access.id(), std::size_t{1} << 16U, false);
    H5Pset_file_image_callbacks(access.id(), &callbacks);
    H5Pset_file_image(access.id(), const_cast<void*>(image.bytes), image.size);
    return access;
}

class Walk {
public:
    ArchiveLayout layoutOf(hid_t file)
    {
        const PropertyList creation(H5Fget_create_plist(file));
        hsize_t userBlock = 0;
        if (!creation || H5Pget_userblock(creation.id(), &userBlock) < 0)
            fail("the file");
        if (userBlock != 0)
            refuse("the file", "a user block");
        const Group root(H5Gopen2(file, "/", H5P_DEFAULT));
        if (!root)
            fail("the root group");
        visitGroup(root.id(), "", 0);
        return std::move(m_layout);
    }

private:
    [[noreturn]] void refuse(const std::string& where, std::string_view what) const
    {
        throw FormatError(fmt::format("{} has {}, which archives of this tool never have.", where, what));
    }

    [[noreturn]] void fail(const std::string& where) const
    {
        throw FormatError(fmt::format("{} is not readable as HDF5 ({}).", where, lastProblem()));
    }

    void visitGroup(hid_t group, const std::string& prefix, int depth)
    {
        const std::string where = prefix.empty() ? "the root group" : prefix;
        checkObject(group, where);
        const PropertyList creation(H5Gget_create_plist(group));
        unsigned order = 0;
        H5G_info_t info;
        if (!creation || H5Pget_link_creation_order(creation.id(), &order) < 0 || H5Gget_info(group, &info) < 0)
            fail(where);
        const H5_index_t index = (order & H5P_CRT_ORDER_TRACKED) != 0 ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME;
        if (info.nlinks > mostObjects)
            refuse(where, fmt::format("{} members", info.nlinks));
        for (hsize_t i = 0; i < info.nlinks; ++i)
            visitLink(group, prefix, depth, index, i);
    }

    void visitLink(hid_t group, const std::string& prefix, int depth, H5_index_t index, hsize_t position)
    {
        std::string name(256, '\0');
        const ssize_t length =
            H5Lget_name_by_idx(group, ".", index, H5_ITER_INC, position, name.data(), name.size(), H5P_DEFAULT);
        if (length <= 0)
            fail(fmt::format("a member of {}", prefix.empty() ? "the root group" : prefix));
        if (static_cast<std::size_t>(length) >= name.size())
            refuse("a link", "a name of more than 255 bytes");
        name.resize(static_cast<std::size_t>(length));
        const std::string path = prefix.empty() ? name : prefix + "/" + name;
        if (++m_objects > mostObjects)
            refuse("the file", fmt::format("more than {} objects", mostObjects));

        H5L_info_t link;
        if (H5Lget_info(group, name.c_str(), &link, H5P_DEFAULT) < 0)
            fail(path);
        if (link.type != H5L_TYPE_HARD)
            refuse(path, link.type == H5L_TYPE_SOFT ? "a soft link" : "an external link");
        const Object object(H5Oopen(group, name.c_str(), H5P_DEFAULT));
        if (!object)
            fail(path);
        switch (H5Iget_type(object.id())) {
        case H5I_DATASET: return visitDataset(object.id(), path);
        case H5I_GROUP:
            if (depth + 1 >= deepestGroup)
                refuse(path, "a group too deep");
            return visitGroup(object.id(), path, depth + 1);
        default: refuse(path, "a named type");
        }
    }

    void checkObject(hid_t object, const std::string& where) const
    {
        H5O_info_t info;
        if (H5Oget_info2(object, &info, H5O_INFO_BASIC | H5O_INFO_NUM_ATTRS) < 0)
            fail(where);
        if (info.num_attrs != 0)
            refuse(where, "attributes");
        if (info.rc != 1)
            refuse(where, fmt::format("{} links", info.rc));
    }

    void visitDataset(hid_t dataset, const std::string& path)
    {
        checkObject(dataset, path);
        checkStorage(dataset, path);
        PlacedEntry placed;
        placed.entry.name = path;
        placed.entry.dtype = typeOf(dataset, path);
        placed.entry.shape = shapeOf(dataset, path);

        const bool empty =
            std::find(placed.entry.shape.begin(), placed.entry.shape.end(), 0) != placed.entry.shape.end();
        if (!empty) {
            const haddr_t offset = H5Dget_offset(dataset);
            if (offset == HADDR_UNDEF)
                refuse(path, "no data");
            if (placed.byteCount() == 0 || H5Dget_storage_size(dataset) != placed.byteCount())
                refuse(path, "storage of another size than its shape");
            placed.offset = offset;
        }
        m_layout.push_back(std::move(placed));
    }

    void checkStorage(hid_t dataset, const std::string& path) const
    {
        const PropertyList creation(H5Dget_create_plist(dataset));
        if (!creation)
            fail(path);
        if (H5Pget_layout(creation.id()) != H5D_CONTIGUOUS)
            refuse(path, "chunked, compact or virtual storage");
        if (H5Pget_nfilters(creation.id()) != 0)
            refuse(path, "filters");
        if (H5Pget_external_count(creation.id()) != 0)
            refuse(path, "external storage");
    }

    [[nodiscard]] DType typeOf(hid_t dataset, const std::string& path) const
    {
        const Datatype type(H5Dget_type(dataset));
        if (!type)
            fail(path);
        if (H5Tcommitted(type.id()) != 0)
            refuse(path, "a named type");
        const std::optional<DType> dtype = elementType(type.id());
        if (!dtype)
            refuse(path, "elements of another type than F64, F32, F16, BF16, I64, I32, I16, I8, U8 (little-endian)");
        return *dtype;
    }

    [[nodiscard]] std::vector<std::int64_t> shapeOf(hid_t dataset, const std::string& path) const
    {
        const Dataspace space(H5Dget_space(dataset));
        const H5S_class_t kind = space ? H5Sget_simple_extent_type(space.id()) : H5S_NO_CLASS;
        if (kind == H5S_SCALAR)
            return {};
        const int rank = kind == H5S_SIMPLE ? H5Sget_simple_extent_ndims(space.id()) : -1;
        if (rank < 0)
            refuse(path, "no simple dataspace");
        std::vector<hsize_t> dimensions(static_cast<std::size_t>(rank));
        std::vector<hsize_t> largest(dimensions.size());
        if (H5Sget_simple_extent_dims(space.id(), dimensions.data(), largest.data()) != rank)
            fail(path);
        if (dimensions != largest)
            refuse(path, "a dataspace that can grow");
        constexpr hsize_t limit = hsize_t{1} << 62U;
        if (std::any_of(dimensions.begin(), dimensions.end(), [](hsize_t dimension) { return dimension > limit; }))
            refuse(path, "an absurd dimension");
        return {dimensions.begin(), dimensions.end()};
    }

    ArchiveLayout m_layout;
    std::size_t m_objects = 0;
};

}

ArchiveLayout readLayout(const ArchiveBytes& bytes)
{
    const Session session;
    Image image{bytes.image, bytes.imageSize};
    const PropertyList access =
        bytes.image != nullptr ? accessFromMemory(image) : PropertyList(H5Pcreate(H5P_FILE_ACCESS));
    H5Pset_fclose_degree(access.id(), H5F_CLOSE_STRONG);
    File file(H5Fopen(bytes.path.c_str(), H5F_ACC_RDONLY, access.id()));
    if (!file)
        throw FormatError(fmt::format("this is not a readable HDF5 file ({}).", lastProblem()));
    return Walk().layoutOf(file.id());
}

}
