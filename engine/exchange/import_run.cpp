#include "engine/exchange/import_run.h"

#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/base/sha256.h"
#include "engine/certificate/block_list.h"
#include "engine/certificate/certificate_codec.h"
#include "engine/certificate/json_fields.h"
#include "engine/certificate/metrics.h"
#include "engine/certificate/policy_file.h"
#include "engine/certificate/reference_model.h"
#include "engine/certificate/run_layout.h"
#include "engine/certificate/run_writer.h"
#include "engine/certificate/subject_of.h"
#include "engine/certificate/widen.h"
#include "engine/exchange/npz_blocks.h"
#include "engine/exchange/trace_file.h"
#include "engine/ir/reference_interpreter.h"
#include "engine/protocol/block_rows.h"
#include "engine/tokenizer/tokenizer.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <system_error>

namespace blockcert::exchange {

namespace {

namespace fs = std::filesystem;
using artifact::Checkpoint;
using certificate::widened;
using tokenizer::SpecialTokens;
using tokenizer::Tokenizer;

// A path that works from elsewhere; "demo" and hub ids stay as they are.
std::string hintOf(const std::string& model)
{
    std::error_code missing;
    return fs::exists(model, missing) ? fs::absolute(model).lexically_normal().string() : model;
}

std::optional<Tokenizer> tokenizerOf(const Checkpoint& model)
{
    try {
        return Tokenizer::of(model);
    } catch (const Error&) {
        return std::nullopt; // the ids are what counts
    }
}

// Ids below the vocabulary, within the context, and those of the model's own tokenizer where the text is stated.
EncodedPrompt promptOf(const TracePrompt& traced, std::size_t number, const TransformerConfig& config,
                       const std::optional<Tokenizer>& tokenizer, const std::string& file)
{
    const std::string name = file + ": prompt " + std::to_string(number) + " (" + traced.id + ")";
    const auto tokens = static_cast<std::int64_t>(traced.tokenIds.size());
    if (tokens > config.context)
        throw UsageError(name + " has " + std::to_string(tokens) + " tokens, more than the model's context of " +
                         std::to_string(config.context) + "; is it a trace of another model?");
    for (std::size_t t = 0; t < traced.tokenIds.size(); ++t)
        if (traced.tokenIds[t] >= config.vocab)
            throw UsageError(name + ", token " + std::to_string(t) + ": the id " + std::to_string(traced.tokenIds[t]) +
                             " lies outside the model's vocabulary of " + std::to_string(config.vocab) +
                             "; the trace was made with another tokenizer.");
    EncodedPrompt prompt;
    prompt.id = traced.id;
    prompt.tokenIds = traced.tokenIds;
    prompt.truncatedTokens = traced.truncated;
    if (!tokenizer)
        return prompt;
    if (!traced.text.empty()) {
        // The recorder may have left off the end, and then says how much.
        const auto gives = [&](SpecialTokens special) {
            const std::vector<TokenId> ids = tokenizer->encode(traced.text, special);
            return ids.size() == traced.tokenIds.size() + static_cast<std::size_t>(traced.truncated) &&
                   std::equal(traced.tokenIds.begin(), traced.tokenIds.end(), ids.begin());
        };
        if (!gives(SpecialTokens::Add) && !gives(SpecialTokens::Omit))
            throw UsageError(name + ": the ids" +
                             (traced.truncated > 0
                                  ? " and the " + std::to_string(traced.truncated) + " that were cut off"
                                  : std::string()) +
                             " are not what the model's tokenizer gives for the stated text; the trace was made with "
                             "another tokenizer, or cut without saying so.");
        prompt.rendered = traced.text;
    }
    for (const TokenId id : prompt.tokenIds)
        prompt.pieces.push_back(id < tokenizer->vocabularySize() ? tokenizer->piece(id) : std::string());
    return prompt;
}

std::vector<LayerIndex> chooseBlocks(const ImportOptions& options, const TraceSource& trace, std::int32_t layers)
{
    const std::string file = options.file.string();
    if (const std::int32_t last = trace.blocks().back().value; last >= layers)
        throw UsageError(file + ": the trace holds block " + std::to_string(last) + ", but the model has " +
                         std::to_string(layers) + "; is it a trace of another model?");
    if (options.blocks == "all")
        return trace.blocks();
    std::vector<LayerIndex> blocks = certificate::blocksFrom(options.blocks, layers);
    for (const LayerIndex block : blocks)
        if (!std::ranges::binary_search(trace.blocks(), block))
            throw UsageError(file + ": the trace does not hold block " + std::to_string(block.value) +
                             "; record it, or leave it out of --blocks.");
    return blocks;
}

// Gives the surrogate of a block for prompts of at most so many tokens, every weight with its value.
using SurrogateSource = std::function<ir::BlockIr(const Checkpoint&, LayerIndex, std::int64_t)>;

class Importer {
public:
    Importer(const ImportOptions& options, const TraceSource& trace, const RunContext& context)
        : m_options(options)
        , m_context(context)
        , m_trace(trace)
        , m_model(Checkpoint::open(artifact::resolveModel(options.model, options.locations)))
    {
    }

    // `family` names the surrogates in the certificate; `digest` gives the trace's, once the request makes sense.
    Json run(SurrogateFamily family, const std::function<std::string()>& digest, const SurrogateSource& surrogates)
    {
        prepare(family, digest);
        readThrough(family, surrogates);
        certificate::RunWriter writer(m_options.out, m_manifest,
                                      m_options.resume ? certificate::OpenMode::Resume : certificate::OpenMode::Create,
                                      m_options.childProgram);
        Json rows = Json::array();
        const auto prompts = static_cast<std::int64_t>(m_manifest.prompts.prompts.size());
        m_progress = {"replay",
                      0,
                      static_cast<std::int64_t>(m_manifest.request.blocks.size()) * prompts,
                      std::nullopt,
                      std::nullopt,
                      "cells",
                      ""};
        writer.during([&] {
            for (const LayerIndex block : m_manifest.request.blocks)
                rows.push_back(protocol::blockRow(certify(block, surrogates, writer), m_manifest.prompts));
            writer.finish();
        });
        return {{"run", m_options.out.string()},
                {"complete", true},
                {"blocks", std::move(rows)},
                {"findings", Json::array()},
                {"command", m_options.commandLine}};
    }

private:
    void prepare(SurrogateFamily family, const std::function<std::string()>& digest)
    {
        const TransformerConfig& config = m_model.config();
        if (m_trace.width() != config.dModel)
            throw UsageError(m_options.file.string() + ": the trace's states are " + std::to_string(m_trace.width()) +
                             " wide, the model's " + std::to_string(config.dModel) +
                             "; is it a trace of another model?");
        RunRequest& request = m_manifest.request;
        request.blocks = chooseBlocks(m_options, m_trace, config.layers);
        request.baselineDtype = m_trace.dtype();
        request.loss = LossMode::None;
        request.surrogate.family = family;
        request.embedWeights = m_options.embedWeights;
        request.policy = m_options.policy(certificate::defaultPolicy(m_trace.dtype()));
        request.imported = m_trace.baseline();

        const std::optional<Tokenizer> tokenizer = tokenizerOf(m_model);
        for (std::size_t p = 0; p < m_trace.prompts().size(); ++p)
            m_manifest.prompts.prompts.push_back(
                promptOf(m_trace.prompts()[p], p, config, tokenizer, m_options.file.string()));
        request.imported->traceSha256 = digest();
        m_manifest.prompts.name = m_options.file.stem().string();
        m_manifest.prompts.sha256 = request.imported->traceSha256;
        m_model.hashFiles(m_context);
        m_manifest.subject = certificate::subjectOf(m_model);
        m_manifest.created = m_options.created;
        m_manifest.toolVersion = m_options.toolVersion;
        m_manifest.toolBuild = m_options.toolBuild;
        m_manifest.commandLine = m_options.commandLine;
        m_manifest.modelHint = hintOf(m_options.model);
        m_manifest.environment = m_options.environment;
        bool isCut = false;
        for (const EncodedPrompt& prompt : m_manifest.prompts.prompts) {
            m_longest = std::max(m_longest, static_cast<std::int64_t>(prompt.tokenIds.size()));
            isCut = isCut || prompt.truncatedTokens > 0;
        }
        request.maxTokens = isCut ? m_longest : std::max(request.maxTokens, m_longest); // the recorder's own limit
    }

    // Whatever a file can be refused for comes before the first byte of a run.
    void readThrough(SurrogateFamily family, const SurrogateSource& surrogates)
    {
        for (const LayerIndex block : m_manifest.request.blocks) {
            m_context.step();
            for (std::int32_t p = 0; p < static_cast<std::int32_t>(m_manifest.prompts.prompts.size()); ++p)
                static_cast<void>(m_trace.rows({p}, block));
            if (family != SurrogateFamily::Exact) // whose weights are the model's
                static_cast<void>(surrogates(m_model, block, m_longest));
        }
    }

    // The surrogate, replayed on everything that is not there yet.
    Certificate certify(LayerIndex block, const SurrogateSource& surrogates, certificate::RunWriter& writer)
    {
        const auto prompts = static_cast<std::int32_t>(m_manifest.prompts.prompts.size());
        if (writer.hasBlock(block)) {
            m_progress.done += prompts;
            return finished(block);
        }
        ir::BlockIr surrogate = surrogates(m_model, block, m_longest);
        if (m_options.embedWeights)
            for (auto& [name, weight] : surrogate.program.weights)
                weight.reference.reset();
        std::optional<ir::ReferenceInterpreter> interpreter;
        for (std::int32_t p = 0; p < prompts; ++p) {
            if (!writer.hasCell(block, {p})) {
                if (!interpreter)
                    interpreter.emplace(surrogate, m_options.threads);
                writer.writeCell(cellOf(block, {p}, *interpreter));
            }
            ++m_progress.done;
            m_progress.block = block.value;
            m_progress.prompt = p;
            m_context.step(m_progress);
        }
        return writer.finishBlock(block, surrogate);
    }

    // Of a block that an interrupted import had finished.
    [[nodiscard]] Certificate finished(LayerIndex block) const
    {
        const std::string path = certificate::certificatePath(block);
        const std::string text = readWholeFile(m_options.out / path, certificate::largestDocument);
        return certificate::certificateFromJson(certificate::parseDocument(text, path), path);
    }

    CellRecord cellOf(LayerIndex block, PromptIndex prompt, const ir::ReferenceInterpreter& interpreter)
    {
        TraceRows rows = m_trace.rows(prompt, block);
        const auto tokens = static_cast<std::size_t>(rows.input.shape[0]);
        const auto width = static_cast<std::size_t>(rows.input.shape[1]);
        std::vector<std::int32_t> positions(tokens);
        std::iota(positions.begin(), positions.end(), 0);
        const ir::BlockReplay replay = interpreter.run(widened(rows.input), positions, m_context);

        CellRecord cell;
        cell.block = block;
        cell.prompt = prompt;
        cell.mask = m_trace.mask(prompt, block);
        cell.attentionMargin = replay.margin;
        const std::vector<double> y = widened(rows.output);
        cell.error = distances(replay.output, y, width);
        for (std::size_t t = 0; t < tokens; ++t)
            cell.outputNorm.push_back(certificate::l2Norm(std::span(y).subspan(t * width, width)));
        if (m_trace.baseline().sublayers) {
            cell.errorAttention = distances(replay.attention, widened(rows.attentionOutput), width);
            cell.errorMlp = distances(replay.mlp, widened(rows.mlpOutput), width);
        }
        cell.input = std::move(rows.input);
        cell.output = std::move(rows.output);
        cell.attentionOutput = std::move(rows.attentionOutput);
        cell.mlpOutput = std::move(rows.mlpOutput);
        return cell;
    }

    static std::vector<double> distances(const std::vector<double>& a, const std::vector<double>& b, std::size_t width)
    {
        std::vector<double> all;
        for (std::size_t row = 0; row < a.size(); row += width)
            all.push_back(certificate::l2Distance(std::span(a).subspan(row, width), std::span(b).subspan(row, width)));
        return all;
    }

    const ImportOptions& m_options;
    const RunContext& m_context;
    const TraceSource& m_trace;
    Checkpoint m_model;
    RunManifest m_manifest;
    std::int64_t m_longest = 0;
    Progress m_progress;
};

}

Json importTrace(const ImportOptions& options, const RunContext& context)
{
    const TraceFile trace = TraceFile::open(options.file);
    return Importer(options, trace, context)
        .run(
            SurrogateFamily::Exact, [&] { return sha256OfFile(options.file, context); },
            [&](const Checkpoint& model, LayerIndex block, std::int64_t tokens) {
                return certificate::rebuildIr(model, block, WeightOrigin::Baseline, trace.dtype(), tokens);
            });
}

Json importNpz(const ImportOptions& asked, const RunContext& context)
{
    ImportOptions options = asked;
    options.embedWeights = true; // they are nobody's files but the archive's
    const NpzBlocks blocks(options.file);
    // Of several files the digest of their digests, in the order of the blocks.
    const auto digest = [&] {
        std::string digests;
        for (const fs::path& file : blocks.files())
            digests += sha256OfFile(file, context);
        return blocks.files().size() == 1 ? digests : sha256Of(digests);
    };
    return Importer(options, blocks, context)
        .run(SurrogateFamily::Given, digest, [&](const Checkpoint& model, LayerIndex block, std::int64_t) {
            return blocks.surrogate(block, model.config());
        });
}

}
