#include "engine/certificate/run_files.h"

#include "engine/artifact/tensor_archive.h"
#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/base/sha256.h"
#include "engine/certificate/json_fields.h"
#include "engine/certificate/tensor_hasher.h"

#include <vector>

namespace blockcert::certificate {

namespace fs = std::filesystem;

ArtifactDigest digestOf(const fs::path& run, const std::string& path, const std::string& role)
{
    ArtifactDigest digest;
    digest.path = path;
    digest.role = role;
    digest.size = fs::file_size(run / path);
    digest.sha256 = sha256OfFile(run / path, RunContext{});
    digest.tensors = digestTensors(*artifact::openOwnArchive(run / path), RunContext{});
    return digest;
}

bool isIntact(const fs::path& run, const ArtifactDigest& artifact)
{
    std::error_code missing;
    const std::uintmax_t size = fs::file_size(run / artifact.path, missing);
    return !missing && size == artifact.size && sha256OfFile(run / artifact.path, RunContext{}) == artifact.sha256;
}

void writeDocument(const fs::path& path, const Json& json, Flush when)
{
    const std::string text = writeJson(json);
    if (text.size() > largestDocument)
        throw ResourceError(path.string() + " would have " + std::to_string(text.size()) +
                            " bytes, more than the limit of " + std::to_string(largestDocument) +
                            "; use fewer prompts.");
    writeFileAtomically(path, text, when);
}

void makeFolder(const fs::path& path)
{
    std::error_code problem;
    fs::create_directories(path, problem);
    if (problem)
        throw OutputError("Cannot create the folder " + path.string() + ": " + problem.message() + ".");
}

fs::path temporaryFor(const fs::path& path)
{
    fs::path temporary = path;
    temporary += ".new";
    std::error_code missing;
    fs::remove(temporary, missing);
    return temporary;
}

void removeLeftovers(const fs::path& folder)
{
    std::vector<fs::path> leftovers;
    std::error_code missing;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, missing))
        if (entry.path().extension() == ".new")
            leftovers.push_back(entry.path());
    for (const fs::path& path : leftovers)
        fs::remove(path, missing);
}

}
