#include "engine/protocol/run_diff.h"

#include "engine/base/error.h"
#include "engine/certificate/run_folder.h"
#include "engine/protocol/read_run.h"
#include "engine/protocol/run_metrics.h"
#include "engine/protocol/stitch_rows.h"
#include "engine/surrogate/surrogate_text.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

namespace blockcert::protocol {

namespace {

// A prompt of A and the prompt of B with the same token ids.
struct PromptPair {
    std::size_t a = 0;
    std::size_t b = 0;
};

struct Alignment {
    std::vector<PromptPair> common; // in A's order; each prompt of B at most once
    std::vector<std::size_t> onlyA;
    std::vector<std::size_t> onlyB;

    [[nodiscard]] bool isWhole() const { return onlyA.empty() && onlyB.empty(); }
};

// Positions of the prompts with these ids: the metrics of a certificate are found in the same order.
Alignment align(const PromptSet& a, const PromptSet& b)
{
    std::map<std::vector<TokenId>, std::vector<std::size_t>> left; // of B, not yet taken
    for (std::size_t q = b.prompts.size(); q-- > 0;)
        left[b.prompts[q].tokenIds].push_back(q);
    Alignment alignment;
    for (std::size_t p = 0; p < a.prompts.size(); ++p) {
        const auto found = left.find(a.prompts[p].tokenIds);
        if (found == left.end() || found->second.empty()) {
            alignment.onlyA.push_back(p);
            continue;
        }
        alignment.common.push_back({p, found->second.back()});
        found->second.pop_back();
    }
    for (const auto& [ids, positions] : left)
        alignment.onlyB.insert(alignment.onlyB.end(), positions.begin(), positions.end());
    std::ranges::sort(alignment.onlyB);
    return alignment;
}

Json numberOrNull(const std::optional<double>& value)
{
    return value ? Json(*value) : Json();
}

class Comparison {
public:
    Comparison(RunReading a, RunReading b, const DiffOptions& options)
        : m_a(std::move(a))
        , m_b(std::move(b))
        , m_options(options)
        , m_prompts(align(m_a.document.manifest.prompts, m_b.document.manifest.prompts))
    {
    }

    Json run()
    {
        compareStates();
        compareSettings();
        comparePolicies();
        comparePrompts();
        Json blocks = compareBlocks();
        Json stitches = compareStitches();
        std::map<std::string, int> counts;
        for (const Json& change : m_changes)
            ++counts[change.at("kind").get<std::string>()];
        const char* result = counts["weaker"] > 0 ? "weaker" : m_changes.empty() ? "equal" : "changed";
        return {{"schema", "blockcert.diff/1"},     {"result", result},
                {"tolerance", m_options.tolerance}, {"weaker", counts["weaker"]},
                {"stronger", counts["stronger"]},   {"other", counts["other"]},
                {"changes", std::move(m_changes)},  {"prompts", promptRows()},
                {"blocks", std::move(blocks)},      {"cells", std::move(m_cells)},
                {"stitches", std::move(stitches)}};
    }

    [[nodiscard]] const RunReading& a() const { return m_a; }

    [[nodiscard]] const RunReading& b() const { return m_b; }

private:
    struct Place {
        std::optional<LayerIndex> block;
        std::optional<std::string> prompt; // its id in A, or in B where A has none
        std::optional<std::string> stitch;
    };

    [[nodiscard]] const RunManifest& manifestA() const { return m_a.document.manifest; }

    [[nodiscard]] const RunManifest& manifestB() const { return m_b.document.manifest; }

    void add(const char* kind, std::string code, const Place& place, Json a, Json b)
    {
        const bool numbers = a.is_number() && b.is_number();
        Json delta = numbers ? Json(b.get<double>() - a.get<double>()) : Json();
        m_changes.push_back({{"kind", kind},
                             {"code", std::move(code)},
                             {"block", place.block ? Json(place.block->value) : Json()},
                             {"prompt", place.prompt ? Json(*place.prompt) : Json()},
                             {"stitch", place.stitch ? Json(*place.stitch) : Json()},
                             {"a", std::move(a)},
                             {"b", std::move(b)},
                             {"delta", std::move(delta)}});
    }

    void addOther(const std::string& code, const Json& a, const Json& b)
    {
        if (a != b)
            add("other", code, {}, a, b);
    }

    void compareStates()
    {
        if (m_a.complete != m_b.complete)
            add(m_a.complete ? "weaker" : "stronger", "complete", {}, m_a.complete, m_b.complete);
    }

    // What makes the two measure different things, which is neither weaker nor stronger.
    void compareSettings()
    {
        const RunManifest& a = manifestA();
        const RunManifest& b = manifestB();
        addOther("model", a.subject.model, b.subject.model);
        const auto digests = [](const Subject& subject) {
            Json list = Json::array();
            for (const SubjectFile& file : subject.files)
                list.push_back(file.sha256);
            return list;
        };
        addOther("model_files", digests(a.subject), digests(b.subject));
        addOther("model_configuration", a.subject.configSha256, b.subject.configSha256);
        addOther("baseline_dtype", nameOf(a.request.baselineDtype), nameOf(b.request.baselineDtype));
        addOther("surrogate", surrogate::textOf(a.request.surrogate), surrogate::textOf(b.request.surrogate));
        addOther("ablation", surrogate::textOf(a.request.ablation), surrogate::textOf(b.request.ablation));
        addOther("weights", a.request.weights == WeightOrigin::Baseline ? "baseline" : "file",
                 b.request.weights == WeightOrigin::Baseline ? "baseline" : "file");
        addOther("embed_weights", a.request.embedWeights, b.request.embedWeights);
        addOther("max_tokens", a.request.maxTokens, b.request.maxTokens);
        addOther("seed", a.request.seed, b.request.seed);
        const auto runtime = [](const RunRequest& request) {
            return request.imported ? Json(request.imported->runtime + " " + request.imported->version) : Json();
        };
        addOther("imported_baseline", runtime(a.request), runtime(b.request));
        addOther("tool_version", a.toolVersion, b.toolVersion);
        addOther("prompt_set", a.prompts.name, b.prompts.name);
        if (a.request.replayDtype != b.request.replayDtype) // what is compared against is less exact
            add(a.request.replayDtype == DType::F64 ? "weaker" : "stronger", "replay_dtype", {},
                nameOf(a.request.replayDtype), nameOf(b.request.replayDtype));
    }

    void comparePolicies()
    {
        const Policy& a = manifestA().request.policy;
        const Policy& b = manifestB().request.policy;
        const auto compare = [&](const char* code, double x, double y, bool largerIsLooser) {
            if (x != y)
                add((y > x) == largerIsLooser ? "weaker" : "stronger", code, {}, x, y);
        };
        compare("tau_act", a.tauAct, b.tauAct, true);
        compare("tau_loss", a.tauLoss, b.tauLoss, true);
        compare("tau_rel", a.tauRel, b.tauRel, true);
        compare("alpha_act", a.alphaAct, b.alphaAct, false);
        compare("alpha_loss", a.alphaLoss, b.alphaLoss, false);
        const auto nameOfMeasure = [](ErrorMeasure measure) {
            return measure == ErrorMeasure::L2 ? "l2" : "relative-l2";
        };
        addOther("deciding_measure", nameOfMeasure(a.measure), nameOfMeasure(b.measure));
    }

    void comparePrompts()
    {
        const auto& a = manifestA().prompts.prompts;
        const auto& b = manifestB().prompts.prompts;
        for (const std::size_t p : m_prompts.onlyA)
            add("weaker", "prompt_missing", {{}, a[p].id, {}}, static_cast<std::int64_t>(a[p].tokenIds.size()), {});
        for (const std::size_t q : m_prompts.onlyB)
            add("stronger", "prompt_added", {{}, b[q].id, {}}, {}, static_cast<std::int64_t>(b[q].tokenIds.size()));
        for (const PromptPair& pair : m_prompts.common)
            if (a[pair.a].id != b[pair.b].id)
                add("other", "prompt_name", {{}, a[pair.a].id, {}}, a[pair.a].id, b[pair.b].id);
    }

    [[nodiscard]] bool sameThreshold(const std::string& name) const
    {
        const Policy& a = manifestA().request.policy;
        const Policy& b = manifestB().request.policy;
        return name.empty() || (name == "tau_act"   ? a.tauAct == b.tauAct
                                : name == "tau_rel" ? a.tauRel == b.tauRel
                                                    : a.tauLoss == b.tauLoss);
    }

    [[nodiscard]] bool isEqual(double x, double y) const
    {
        return x == y || std::abs(x - y) <= m_options.tolerance * std::max(std::abs(x), std::abs(y));
    }

    // One change for each number that differs. A coverage at another threshold is another claim: neither.
    void judge(const std::vector<NamedMetric>& a, const std::vector<NamedMetric>& b, const Place& place)
    {
        for (std::size_t i = 0; i < a.size(); ++i) {
            const std::optional<double>& x = a[i].value;
            const std::optional<double>& y = b[i].value;
            if (x.has_value() != y.has_value())
                add(x ? "weaker" : "stronger", a[i].name, place, numberOrNull(x), numberOrNull(y));
            if (!x || !y || isEqual(*x, *y))
                continue;
            const bool worse = (*y > *x) == (a[i].better == Better::Smaller);
            add(!sameThreshold(a[i].threshold) ? "other" : worse ? "weaker" : "stronger", a[i].name, place, *x, *y);
        }
    }

    // Either may be null, for what only one of the runs has.
    static Json rowsOf(const std::vector<NamedMetric>* a, const std::vector<NamedMetric>* b)
    {
        Json rows = Json::object();
        const std::vector<NamedMetric>& names = a != nullptr ? *a : *b;
        for (std::size_t i = 0; i < names.size(); ++i) {
            const Json x = a != nullptr ? numberOrNull((*a)[i].value) : Json();
            const Json y = b != nullptr ? numberOrNull((*b)[i].value) : Json();
            Json delta = x.is_number() && y.is_number() ? Json(y.get<double>() - x.get<double>()) : Json();
            rows[names[i].name] = {{"a", x}, {"b", y}, {"delta", std::move(delta)}};
        }
        return rows;
    }

    Json compareBlocks()
    {
        std::map<LayerIndex, std::pair<const Certificate*, const Certificate*>> blocks;
        for (const Certificate& certificate : m_a.certificates)
            blocks[certificate.block].first = &certificate;
        for (const Certificate& certificate : m_b.certificates)
            blocks[certificate.block].second = &certificate;
        Json rows = Json::array();
        for (const auto& [block, pair] : blocks)
            rows.push_back(compareBlock(block, pair.first, pair.second));
        return rows;
    }

    Json compareBlock(LayerIndex block, const Certificate* a, const Certificate* b)
    {
        const Place place{block, {}, {}};
        const std::vector<NamedMetric> left = a != nullptr ? metricsOf(*a) : std::vector<NamedMetric>();
        const std::vector<NamedMetric> right = b != nullptr ? metricsOf(*b) : std::vector<NamedMetric>();
        Json row = {
            {"block", block.value},
            {"in", a == nullptr   ? "b"
                   : b == nullptr ? "a"
                                  : "both"},
            {"certified",
             {{"a", a != nullptr ? Json(a->certified) : Json()}, {"b", b != nullptr ? Json(b->certified) : Json()}}},
            {"metrics", rowsOf(a != nullptr ? &left : nullptr, b != nullptr ? &right : nullptr)},
            {"on_common_prompts", nullptr}};
        if (a == nullptr || b == nullptr) {
            add(b == nullptr ? "weaker" : "stronger", b == nullptr ? "block_missing" : "block_added", place,
                row["certified"]["a"], row["certified"]["b"]);
            return row;
        }
        if (a->certified != b->certified && !m_prompts.common.empty())
            add(a->certified ? "weaker" : "stronger", "certified", place, a->certified, b->certified);
        std::vector<const PromptMetrics*> commonA;
        std::vector<const PromptMetrics*> commonB;
        for (const PromptPair& pair : m_prompts.common) {
            if (pair.a >= a->metrics.prompts.size() || pair.b >= b->metrics.prompts.size())
                continue; // of an unfinished run's older certificate
            commonA.push_back(&a->metrics.prompts[pair.a]);
            commonB.push_back(&b->metrics.prompts[pair.b]);
            addCell(block, pair, *commonA.back(), *commonB.back());
        }
        if (m_prompts.isWhole()) {
            judge(left, right, place);
        } else if (!commonA.empty()) { // other prompts have other maxima: what both measured is compared
            const std::vector<NamedMetric> x = metricsOver(commonA);
            const std::vector<NamedMetric> y = metricsOver(commonB);
            row["on_common_prompts"] = rowsOf(&x, &y);
            judge(x, y, place);
        }
        return row;
    }

    void addCell(LayerIndex block, const PromptPair& pair, const PromptMetrics& a, const PromptMetrics& b)
    {
        const std::vector<NamedMetric> left = metricsOf(a);
        const std::vector<NamedMetric> right = metricsOf(b);
        m_cells.push_back({{"block", block.value},
                           {"prompt", pair.a},
                           {"prompt_b", pair.b},
                           {"id", a.id},
                           {"tokens", a.tokens},
                           {"metrics", rowsOf(&left, &right)}});
    }

    // Paired by the blocks they replace and those that an edit has changed, whatever they are called.
    Json compareStitches()
    {
        Json rows = Json::array();
        std::set<const StitchCertificate*> taken;
        const auto blocksOf = [](const StitchCertificate& stitch) {
            Json list = Json::array();
            for (const StitchedBlock& block : stitch.request.blocks)
                list.push_back(block.block.value);
            return list;
        };
        const auto editOf = [](const StitchCertificate& stitch) {
            return stitch.request.edit ? editedRow(*stitch.request.edit) : Json();
        };
        const auto rowOf = [&](const StitchCertificate* a, const StitchCertificate* b) {
            const std::vector<NamedMetric> left = a != nullptr ? metricsOf(*a) : std::vector<NamedMetric>();
            const std::vector<NamedMetric> right = b != nullptr ? metricsOf(*b) : std::vector<NamedMetric>();
            const Place place{{}, {}, a != nullptr ? a->name : b->name};
            if (a == nullptr || b == nullptr)
                add(b == nullptr ? "weaker" : "stronger", b == nullptr ? "stitch_missing" : "stitch_added", place,
                    a != nullptr ? blocksOf(*a) : Json(), b != nullptr ? blocksOf(*b) : Json());
            if (a != nullptr && b != nullptr && a->certified != b->certified)
                add(a->certified ? "weaker" : "stronger", "certified", place, a->certified, b->certified);
            if (a != nullptr && b != nullptr && m_prompts.isWhole())
                judge(left, right, place);
            rows.push_back({{"a", a != nullptr ? Json(a->name) : Json()},
                            {"b", b != nullptr ? Json(b->name) : Json()},
                            {"blocks", blocksOf(a != nullptr ? *a : *b)},
                            {"metrics", rowsOf(a != nullptr ? &left : nullptr, b != nullptr ? &right : nullptr)}});
        };
        for (const StitchCertificate& a : m_a.stitches) {
            const StitchCertificate* found = nullptr;
            for (const StitchCertificate& b : m_b.stitches)
                if (found == nullptr && !taken.contains(&b) && blocksOf(a) == blocksOf(b) && editOf(a) == editOf(b))
                    found = &b;
            if (found != nullptr)
                taken.insert(found);
            rowOf(&a, found);
        }
        for (const StitchCertificate& b : m_b.stitches)
            if (!taken.contains(&b))
                rowOf(nullptr, &b);
        return rows;
    }

    [[nodiscard]] Json promptRows() const
    {
        const auto row = [](const PromptSet& set, std::size_t at) -> Json {
            const EncodedPrompt& prompt = set.prompts[at];
            return {{"prompt", at}, {"id", prompt.id}, {"tokens", prompt.tokenIds.size()}};
        };
        Json rows = {{"common", m_prompts.common.size()}, {"only_a", Json::array()}, {"only_b", Json::array()}};
        for (const std::size_t p : m_prompts.onlyA)
            rows["only_a"].push_back(row(manifestA().prompts, p));
        for (const std::size_t q : m_prompts.onlyB)
            rows["only_b"].push_back(row(manifestB().prompts, q));
        return rows;
    }

    RunReading m_a;
    RunReading m_b;
    DiffOptions m_options;
    Alignment m_prompts;
    Json m_changes = Json::array();
    Json m_cells = Json::array();
};

Json sideOf(const std::filesystem::path& path, const RunReading& read)
{
    const RunManifest& manifest = read.document.manifest;
    std::size_t certified = 0;
    for (const Certificate& certificate : read.certificates)
        certified += certificate.certified ? 1 : 0;
    return {{"run", path.string()},
            {"digest", read.complete ? Json(read.digest) : Json()},
            {"complete", read.complete},
            {"model", manifest.subject.model},
            {"prompt_set", manifest.prompts.name},
            {"prompts", manifest.prompts.prompts.size()},
            {"blocks", read.certificates.size()},
            {"certified", certified},
            {"command", manifest.commandLine},
            {"problems", read.problems}};
}

}

Json diffRuns(const std::filesystem::path& a, const std::filesystem::path& b, const DiffOptions& options)
{
    if (!(options.tolerance >= 0 && options.tolerance < 1))
        throw UsageError("--tolerance is a share of the larger number: give at least 0 and less than 1.");
    Comparison comparison(readRun(certificate::RunFolder(a)), readRun(certificate::RunFolder(b)), options);
    Json result = comparison.run();
    result["a"] = sideOf(a, comparison.a());
    result["b"] = sideOf(b, comparison.b());
    return result;
}

}
