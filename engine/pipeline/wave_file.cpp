#include "engine/pipeline/wave_file.h"

#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/file_fault.h"
#include "engine/base/run_context.h"
#include "engine/base/sha256.h"
#include "engine/base/strict_json.h"
#include "engine/model/tensor_bridge.h"
#include "engine/model/torch_guard.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <span>
#include <utility>

namespace blockcert::pipeline {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view magic = "blockcert.wave.v1\n";
constexpr std::size_t digestCharacters = 64;
constexpr std::size_t step = std::size_t{4} << 20; // bytes between two looks at the stop sign
constexpr std::size_t largestHeader = std::size_t{64} << 20;

Json treeToJson(const model::RowTree& tree)
{
    Json branches = Json::array();
    for (const model::Branch& branch : tree.branches) {
        Json past = Json::array();
        for (const model::PastPiece& piece : branch.past)
            past.push_back({piece.ofThisPass, piece.begin, piece.count});
        branches.push_back({{"past", std::move(past)}, {"begin", branch.begin}, {"count", branch.count}});
    }
    return {{"branches", std::move(branches)}, {"rows", tree.rows}};
}

model::RowTree treeFromJson(const Json& json)
{
    model::RowTree tree;
    tree.rows = json.at("rows").get<std::int64_t>();
    for (const Json& item : json.at("branches")) {
        model::Branch& branch = tree.branches.emplace_back();
        branch.begin = item.at("begin").get<std::int64_t>();
        branch.count = item.at("count").get<std::int64_t>();
        for (const Json& piece : item.at("past")) {
            branch.past.push_back(
                {piece.at(0).get<bool>(), piece.at(1).get<std::int64_t>(), piece.at(2).get<std::int64_t>()});
            branch.start += branch.past.back().count;
        }
    }
    return tree;
}

Json headerOf(const WaveState& state)
{
    Json variants = Json::array();
    for (const Variant& variant : state.variants)
        variants.push_back(
            {{"block", variant.block.value}, {"prompts", variant.prompts}, {"tree", treeToJson(variant.tree)}});
    Json failures = Json::array();
    for (const BlockFailure& failure : state.failures)
        failures.push_back({{"block", failure.block.value},
                            {"code", failure.code},
                            {"where", failure.where},
                            {"sentence", failure.sentence}});
    return {{"origin", state.origin},          {"token_ids_sha256", state.tokenIdsSha256},
            {"prompts", state.prompts},        {"shared", state.shared},
            {"next", state.next.value},        {"rows", state.baseline.size(0)},
            {"variants", std::move(variants)}, {"failures", std::move(failures)}};
}

// Hashes what goes through it.
class Output {
public:
    Output(const fs::path& path, const RunContext& context)
        : m_path(path)
        , m_stream(path, std::ios::binary | std::ios::trunc)
        , m_context(context)
    {
    }

    void put(std::span<const std::byte> bytes)
    {
        while (!bytes.empty()) {
            m_context.step();
            const std::span<const std::byte> part = bytes.first(std::min(step, bytes.size()));
            m_hash.add(part);
            write(part);
            bytes = bytes.subspan(part.size());
        }
    }

    void put(std::string_view text) { put(std::as_bytes(std::span(text))); }

    void put(const at::Tensor& tensor)
    {
        const at::Tensor dense = tensor.cpu().contiguous();
        put(std::span(static_cast<const std::byte*>(dense.const_data_ptr()), dense.nbytes()));
    }

    void finish()
    {
        const std::string digest = m_hash.finish();
        write(std::as_bytes(std::span(digest)));
        m_stream.close();
        check();
    }

private:
    void write(std::span<const std::byte> bytes)
    {
        errno = 0;
        m_stream.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
        check();
    }

    void check() const
    {
        if (m_stream)
            return;
        refuseToWrite("Cannot write", m_path, errno);
    }

    fs::path m_path;
    std::ofstream m_stream;
    const RunContext& m_context;
    Sha256 m_hash;
};

// The other way round; false once something is missing.
class Input {
public:
    Input(const fs::path& path, const RunContext& context)
        : m_stream(path, std::ios::binary)
        , m_context(context)
    {
    }

    [[nodiscard]] bool get(std::span<std::byte> bytes)
    {
        while (!bytes.empty()) {
            m_context.step();
            const std::span<std::byte> part = bytes.first(std::min(step, bytes.size()));
            if (!m_stream.read(reinterpret_cast<char*>(part.data()), static_cast<std::streamsize>(part.size())))
                return false;
            m_hash.add(part);
            bytes = bytes.subspan(part.size());
        }
        return true;
    }

    [[nodiscard]] bool get(at::Tensor& tensor)
    {
        return get(std::span(static_cast<std::byte*>(tensor.mutable_data_ptr()), tensor.nbytes()));
    }

    [[nodiscard]] bool endsHere()
    {
        const std::string expected = m_hash.finish();
        std::string found(digestCharacters, '\0');
        return m_stream.read(found.data(), static_cast<std::streamsize>(found.size())) && found == expected &&
               m_stream.peek() == std::ifstream::traits_type::eof();
    }

private:
    std::ifstream m_stream;
    const RunContext& m_context;
    Sha256 m_hash;
};

}

void saveWave(const fs::path& path, const WaveState& state, const RunContext& context)
{
    fs::path temporary = path;
    temporary += ".new";
    try {
        Output output(temporary, context);
        const std::string header = headerOf(state).dump();
        const std::uint64_t size = header.size();
        output.put(magic);
        output.put(std::as_bytes(std::span(&size, 1)));
        output.put(header);
        output.put(state.baseline);
        for (const Variant& variant : state.variants)
            output.put(variant.rows);
        output.finish();
    } catch (...) {
        std::error_code ignored;
        fs::remove(temporary, ignored);
        throw;
    }
    publishFile(temporary, path);
}

std::optional<WaveState> loadWave(const fs::path& path, std::int64_t width, DType dtype, const RunContext& context)
{
    return model::guarded([&]() -> std::optional<WaveState> {
        std::error_code missing;
        const std::uint64_t fileSize = fs::file_size(path, missing);
        if (missing)
            return std::nullopt;
        Input input(path, context);
        std::string start(magic.size(), '\0');
        std::uint64_t size = 0;
        if (!input.get(std::as_writable_bytes(std::span(start))) || start != magic ||
            !input.get(std::as_writable_bytes(std::span(&size, 1))) || size > largestHeader)
            return std::nullopt;
        std::string header(static_cast<std::size_t>(size), '\0');
        if (!input.get(std::as_writable_bytes(std::span(header))))
            return std::nullopt;
        WaveState state;
        const auto rowsOf = [&](std::int64_t rows) {
            const std::uint64_t bytes = static_cast<std::uint64_t>(width * storageBlock(dtype).bytes);
            if (rows < 0 || static_cast<std::uint64_t>(rows) > fileSize / bytes)
                throw FormatError("more rows than the file has bytes");
            return at::empty({rows, width}, at::TensorOptions().dtype(model::scalarTypeOf(dtype)));
        };
        try {
            JsonLimits limits;
            limits.bytes = largestHeader;
            limits.stringBytes = largestHeader;
            const Json json = parseStrictJson(header, path.string(), limits);
            state.origin = json.at("origin").get<std::string>();
            state.tokenIdsSha256 = json.at("token_ids_sha256").get<std::string>();
            state.prompts = json.at("prompts").get<std::vector<std::int64_t>>();
            state.shared = json.at("shared").get<bool>();
            state.next = LayerIndex{json.at("next").get<std::int32_t>()};
            state.baseline = rowsOf(json.at("rows").get<std::int64_t>());
            for (const Json& item : json.at("variants")) {
                Variant& variant = state.variants.emplace_back();
                variant.block = LayerIndex{item.at("block").get<std::int32_t>()};
                variant.prompts = item.at("prompts").get<std::vector<std::int64_t>>();
                variant.tree = treeFromJson(item.at("tree"));
                variant.rows = rowsOf(variant.tree.rows);
            }
            for (const Json& item : json.at("failures"))
                state.failures.push_back({LayerIndex{item.at("block").get<std::int32_t>()},
                                          item.at("code").get<std::string>(), item.at("where").get<std::string>(),
                                          item.at("sentence").get<std::string>()});
        } catch (const Cancelled&) {
            throw;
        } catch (const std::exception&) {
            return std::nullopt; // not a file of ours
        }
        bool whole = input.get(state.baseline);
        for (Variant& variant : state.variants)
            whole = whole && input.get(variant.rows);
        return whole && input.endsHere() ? std::optional(std::move(state)) : std::nullopt;
    });
}

bool isSound(const model::RowTree& tree, const std::vector<std::int64_t>& lengths, std::int64_t baseRows)
{
    if (tree.branches.size() != lengths.size())
        return false;
    std::int64_t row = 0;
    for (std::size_t p = 0; p < lengths.size(); ++p) {
        const model::Branch& branch = tree.branches[p];
        if (branch.begin != row || branch.count < 0 || branch.start + branch.count != lengths[p])
            return false;
        for (const model::PastPiece& piece : branch.past) {
            const std::int64_t rows = piece.ofThisPass ? row : baseRows;
            if (piece.begin < 0 || piece.count <= 0 || piece.begin > rows || piece.count > rows - piece.begin)
                return false;
        }
        row += branch.count;
    }
    return row == tree.rows;
}

}
