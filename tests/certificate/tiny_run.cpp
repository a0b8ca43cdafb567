#include "tests/certificate/tiny_run.h"

#include "engine/artifact/checkpoint.h"
#include "engine/base/run_context.h"
#include "engine/base/sha256.h"
#include "engine/certificate/metrics.h"
#include "engine/certificate/rebuilt_ir.h"
#include "engine/certificate/widen.h"
#include "engine/ir/reference_interpreter.h"
#include "engine/ir/reference_ops.h"
#include "engine/prompts/prompts.h"
#include "engine/surrogate/family.h"
#include "engine/surrogate/model_differences.h"
#include "engine/surrogate/weight_distance.h"
#include "engine/tokenizer/tokenizer.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <random>

namespace blockcert::certificate::tiny {

namespace {

using artifact::Checkpoint;

std::string environment(const char* name)
{
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

HostTensor rounded(const std::vector<double>& values, std::vector<std::int64_t> shape, DType dtype)
{
    HostTensor tensor{dtype, std::move(shape), {}};
    tensor.bytes.resize(values.size() * static_cast<std::size_t>(storageBlock(dtype).bytes));
    artifact::convertElements(DType::F64, reinterpret_cast<const std::byte*>(values.data()), dtype, tensor.bytes.data(),
                              static_cast<std::int64_t>(values.size()));
    return tensor;
}

HostTensor loaded(const Checkpoint& model, const WeightReference& reference)
{
    HostTensor tensor;
    model.load(reference, tensor);
    return tensor;
}

HostTensor causalMask(std::int64_t tokens)
{
    HostTensor mask{DType::U8, {tokens, tokens}, {}};
    for (std::int64_t t = 0; t < tokens; ++t)
        for (std::int64_t s = 0; s < tokens; ++s)
            mask.bytes.push_back(s <= t ? std::byte{1} : std::byte{0});
    return mask;
}

ir::BlockIr blockIr(const Checkpoint& model, LayerIndex layer, std::int64_t longest, const Options& options)
{
    ir::BlockIr block;
    block.program = ir::makeProgram(model.config(), layer);
    for (auto& [name, weight] : block.program.weights) {
        const WeightReference reference = artifact::castTo(*model.blockWeight(layer, name), options.dtype);
        const HostTensor value = loaded(model, reference);
        weight.dtype = value.dtype;
        weight.shape = value.shape;
        weight.sha256 = sha256OfTensor(value);
        if (!options.embed)
            weight.reference = reference;
        block.weights.emplace(name, value);
    }
    block.mask = causalMask(longest);
    if (block.program.ropeHalf > 0) {
        block.program.positions = longest;
        artifact::RopeTables tables = artifact::ropeTables(model.config(), longest, options.dtype);
        block.ropeCos = std::move(tables.cosine);
        block.ropeSin = std::move(tables.sine);
    } else {
        block.ropeCos.shape = block.ropeSin.shape = {0};
    }
    return block;
}

std::vector<double> embedded(const Checkpoint& model, const std::vector<TokenId>& ids, DType dtype)
{
    const auto width = static_cast<std::size_t>(model.config().dModel);
    const std::vector<double> table =
        widened(loaded(model, artifact::castTo(*model.modelWeight("token_embedding.weight"), dtype)));
    const auto positions = model.modelWeight("position_embedding.weight");
    const std::vector<double> places =
        positions ? widened(loaded(model, artifact::castTo(*positions, dtype))) : std::vector<double>();
    std::vector<double> rows;
    for (std::size_t t = 0; t < ids.size(); ++t)
        for (std::size_t i = 0; i < width; ++i)
            rows.push_back(table[static_cast<std::size_t>(ids[t]) * width + i] +
                           (places.empty() ? 0 : places[t * width + i]));
    return widened(rounded(rows, {static_cast<std::int64_t>(ids.size()), model.config().dModel}, dtype));
}

// The final norm and the vocabulary matrix.
class Head {
public:
    Head(const Checkpoint& model, DType dtype)
        : m_config(model.config())
        , m_norm(widened(loaded(model, artifact::castTo(*model.modelWeight("final_norm.weight"), dtype))))
        , m_matrix(loaded(model, artifact::castTo(*model.modelWeight("lm_head.weight"), dtype)))
    {
        if (const auto bias = model.modelWeight("final_norm.bias"))
            m_bias = widened(loaded(model, artifact::castTo(*bias, dtype)));
    }

    [[nodiscard]] std::vector<double> logits(const std::vector<double>& states) const
    {
        const ir::Rows rows = m_config.architecture == Architecture::Gpt2
                                  ? ir::layerNormRows(states, m_norm, m_bias, m_config.normEpsilon)
                                  : ir::rmsNormRows(states, m_norm, m_config.normEpsilon);
        return ir::linearRows(rows, m_matrix, {}, 1, RunContext{});
    }

private:
    const TransformerConfig& m_config;
    std::vector<double> m_norm;
    std::vector<double> m_bias;
    ir::PackedMatrix m_matrix;
};

double lossOf(std::span<const double> logits, TokenId target)
{
    const double most = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (const double logit : logits)
        sum += std::exp(logit - most);
    return most + std::log(sum) - logits[static_cast<std::size_t>(target)];
}

void addLosses(CellRecord& cell, const std::vector<double>& logits, const std::vector<TokenId>& ids,
               std::mt19937_64& random)
{
    const std::size_t vocabulary = logits.size() / ids.size();
    for (std::size_t t = 0; t < ids.size(); ++t) {
        const std::span<const double> row = std::span(logits).subspan(t * vocabulary, vocabulary);
        if (t + 1 < ids.size()) {
            cell.lossBase.push_back(lossOf(row, ids[t + 1]));
            const double wobble = (static_cast<double>(random() >> 11) * 0x1p-53 - 0.5) * 1e-6;
            cell.lossStitched.push_back(cell.lossBase.back() + wobble);
        }
        std::vector<std::int32_t> order(vocabulary);
        std::iota(order.begin(), order.end(), 0);
        std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
            return row[static_cast<std::size_t>(a)] > row[static_cast<std::size_t>(b)];
        });
        for (std::size_t k = 0; k < 5; ++k) {
            cell.topIdBase.push_back(order[k]);
            cell.topIdStitched.push_back(order[k]);
            cell.topLogitBase.push_back(row[static_cast<std::size_t>(order[k])]);
            cell.topLogitStitched.push_back(row[static_cast<std::size_t>(order[k])]);
        }
    }
}

// Zeroes all but the longest `rank` rows, or columns if there are fewer of those.
void keepLongest(HostTensor& matrix, std::int64_t rank)
{
    const std::int64_t rows = matrix.shape[0];
    const std::int64_t columns = matrix.shape[1];
    std::vector<double> values = widened(matrix);
    std::vector<double> squares(static_cast<std::size_t>(std::min(rows, columns)));
    const auto lineOf = [&](std::size_t at) {
        return rows <= columns ? at / static_cast<std::size_t>(columns) : at % static_cast<std::size_t>(columns);
    };
    for (std::size_t at = 0; at < values.size(); ++at)
        squares[lineOf(at)] += values[at] * values[at];
    std::vector<double> falling = squares;
    std::sort(falling.rbegin(), falling.rend());
    const double least = falling[static_cast<std::size_t>(rank - 1)];
    for (std::size_t at = 0; at < values.size(); ++at)
        if (squares[lineOf(at)] < least)
            values[at] = 0;
    matrix = rounded(values, matrix.shape, matrix.dtype);
}

// Every matrix that is asked for reduced in this way, with singular values that would give the same norm and distance.
ir::BlockIr projected(ir::BlockIr block, const SurrogateChoice& choice)
{
    for (auto& [name, value] : block.weights) {
        const auto rank = surrogate::rankOf(block.program, choice, name);
        if (!rank)
            continue;
        const HostTensor whole = value;
        if (surrogate::isFitted(block.program, choice, name))
            keepLongest(value, *rank);
        const std::int64_t full = std::min(value.shape[0], value.shape[1]);
        const double kept = surrogate::frobeniusNorm(value) / std::sqrt(static_cast<double>(*rank));
        const double left = surrogate::frobeniusDistance(whole, value) /
                            std::sqrt(static_cast<double>(std::max<std::int64_t>(1, full - *rank)));
        std::vector<double> spectrum(static_cast<std::size_t>(full), left);
        std::fill_n(spectrum.begin(), *rank, kept);
        block.spectra[name] = rounded(spectrum, {full}, DType::F64);
    }
    return block;
}

RebuiltSurrogate surrogateOf(const Checkpoint& model, const Checkpoint* other, LayerIndex layer, std::int64_t longest,
                             const RunManifest& manifest, const Options& options)
{
    Certificate certificate;
    certificate.request = manifest.request;
    certificate.block = layer;
    std::optional<ir::BlockIr> stored;
    if (options.surrogate.family == SurrogateFamily::LowRank)
        stored = projected(blockIr(model, layer, longest, options), options.surrogate);
    RebuiltSurrogate made = rebuildSurrogate(certificate, model, other, stored, longest);
    if (stored)
        made.block.spectra = stored->spectra;
    for (auto& [name, weight] : made.block.program.weights)
        if (options.embed)
            weight.reference.reset();
    return made;
}

PromptSet promptSet(const Checkpoint& model, const Options& options)
{
    PromptFile file;
    file.name = "tiny";
    for (const std::string& text : options.texts) {
        PromptSource& source = file.prompts.emplace_back();
        source.id = "p" + std::to_string(file.prompts.size() - 1);
        source.text = text;
        file.sha256 = sha256Of(file.sha256 + text);
    }
    return prompts::encodePrompts(file, tokenizer::Tokenizer::of(model), {});
}

Subject subjectOf(const Checkpoint& model)
{
    const TransformerConfig& config = model.config();
    Subject subject{model.name(),
                    config.architecture == Architecture::Gpt2 ? "gpt2" : "llama",
                    model.configSha256(),
                    config.layers,
                    config.dModel,
                    config.heads,
                    {}};
    for (const artifact::WeightFile& file : model.files())
        subject.files.push_back({file.path.filename().string(), file.size, file.sha256});
    return subject;
}

RunManifest manifestOf(const Checkpoint& model, const Options& options)
{
    RunManifest manifest;
    manifest.created = "2026-01-02T03:04:05Z";
    manifest.toolVersion = "0.1.0";
    manifest.toolBuild = "test";
    manifest.commandLine = "blockcert certify " + options.model + " --blocks 0,1 --prompts tiny.txt -o run";
    manifest.modelHint = model.path().string();
    for (const std::int32_t block : options.blocks)
        manifest.request.blocks.push_back({block});
    manifest.request.baselineDtype = options.dtype;
    manifest.request.replayDtype = options.replayDtype;
    manifest.request.loss = options.loss;
    manifest.request.embedWeights = options.embed;
    manifest.request.policy = options.policy;
    manifest.request.surrogate = options.surrogate;
    manifest.request.ablation = options.ablation;
    manifest.request.seed = options.seed;
    manifest.subject = subjectOf(model);
    manifest.prompts = promptSet(model, options);
    manifest.environment = {"cpu", "Test CPU", "none", "none", "none", 1, "none", "eager", true, "Linux"};
    return manifest;
}

// Gradients of nothing in particular, and the estimates that follow from them for exact copies: below level 4 no
// verifier can tell. Losses are plain numbers too.
void estimateLosses(std::vector<std::vector<CellRecord>>& cells, const std::vector<ir::BlockIr>& irs,
                    std::mt19937_64& random)
{
    const auto draw = [&] { return static_cast<float>(static_cast<double>(random() >> 11) * 0x1p-53 - 0.5); };
    for (std::size_t block = 0; block < cells.size(); ++block)
        for (CellRecord& cell : cells[block]) {
            std::vector<float> gradient(static_cast<std::size_t>(cell.output.elementCount()));
            for (float& value : gradient)
                value = draw();
            cell.lossGradient = {DType::F32, cell.output.shape, {}};
            cell.lossGradient.bytes.resize(gradient.size() * sizeof(float));
            std::memcpy(cell.lossGradient.bytes.data(), gradient.data(), cell.lossGradient.bytes.size());
            const auto tokens = static_cast<std::size_t>(cell.output.shape[0]);
            const auto width = static_cast<std::size_t>(cell.output.shape[1]);
            std::vector<std::int32_t> positions(tokens);
            std::iota(positions.begin(), positions.end(), 0);
            const std::vector<double> replaced = roundedTo(
                cell.output.dtype,
                ir::ReferenceInterpreter(irs[block], 1).run(widened(cell.input), positions, RunContext{}).output);
            const std::vector<double> output = widened(cell.output);
            const std::vector<double> slopes = widened(cell.lossGradient);
            const auto row = [&](const std::vector<double>& rows, std::size_t t) {
                return std::span(rows).subspan(t * width, width);
            };
            for (std::size_t t = 0; t < tokens; ++t)
                cell.firstOrder.push_back(firstOrderChange(row(slopes, t), row(replaced, t), row(output, t)));
            for (std::size_t t = 1; t < tokens; ++t)
                cell.lossBase.push_back(3.0 + static_cast<double>(draw()));
        }
}

// The last of the material's blocks, its errors and its losses with another surrogate in its place.
void replaceBlock(const Checkpoint& model, const Checkpoint* other, std::int32_t layer,
                  const std::vector<ir::BlockIr>& baseline, std::int64_t longest, const Options& options,
                  Material& material)
{
    RebuiltSurrogate made = surrogateOf(model, other, {layer}, longest, material.manifest, options);
    material.weights.back() = made.weights;
    material.irs.back() = std::move(made.block);
    const ir::ReferenceInterpreter interpreter(material.irs.back(), 1);
    for (CellRecord& cell : material.cells.back()) {
        const auto& ids = material.manifest.prompts.prompts[static_cast<std::size_t>(cell.prompt.value)].tokenIds;
        std::vector<std::int32_t> positions(ids.size());
        std::iota(positions.begin(), positions.end(), 0);
        const ir::BlockReplay replayed = interpreter.run(widened(cell.input), positions, RunContext{});
        const auto distances = [&](const std::vector<double>& values, const HostTensor& recorded) {
            const std::vector<double> expected = widened(recorded);
            const std::size_t width = expected.size() / ids.size();
            std::vector<double> result;
            for (std::size_t t = 0; t < ids.size(); ++t)
                result.push_back(l2Distance(std::span(values).subspan(t * width, width),
                                            std::span(expected).subspan(t * width, width)));
            return result;
        };
        cell.error = distances(replayed.output, cell.output);
        cell.errorAttention = distances(replayed.attention, cell.attentionOutput);
        cell.errorMlp = distances(replayed.mlp, cell.mlpOutput);
        cell.attentionMargin = replayed.margin;
        if (options.loss != LossMode::Exact)
            continue;
        std::vector<double> state = widened(rounded(replayed.output, cell.output.shape, options.dtype));
        for (std::size_t rest = static_cast<std::size_t>(layer) + 1; rest < baseline.size(); ++rest)
            state =
                widened(rounded(ir::ReferenceInterpreter(baseline[rest], 1).run(state, positions, RunContext{}).output,
                                cell.output.shape, options.dtype));
        CellRecord stitched;
        std::mt19937_64 random(6);
        addLosses(stitched, Head(model, options.dtype).logits(state), ids, random);
        cell.lossStitched = stitched.lossBase;
        cell.topIdStitched = stitched.topIdBase;
        cell.topLogitStitched = stitched.topLogitBase;
    }
}

}

std::filesystem::path modelPath(const std::string& name)
{
    const std::filesystem::path folder = std::filesystem::path(environment("BLOCKCERT_TEST_DATA")) / "models" / name;
    return std::filesystem::exists(folder / "tiny.gguf") ? folder / "tiny.gguf" : folder;
}

Material make(const Options& options)
{
    Checkpoint model = Checkpoint::open(modelPath(options.model));
    model.hashFiles(RunContext{});
    Material material;
    material.manifest = manifestOf(model, options);
    std::optional<Checkpoint> other;
    if (!options.otherModel.empty()) {
        other.emplace(Checkpoint::open(modelPath(options.otherModel)));
        other->hashFiles(RunContext{});
        material.manifest.surrogateHint = other->path().string();
        material.manifest.surrogateModel = {subjectOf(*other), surrogate::modelDifferences(model, *other)};
    }
    const auto& prompts = material.manifest.prompts.prompts;
    std::int64_t longest = 0;
    for (const EncodedPrompt& prompt : prompts)
        longest = std::max(longest, static_cast<std::int64_t>(prompt.tokenIds.size()));

    std::mt19937_64 random(5);
    const std::int64_t width = model.config().dModel;
    std::vector<std::vector<double>> states;
    for (const EncodedPrompt& prompt : prompts)
        states.push_back(embedded(model, prompt.tokenIds, options.dtype));
    std::vector<std::vector<CellRecord>> cells; // of all blocks
    std::vector<ir::BlockIr> irs;
    for (std::int32_t layer = 0; layer < model.config().layers; ++layer) {
        irs.push_back(blockIr(model, {layer}, longest, options));
        const ir::ReferenceInterpreter interpreter(irs.back(), 1);
        cells.emplace_back();
        for (std::size_t p = 0; p < prompts.size(); ++p) {
            const auto tokens = static_cast<std::int64_t>(prompts[p].tokenIds.size());
            std::vector<std::int32_t> positions(static_cast<std::size_t>(tokens));
            std::iota(positions.begin(), positions.end(), 0);
            const ir::BlockReplay replay = interpreter.run(states[p], positions, RunContext{});
            const auto noisy = [&](std::vector<double> values) {
                for (double& value : values)
                    value *= 1 + (static_cast<double>(random() >> 11) * 0x1p-53 - 0.5) * options.noise;
                return rounded(values, {tokens, width}, options.dtype);
            };
            CellRecord cell;
            cell.block = {layer};
            cell.prompt = {static_cast<std::int32_t>(p)};
            cell.input = rounded(states[p], {tokens, width}, options.dtype);
            cell.output = noisy(replay.output);
            cell.attentionOutput = noisy(replay.attention);
            cell.mlpOutput = noisy(replay.mlp);
            cell.mask = causalMask(tokens);
            const std::vector<double> y = widened(cell.output);
            const std::vector<double> attention = widened(cell.attentionOutput);
            const std::vector<double> mlp = widened(cell.mlpOutput);
            for (std::size_t t = 0; t < static_cast<std::size_t>(tokens); ++t) {
                const auto row = [&](const std::vector<double>& rows) {
                    return std::span(rows).subspan(t * static_cast<std::size_t>(width),
                                                   static_cast<std::size_t>(width));
                };
                cell.error.push_back(l2Distance(row(replay.output), row(y)));
                cell.errorAttention.push_back(l2Distance(row(replay.attention), row(attention)));
                cell.errorMlp.push_back(l2Distance(row(replay.mlp), row(mlp)));
                cell.outputNorm.push_back(l2Norm(row(y)));
            }
            cell.attentionMargin = replay.margin;
            states[p] = y;
            cells.back().push_back(std::move(cell));
        }
    }
    if (options.loss == LossMode::Exact) {
        const Head head(model, options.dtype);
        for (std::size_t p = 0; p < prompts.size(); ++p) {
            const std::vector<double> logits = head.logits(states[p]);
            for (std::vector<CellRecord>& block : cells)
                addLosses(block[p], logits, prompts[p].tokenIds, random);
        }
    }
    if (options.loss == LossMode::FirstOrder)
        estimateLosses(cells, irs, random);
    for (const std::int32_t block : options.blocks) {
        material.cells.push_back(cells[static_cast<std::size_t>(block)]);
        material.irs.push_back(irs[static_cast<std::size_t>(block)]);
        material.weights.emplace_back();
        const bool exact = options.surrogate == SurrogateChoice{} && options.ablation == Ablation{};
        if (!exact)
            replaceBlock(model, other ? &*other : nullptr, block, irs, longest, options, material);
    }
    return material;
}

void replay(CellRecord& cell, const ir::BlockIr& ir)
{
    const auto tokens = static_cast<std::size_t>(cell.input.shape[0]);
    const auto width = static_cast<std::size_t>(cell.input.shape[1]);
    std::vector<std::int32_t> positions(tokens);
    std::iota(positions.begin(), positions.end(), 0);
    const ir::BlockReplay replayed = ir::ReferenceInterpreter(ir, 1).run(widened(cell.input), positions, RunContext{});
    cell.output = rounded(replayed.output, cell.input.shape, cell.input.dtype);
    cell.attentionOutput = rounded(replayed.attention, cell.input.shape, cell.input.dtype);
    cell.mlpOutput = rounded(replayed.mlp, cell.input.shape, cell.input.dtype);
    cell.attentionMargin = replayed.margin;
    const std::vector<double> y = widened(cell.output);
    const std::vector<double> attention = widened(cell.attentionOutput);
    const std::vector<double> mlp = widened(cell.mlpOutput);
    for (std::size_t t = 0; t < tokens; ++t) {
        const auto row = [&](const std::vector<double>& rows) { return std::span(rows).subspan(t * width, width); };
        cell.error[t] = l2Distance(row(replayed.output), row(y));
        cell.errorAttention[t] = l2Distance(row(replayed.attention), row(attention));
        cell.errorMlp[t] = l2Distance(row(replayed.mlp), row(mlp));
        cell.outputNorm[t] = l2Norm(row(y));
    }
}

void replaceWeight(Material& material, std::size_t block, const std::string& weight, HostTensor value)
{
    ir::BlockIr& ir = material.irs[block];
    ir.program.weights.at(weight).sha256 = sha256OfTensor(value);
    ir.weights.at(weight) = std::move(value);
    const ir::ReferenceInterpreter interpreter(ir, 1);
    for (CellRecord& cell : material.cells[block]) {
        const auto width = static_cast<std::size_t>(cell.input.shape[1]);
        std::vector<std::int32_t> positions(static_cast<std::size_t>(cell.input.shape[0]));
        std::iota(positions.begin(), positions.end(), 0);
        const ir::BlockReplay replayed = interpreter.run(widened(cell.input), positions, RunContext{});
        const auto distances = [&](const std::vector<double>& own, const HostTensor& recorded) {
            const std::vector<double> rows = widened(recorded);
            std::vector<double> errors;
            for (std::size_t at = 0; at < rows.size(); at += width)
                errors.push_back(l2Distance(std::span(own).subspan(at, width), std::span(rows).subspan(at, width)));
            return errors;
        };
        cell.error = distances(replayed.output, cell.output);
        cell.errorAttention = distances(replayed.attention, cell.attentionOutput);
        cell.errorMlp = distances(replayed.mlp, cell.mlpOutput);
        cell.attentionMargin = replayed.margin;
    }
}

void write(const Material& material, const std::filesystem::path& run)
{
    RunWriter writer(run, material.manifest, OpenMode::Create);
    for (std::size_t b = 0; b < material.cells.size(); ++b) {
        for (const CellRecord& cell : material.cells[b])
            writer.writeCell(cell);
        static_cast<void>(
            writer.finishBlock(material.manifest.request.blocks[b], material.irs[b], material.weights[b]));
    }
    writer.finish();
}

std::filesystem::path readerChild()
{
    return std::filesystem::path(environment("BLOCKCERT_BIN")) / "archive_reader_child";
}

}
