// Digests of weights that have been computed before: a reference says everything that decides a weight's bytes.
#pragma once

#include "engine/values/weight_reference.h"

#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace blockcert::pipeline {

// Thread-safe. Kept as long as the model is, so that one run after the other on it hashes a weight once.
class WeightDigests {
public:
    // Nothing for a reference to a file that has not been hashed: its name alone says nothing about its bytes.
    [[nodiscard]] std::optional<std::string> find(const WeightReference& reference) const;
    void add(const WeightReference& reference, const std::string& sha256);

private:
    mutable std::mutex m_mutex;
    std::map<WeightReference, std::string> m_digests;
};

}
