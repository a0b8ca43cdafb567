#include "engine/protocol/weight_rows.h"

#include "engine/base/error.h"
#include "engine/certificate/run_folder.h"
#include "engine/certificate/run_layout.h"
#include "engine/certificate/widen.h"
#include "engine/protocol/named_tensors.h"

#include <algorithm>
#include <memory>

namespace blockcert::protocol {

namespace {

// Its spectrum is in the same file, and the certificate says how long it is.
Json fullRank(const Certificate& certificate, const std::string& weight)
{
    for (const ArtifactDigest& artifact : certificate.artifacts)
        for (const TensorDigest& tensor : artifact.tensors)
            if (tensor.name == "spectrum/" + weight && tensor.shape.size() == 1)
                return tensor.shape[0];
    return nullptr;
}

}

Json weightRows(std::span<const Certificate> certificates)
{
    Json rows = Json::array();
    for (const Certificate& certificate : certificates)
        for (const WeightDistance& weight : certificate.surrogateWeights) {
            const bool cut = weight.rank.has_value();
            rows.push_back({{"block", certificate.block.value},
                            {"weight", weight.name},
                            {"rank_asked", cut ? Json(certificate.request.surrogate.rank) : Json()},
                            {"rank", cut ? Json(*weight.rank) : Json()},
                            {"full_rank", cut ? fullRank(certificate, weight.name) : Json()},
                            {"norm", weight.norm},
                            {"distance", weight.distance},
                            {"spectrum", nullptr}});
        }
    return rows;
}

void addSpectra(const certificate::RunFolder& folder, std::span<const Certificate> certificates,
                const std::filesystem::path& childProgram, Json& rows, Json& problems)
{
    std::int32_t open = -1;
    std::unique_ptr<artifact::ArchiveReader> archive;
    for (Json& row : rows) {
        if (row.at("rank").is_null())
            continue;
        const LayerIndex block{row.at("block").get<std::int32_t>()};
        const std::string path = certificate::irPath(block);
        try {
            if (open != block.value) {
                open = block.value;
                archive.reset();
                const auto about = std::ranges::find(certificates, block, &Certificate::block);
                archive = openNamedTensors(folder, about->artifacts, path, childProgram);
            }
            if (!archive)
                continue; // said once for the block
            const HostTensor values = archive->readAll("spectrum/" + row.at("weight").get<std::string>());
            if (values.dtype != DType::F64)
                throw FormatError(path + ": the spectrum of " + row.at("weight").get<std::string>() +
                                  " is not of type F64.");
            row["spectrum"] = certificate::widened(values);
        } catch (const Error& error) {
            problems.push_back(error.what());
        }
    }
}

}
