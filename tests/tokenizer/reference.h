// What the reference libraries made of the corpus; written by tests/data/tokenizers/make_references.py.
#pragma once

#include "engine/base/strict_json.h"
#include "engine/tokenizer/tokenizer.h"
#include "engine/values/ids.h"

#include <filesystem>
#include <string>
#include <vector>

namespace blockcert::tokenizer {

[[nodiscard]] std::filesystem::path dataFolder(); // tests/data/tokenizers
[[nodiscard]] std::vector<std::string> corpus();
[[nodiscard]] Json expectations(const std::string& name); // NAME/expected.json
[[nodiscard]] std::string readFile(const std::filesystem::path& path);

// The tokenizer of a folder of references: its tokenizer.gguf if it has one.
[[nodiscard]] Tokenizer openReference(const std::string& name);

// A list of ids, or its length and digest.
[[nodiscard]] std::string describe(const std::vector<TokenId>& ids, const Json& expected);
[[nodiscard]] std::string describe(const Json& expected);

// A folder that disappears with the test.
class TemporaryFolder {
public:
    TemporaryFolder();
    ~TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    void write(const std::string& name, std::string_view content) const;

    [[nodiscard]] const std::filesystem::path& path() const { return m_path; }

private:
    std::filesystem::path m_path;
};

}
