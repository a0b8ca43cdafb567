#include "engine/failures/failures.h"

#include "engine/base/atomic_file.h"
#include "engine/base/csv_writer.h"
#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/certificate/verdict_text.h"
#include "engine/failures/block_facts.h"
#include "engine/failures/block_summary.h"
#include "engine/failures/statistics.h"
#include "engine/failures/stored_block.h"
#include "engine/protocol/block_rows.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <system_error>
#include <utility>

namespace blockcert::failures {

namespace {

namespace fs = std::filesystem;
using certificate::RunDocument;
using certificate::RunFolder;

Json orNull(const std::optional<double>& value)
{
    return value ? Json(*value) : Json();
}

Json finiteOrNull(double value)
{
    return std::isfinite(value) ? Json(value) : Json();
}

Json normsToJson(const std::vector<HeadNorms>& norms, std::size_t row)
{
    if (norms.empty())
        return nullptr;
    return {{"min", norms[row].least}, {"median", norms[row].median}, {"max", norms[row].most}};
}

// The covered token of the same prompt that lies nearest; of two the earlier one.
Json nearestPassing(const BlockFacts& facts, std::size_t row, const PromptSet& prompts)
{
    const TokenLocation place = facts.place(row);
    const std::size_t begin = facts.row(place.prompt, 0);
    const std::size_t end = static_cast<std::size_t>(facts.offset[static_cast<std::size_t>(place.prompt.value) + 1]);
    for (std::size_t distance = 1; distance < end - begin; ++distance)
        for (const bool before : {true, false}) {
            if (before ? row < begin + distance : row + distance >= end)
                continue;
            const std::size_t other = before ? row - distance : row + distance;
            if (!facts.covered[other])
                continue;
            const TokenLocation found = facts.place(other);
            return {{"token", found.token},
                    {"piece", protocol::pieceAt(prompts, found.prompt, found.token)},
                    {"distance", distance},
                    {"error", facts.error[other]},
                    {"output_norm", facts.outputNorm[other]},
                    {"key_norm", normsToJson(facts.key, other)},
                    {"value_norm", normsToJson(facts.value, other)},
                    {"margin", facts.hasMargin[other] ? Json(median(facts.marginsOf(other))) : Json()}};
        }
    return nullptr;
}

Json neighbour(const BlockFacts& facts, std::size_t row)
{
    return {{"block", facts.block.value},
            {"error", facts.error[row]},
            {"relative", finiteOrNull(facts.relative[row])},
            {"covered", static_cast<bool>(facts.covered[row])},
            {"output_norm", facts.outputNorm[row]},
            {"massive", facts.isMassive(row)}};
}

Json failureToJson(const std::vector<BlockFacts>& blocks, std::size_t at, std::size_t row, const PromptSet& prompts)
{
    const BlockFacts& facts = blocks[at];
    const TokenLocation place = facts.place(row);
    const EncodedPrompt& prompt = prompts.prompts[static_cast<std::size_t>(place.prompt.value)];
    const std::vector<double> margins = facts.marginsOf(row);
    const auto smallest = std::ranges::min_element(margins);
    Json neighbours = Json::array();
    if (at > 0)
        neighbours.push_back(neighbour(blocks[at - 1], row));
    if (at + 1 < blocks.size())
        neighbours.push_back(neighbour(blocks[at + 1], row));
    const bool parts = !facts.errorAttention.empty();
    Json margin;
    if (facts.hasMargin[row])
        margin = {{"min", *smallest}, {"head", smallest - margins.begin()}, {"median", median(margins)}};
    return {{"block", facts.block.value},
            {"prompt", place.prompt.value},
            {"prompt_id", prompt.id},
            {"token", place.token},
            {"token_id", prompt.tokenIds[static_cast<std::size_t>(place.token)]},
            {"truncated", prompt.truncatedTokens},
            {"piece", protocol::pieceAt(prompts, place.prompt, place.token)},
            {"covered", static_cast<bool>(facts.covered[row])},
            {"error", facts.error[row]},
            {"relative", finiteOrNull(facts.relative[row])},
            {"error_attn", parts ? Json(facts.errorAttention[row]) : Json()},
            {"error_mlp", parts ? Json(facts.errorMlp[row]) : Json()},
            {"input_norm", facts.inputNorm[row]},
            {"output_norm", facts.outputNorm[row]},
            {"norm_ratio", facts.medianNorm > 0 ? Json(facts.outputNorm[row] / facts.medianNorm) : Json()},
            {"massive", facts.isMassive(row)},
            {"key_norm", normsToJson(facts.key, row)},
            {"value_norm", normsToJson(facts.value, row)},
            {"margin_heads", facts.hasMargin[row] ? Json(margins) : Json()},
            {"margin", std::move(margin)},
            {"loss_change", orNull(facts.lossChange[row])},
            {"nearest_passing", nearestPassing(facts, row, prompts)},
            {"neighbours", std::move(neighbours)}};
}

Json summaryToJson(const BlockFacts& facts, const BlockSummary& summary, const Certificate& certificate,
                   const PromptSet& prompts)
{
    Json contrasts = Json::array();
    for (const Contrast& contrast : summary.contrasts)
        contrasts.push_back({{"quantity", contrast.quantity},
                             {"failing", contrast.failing},
                             {"passing", contrast.passing},
                             {"ratio", orNull(contrast.ratio)},
                             {"correlation", orNull(contrast.correlation)}});
    const TokenLocation worst = facts.place(summary.worst);
    const auto prompt = static_cast<std::size_t>(summary.worstPrompt.value);
    return {{"block", summary.block.value},
            {"tokens", summary.tokens},
            {"uncovered", summary.uncovered},
            {"coverage", static_cast<double>(summary.tokens - summary.uncovered) / static_cast<double>(summary.tokens)},
            {"loss_coverage", orNull(certificate.metrics.loss.value)},
            {"epsilon", summary.epsilon},
            {"relative_epsilon", finiteOrNull(summary.relativeEpsilon)},
            {"epsilon_ratio", orNull(summary.epsilonRatio)},
            {"median_error", summary.medianError},
            {"median_relative", orNull(summary.medianRelative)},
            {"median_norm", facts.medianNorm},
            {"massive", summary.massive},
            {"tokens_of_half_the_error", summary.halfOfError},
            {"worst", {{"prompt", worst.prompt.value}, {"token", worst.token}}},
            {"worst_prompt",
             {{"prompt", prompt},
              {"id", prompts.prompts[prompt].id},
              {"uncovered", summary.worstPromptUncovered},
              {"tokens", summary.worstPromptTokens}}},
            {"failing", summary.failingAreUncovered ? "uncovered" : "largest"},
            {"failing_tokens", summary.failing.size()},
            {"largest_loss_change", orNull(summary.largestLossChange)},
            {"contrasts", std::move(contrasts)}};
}

// A block's facts; without weights where run.json's hint leads nowhere.
class RunAnatomy {
public:
    RunAnatomy(const fs::path& run, const FailuresOptions& options, const RunContext& context)
        : m_folder(run)
        , m_options(options)
        , m_context(context)
        , m_run(readRun(m_folder))
        , m_weights(options.model, m_run.manifest.modelHint, options.locations)
        , m_certificates(readCertificates(m_folder, m_run))
    {
        if (m_certificates.empty())
            throw UsageError("The run " + run.string() + " has no finished block yet; resume it.");
    }

    Json take()
    {
        const auto prompts = static_cast<std::int64_t>(m_run.manifest.prompts.prompts.size());
        const std::int64_t cells = static_cast<std::int64_t>(m_certificates.size()) * prompts;
        std::int64_t done = 0;
        std::vector<double> epsilons;
        for (const Certificate& certificate : m_certificates) {
            certificate::ProbeReader probes = openProbes(m_folder, certificate, m_options.childProgram, m_context);
            requireSamePrompts(probes);
            const std::optional<ir::BlockIr> surrogate = surrogateOf(certificate);
            m_blocks.push_back(readFacts(probes, certificate, surrogate ? &*surrogate : nullptr, m_options.threads,
                                         done, cells, m_context));
            epsilons.push_back(std::ranges::max(m_blocks.back().deciding()));
        }
        for (const BlockFacts& facts : m_blocks)
            m_summaries.push_back(summarise(facts, epsilons));
        return toJson();
    }

private:
    // All blocks must tell about the same tokens, or a row of one would be another token in its neighbour.
    void requireSamePrompts(const certificate::ProbeReader& probes) const
    {
        std::vector<TokenId> ids;
        std::vector<std::int64_t> counts;
        for (const EncodedPrompt& prompt : m_run.manifest.prompts.prompts) {
            ids.insert(ids.end(), prompt.tokenIds.begin(), prompt.tokenIds.end());
            counts.push_back(static_cast<std::int64_t>(prompt.tokenIds.size()));
        }
        if (ids != probes.tokenIds() || certificate::offsetsOf(counts) != probes.shape().offset)
            throw FormatError("Block " + std::to_string(probes.block().value) +
                              " was recorded on other tokens than run.json says; blockcert verify says more.");
    }

    std::optional<ir::BlockIr> surrogateOf(const Certificate& certificate)
    {
        if (!m_problem.empty())
            return std::nullopt;
        try {
            return readSurrogate(m_folder, certificate, m_options.childProgram, m_weights, m_context);
        } catch (const UsageError& error) {
            if (!m_options.model.empty())
                throw;
            m_problem = std::string("Key and value norms are missing: ") + error.what();
            return std::nullopt;
        }
    }

    Json toJson() const
    {
        const PromptSet& prompts = m_run.manifest.prompts;
        const Policy& policy = m_run.manifest.request.policy;
        const bool relative = policy.measure == ErrorMeasure::RelativeL2;
        const std::optional<std::size_t> standing = outstanding(m_summaries);
        Json blocks = Json::array();
        Json failures = Json::array();
        Json notes = Json::array();
        for (std::size_t at = 0; at < m_blocks.size(); ++at) {
            m_context.step();
            Json block = summaryToJson(m_blocks[at], m_summaries[at], m_certificates[at], prompts);
            const auto sentences =
                explain(m_blocks[at], m_summaries[at], standing == at, m_blocks.size(), m_run.manifest);
            if (standing == at)
                notes = sentences;
            block["notes"] = sentences;
            blocks.push_back(std::move(block));
            for (const std::size_t row : rowsToTell(m_blocks[at]))
                failures.push_back(failureToJson(m_blocks, at, row, prompts));
        }
        const auto cut = certificate::truncationText(prompts, m_run.manifest.request.maxTokens);
        Json problems = Json::array();
        if (!m_problem.empty())
            problems.push_back(m_problem);
        return {{"schema", "blockcert.failures/1"},
                {"run", m_folder.path().string()},
                {"complete", m_run.state.complete},
                {"measure", relative ? "relative-l2" : "l2"},
                {"threshold", relative ? policy.tauRel : policy.tauAct},
                {"massive_factor", protocol::massiveFactor},
                {"outstanding", standing ? Json(m_blocks[*standing].block.value) : Json()},
                {"blocks", std::move(blocks)},
                {"failures", std::move(failures)},
                {"notes", std::move(notes)},
                {"truncation", cut ? Json(*cut + ".") : Json()},
                {"problems", std::move(problems)}};
    }

    RunFolder m_folder;
    const FailuresOptions& m_options;
    const RunContext& m_context;
    RunDocument m_run;
    certificate::WeightSource m_weights;
    std::vector<Certificate> m_certificates;
    std::vector<BlockFacts> m_blocks;
    std::vector<BlockSummary> m_summaries;
    std::string m_problem;
};

std::optional<double> numberAt(const Json& object, const char* key)
{
    const Json& value = object.at(key);
    return value.is_null() ? std::nullopt : std::optional(value.get<double>());
}

}

Json findFailures(const fs::path& run, const FailuresOptions& options, const RunContext& context)
{
    return RunAnatomy(run, options, context).take();
}

std::string failuresToCsv(const Json& anatomy)
{
    CsvWriter csv({"block",          "prompt",           "prompt_id",       "token",          "token_id",
                   "piece",          "covered",          "error",           "relative",       "error_attn",
                   "error_mlp",      "input_norm",       "output_norm",     "norm_ratio",     "massive",
                   "key_norm_min",   "key_norm_median",  "key_norm_max",    "value_norm_min", "value_norm_median",
                   "value_norm_max", "margin_min",       "margin_head",     "margin_median",  "loss_change",
                   "nearest_token",  "nearest_distance", "nearest_error",   "block_before",   "error_before",
                   "block_after",    "error_after",      "prompt_truncated"});
    for (const Json& row : anatomy.at("failures")) {
        csv.integer(row.at("block")).integer(row.at("prompt")).text(row.at("prompt_id").get<std::string>());
        csv.integer(row.at("token")).integer(row.at("token_id")).text(row.at("piece").get<std::string>());
        csv.boolean(row.at("covered"));
        for (const char* key :
             {"error", "relative", "error_attn", "error_mlp", "input_norm", "output_norm", "norm_ratio"})
            csv.number(numberAt(row, key));
        csv.boolean(row.at("massive"));
        for (const char* norm : {"key_norm", "value_norm"})
            for (const char* key : {"min", "median", "max"})
                csv.number(row.at(norm).is_null() ? std::nullopt : numberAt(row.at(norm), key));
        if (const Json& margin = row.at("margin"); margin.is_null())
            csv.nothing().nothing().nothing();
        else
            csv.number(numberAt(margin, "min")).integer(margin.at("head")).number(numberAt(margin, "median"));
        csv.number(numberAt(row, "loss_change"));
        if (const Json& nearest = row.at("nearest_passing"); nearest.is_null())
            csv.nothing().nothing().nothing();
        else
            csv.integer(nearest.at("token")).integer(nearest.at("distance")).number(numberAt(nearest, "error"));
        for (const bool before : {true, false}) {
            const auto isWanted = [&](const Json& other) {
                return before == (other.at("block").get<int>() < row.at("block").get<int>());
            };
            const Json& others = row.at("neighbours");
            const auto found = std::ranges::find_if(others, isWanted);
            if (found == others.end())
                csv.nothing().nothing();
            else
                csv.integer(found->at("block")).number(numberAt(*found, "error"));
        }
        csv.integer(row.at("truncated"));
        csv.endRow();
    }
    return csv.content();
}

fs::path folderBeside(const fs::path& run, const std::string& extension)
{
    fs::path name = fs::absolute(run).lexically_normal();
    if (!name.has_filename())
        name = name.parent_path();
    if (name.extension() == ".blockcert")
        name.replace_extension();
    name += "." + extension;
    return name;
}

void requireOutside(const fs::path& run, const fs::path& out)
{
    const fs::path inner = fs::weakly_canonical(fs::absolute(out));
    const fs::path outer = fs::weakly_canonical(fs::absolute(run));
    const fs::path relative = inner.lexically_relative(outer);
    if (!relative.empty() && *relative.begin() != "..")
        throw UsageError("The output " + out.string() + " lies in the run " + run.string() +
                         ", to which nothing may be added; choose a place outside it.");
}

void writeFailures(const Json& anatomy, const fs::path& folder)
{
    writeTogether(folder, {{"failures.json", writeJson(anatomy)}, {"failures.csv", failuresToCsv(anatomy)}});
}

void writeTogether(const fs::path& folder, const std::vector<std::pair<std::string, std::string>>& files)
{
    std::error_code problem;
    const bool isNew = !fs::exists(folder, problem);
    fs::create_directories(folder, problem);
    if (problem)
        throw OutputError("Cannot create the folder " + folder.string() + ": " + problem.message() + ".");
    const auto partOf = [&](const std::string& name) { return folder / (name + ".part"); };
    try {
        for (const auto& [name, bytes] : files)
            writeFileAtomically(partOf(name), bytes);
        for (const auto& [name, bytes] : files) {
            fs::rename(partOf(name), folder / name, problem);
            if (problem)
                throw OutputError("Cannot write " + (folder / name).string() + ": " + problem.message() + ".");
        }
    } catch (...) {
        for (const auto& [name, bytes] : files)
            fs::remove(partOf(name), problem);
        if (isNew)
            fs::remove(folder, problem); // unless somebody else put something into it
        throw;
    }
}

}
