// Reads the header of a GGUF file (version 2 or 3, little-endian): metadata with types, and where each tensor lies.
#pragma once

#include "engine/artifact/checkpoint.h"
#include "engine/artifact/input_file.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace blockcert::artifact {

// One metadata value. Integers of every width become int64 (u64 only if above INT64_MAX), f32 and f64 become
// double; arrays keep one element type: bool, any integer, f32, f64 or string. Nested arrays are refused.
using GgufValue =
    std::variant<bool, std::int64_t, std::uint64_t, double, std::string, std::vector<bool>, std::vector<std::int64_t>,
                 std::vector<float>, std::vector<double>, std::vector<std::string>>;

// Limits that a hostile file cannot make us exceed; everything is also checked against the bytes that are there.
struct GgufLimits {
    std::uint64_t headerBytes = 128U << 20U; // metadata and tensor list of one part
    std::uint64_t keys = 65'536;
    std::uint64_t tensors = 100'000;
    std::uint64_t stringBytes = 16U << 20U;
    std::uint64_t arrayElements = 4'000'000;
    std::uint64_t parts = 512; // of a split model
};

// Immutable; const members may be called from several threads. Strings are the file's bytes: UTF-8 is not
// guaranteed (token texts of some vocabularies are not).
class GgufFile {
public:
    // Opens a single file, or any part NAME-0000i-of-0000n.gguf of a split model, whose other parts must lie beside
    // it. Throws FileError, FormatError (file and byte offset), UnsupportedError (tensor type by name, big-endian),
    // ResourceError (limits).
    [[nodiscard]] static GgufFile open(const std::filesystem::path& path, const GgufLimits& limits = {});

    // Metadata, of the first part if there are several. Null if there is no such key.
    [[nodiscard]] const GgufValue* find(std::string_view key) const;

    [[nodiscard]] const std::map<std::string, GgufValue, std::less<>>& metadata() const { return m_metadata; }

    // Typed access: absent (null) if there is no such key, FormatError naming key and types if it has another type.
    [[nodiscard]] std::optional<bool> boolean(std::string_view key) const;
    [[nodiscard]] std::optional<std::int64_t> integer(std::string_view key) const;
    [[nodiscard]] std::optional<double> number(std::string_view key) const; // f32, f64 or an integer
    [[nodiscard]] const std::string* text(std::string_view key) const;
    [[nodiscard]] const std::vector<std::string>* strings(std::string_view key) const;
    [[nodiscard]] const std::vector<std::int64_t>* integers(std::string_view key) const;
    [[nodiscard]] const std::vector<float>* floats(std::string_view key) const;

    [[nodiscard]] const std::filesystem::path& path() const { return m_path; } // as given to open()

    [[nodiscard]] const std::vector<WeightFile>& files() const { return m_files; } // all parts in order

    [[nodiscard]] const std::vector<TensorEntry>& tensors() const { return m_tensors; }

    [[nodiscard]] const std::vector<std::shared_ptr<const InputFile>>& inputs() const { return m_inputs; } // as files()

private:
    void addPart(const std::shared_ptr<const InputFile>& input, const GgufLimits& limits);
    void joinParts(std::int64_t count, const GgufLimits& limits);

    std::filesystem::path m_path;
    std::vector<WeightFile> m_files;
    std::vector<std::shared_ptr<const InputFile>> m_inputs;
    std::map<std::string, GgufValue, std::less<>> m_metadata;
    std::vector<TensorEntry> m_tensors;
};

}
