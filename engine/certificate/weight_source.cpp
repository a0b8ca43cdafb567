#include "engine/certificate/weight_source.h"

#include "engine/base/error.h"
#include "engine/base/run_context.h"

#include <algorithm>

namespace blockcert::certificate {

WeightSource::WeightSource(std::filesystem::path model, std::string hint, artifact::ModelLocations locations)
    : m_model(std::move(model))
    , m_hint(std::move(hint))
    , m_locations(std::move(locations))
{
}

WeightSource::~WeightSource() = default;

const artifact::Checkpoint* WeightSource::checkpoint(const RunContext& context)
{
    if (m_tried)
        return m_checkpoint.get();
    m_tried = true;
    if (m_model.empty() && m_hint.empty()) {
        m_problem = "no model was given";
        return nullptr;
    }
    try {
        const std::filesystem::path path = m_model.empty() ? artifact::resolveModel(m_hint, m_locations) : m_model;
        m_checkpoint = std::make_unique<artifact::Checkpoint>(artifact::Checkpoint::open(path));
        m_checkpoint->hashFiles(context);
    } catch (const Error& error) {
        m_checkpoint.reset();
        if (!m_model.empty())
            throw;
        m_problem = std::string("the model is not where run.json found it (") + error.what() + ")";
    }
    return m_checkpoint.get();
}

bool WeightSource::load(const WeightReference& reference, HostTensor& into, const RunContext& context)
{
    const artifact::Checkpoint* model = checkpoint(context);
    if (model == nullptr)
        return false;
    const auto& files = model->files();
    const auto file = std::find_if(files.begin(), files.end(), [&](const artifact::WeightFile& candidate) {
        return candidate.sha256 == reference.fileSha256;
    });
    if (file == files.end() || reference.fileSha256.empty()) {
        m_problem = "no file of " + model->path().string() + " has the SHA-256 " + reference.fileSha256 + " of " +
                    reference.file;
        return false;
    }
    WeightReference found = reference;
    found.file = file->path.filename().string(); // the same bytes under another name are the same file
    model->load(found, into);
    return true;
}

}
