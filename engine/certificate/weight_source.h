// Finds weights that an IR holds by reference, in files that are accepted by digest and by nothing else.
#pragma once

#include "engine/artifact/checkpoint.h"
#include "engine/values/host_tensor.h"
#include "engine/values/weight_reference.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace blockcert {
class RunContext;
}

namespace blockcert::certificate {

// Opens and hashes the model when it is first asked for. Not thread-safe.
class WeightSource {
public:
    // `model` is the user's word: if it cannot be read, that is an error. `hint` is run.json's: if it leads nowhere,
    // the weights are simply not found. Only one of them is used.
    WeightSource(std::filesystem::path model, std::string hint, artifact::ModelLocations locations);
    ~WeightSource();

    // Absent, with the reason in problem(), if there is no model to be found.
    [[nodiscard]] const artifact::Checkpoint* checkpoint(const RunContext& context);

    // True if the file was found by its digest and read into `into`; else problem() says why.
    [[nodiscard]] bool load(const WeightReference& reference, HostTensor& into, const RunContext& context);

    [[nodiscard]] const std::string& problem() const { return m_problem; }

private:
    std::filesystem::path m_model;
    std::string m_hint;
    artifact::ModelLocations m_locations;
    bool m_tried = false;
    std::unique_ptr<artifact::Checkpoint> m_checkpoint;
    std::string m_problem;
};

}
