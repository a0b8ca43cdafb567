#include "tests/certificate/tiny_stitch.h"

#include "engine/artifact/checkpoint.h"
#include "engine/base/atomic_file.h"
#include "engine/base/run_context.h"
#include "engine/base/sha256.h"
#include "engine/certificate/metrics.h"
#include "engine/certificate/reference_model.h"
#include "engine/certificate/run_layout.h"
#include "engine/certificate/stitch_labels.h"
#include "engine/certificate/stitch_writer.h"
#include "engine/certificate/token_ids.h"
#include "engine/certificate/widen.h"
#include "engine/ir/reference_interpreter.h"
#include "engine/tokenizer/tokenizer.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace blockcert::certificate::tiny {

namespace {

using artifact::Checkpoint;

std::vector<double> rounded(const std::vector<double>& values, DType dtype)
{
    HostTensor tensor{dtype, {static_cast<std::int64_t>(values.size())}, {}};
    tensor.bytes.resize(values.size() * static_cast<std::size_t>(storageBlock(dtype).bytes));
    artifact::convertElements(DType::F64, reinterpret_cast<const std::byte*>(values.data()), dtype, tensor.bytes.data(),
                              static_cast<std::int64_t>(values.size()));
    return widened(tensor);
}

std::vector<double> through(const ir::BlockIr& ir, const std::vector<double>& state, DType dtype)
{
    std::vector<std::int32_t> positions(state.size() / static_cast<std::size_t>(ir.program.width));
    std::iota(positions.begin(), positions.end(), 0);
    return rounded(ir::ReferenceInterpreter(ir, 1).run(state, positions, RunContext{}).output, dtype);
}

// The residual columns of one token: streams[layer] are [token, width] of one prompt.
void addResiduals(StitchColumns& columns, std::size_t layer, std::size_t at, std::span<const double> h,
                  std::span<const double> s)
{
    const std::size_t row = layer * columns.tokens() + at;
    double sum = 0;
    double most = 0;
    for (std::size_t i = 0; i < h.size(); ++i) {
        sum += std::abs(s[i] - h[i]);
        most = std::max(most, std::abs(s[i] - h[i]));
    }
    columns.residualL2[row] = l2Distance(s, h);
    columns.residualMae[row] = sum / static_cast<double>(h.size());
    columns.residualMax[row] = most;
    columns.residualNorm[row] = l2Norm(h);
}

void addTop(std::span<const double> logits, std::vector<std::int32_t>& ids, std::vector<double>& values)
{
    std::vector<std::int32_t> order(logits.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
        return logits[static_cast<std::size_t>(a)] > logits[static_cast<std::size_t>(b)];
    });
    for (std::size_t k = 0; k < stitchTops; ++k) {
        ids.push_back(order[k]);
        values.push_back(logits[static_cast<std::size_t>(order[k])]);
    }
}

double divergence(std::span<const double> a, std::span<const double> b)
{
    double sum = 0;
    const double normA = a[0] + negativeLogLikelihood(a, 0);
    const double normB = b[0] + negativeLogLikelihood(b, 0);
    for (std::size_t i = 0; i < a.size(); ++i)
        sum += std::exp(a[i] - normA) * (a[i] - normA - b[i] + normB);
    return std::max(0.0, sum);
}

std::vector<double> logitsOf(const ReferenceHead& head, const std::vector<double>& states)
{
    std::vector<double> logits;
    head.forEachLogits(
        states,
        [&](std::size_t, std::span<const double> rows) { logits.insert(logits.end(), rows.begin(), rows.end()); }, 1,
        RunContext{});
    return logits;
}

Bisection bisectionOf(const StitchColumns& columns, const std::vector<StitchedBlock>& blocks)
{
    Bisection bisection{BisectEvent::LargestLossChange, {}, {}, {}, {}};
    double largest = 0;
    for (std::size_t p = 0; p < columns.prompts(); ++p)
        for (std::size_t t = columns.begin(p); t + 1 < columns.end(p); ++t) {
            const double change = columns.lossStitched[t - p] - columns.lossBase[t - p];
            if (std::abs(change) <= std::abs(largest))
                continue;
            largest = change;
            bisection.at = {{static_cast<std::int32_t>(p)}, static_cast<std::int32_t>(t - columns.begin(p)) + 1};
        }
    for (const StitchedBlock& block : blocks)
        bisection.rows.push_back(
            {block.block, block.block == blocks.back().block ? largest : largest / 8, largest / 8});
    concludeBisection(bisection, false, largest);
    return bisection;
}

}

Stitch stitch(const Material& material, const std::filesystem::path& run, const std::vector<std::int32_t>& blocks,
              const std::string& name)
{
    const RunManifest& manifest = material.manifest;
    const DType dtype = manifest.request.baselineDtype;
    const auto width = static_cast<std::size_t>(manifest.subject.dModel);
    const std::size_t layers = material.irs.size();
    const Checkpoint model = Checkpoint::open(manifest.modelHint);
    const ReferenceHead head(model, dtype, 1);
    Stitch result;
    StitchColumns& columns = result.columns;
    columns.layers = static_cast<std::int64_t>(layers);
    columns.offset = {0};
    for (const EncodedPrompt& prompt : manifest.prompts.prompts) {
        columns.tokenId.insert(columns.tokenId.end(), prompt.tokenIds.begin(), prompt.tokenIds.end());
        columns.offset.push_back(static_cast<std::int64_t>(columns.tokenId.size()));
    }
    columns.labelId = labelIds(manifest.prompts, tokenizer::Tokenizer::of(model));
    for (std::vector<double>* column :
         {&columns.residualL2, &columns.residualMae, &columns.residualMax, &columns.residualNorm})
        column->resize(layers * columns.tokens());
    for (std::size_t p = 0; p < columns.prompts(); ++p) {
        const std::size_t tokens = columns.end(p) - columns.begin(p);
        std::vector<double> baseline;
        std::vector<double> stitched = widened(material.cells[0][p].input);
        for (std::size_t layer = 0; layer < layers; ++layer) {
            const std::vector<double> before = widened(material.cells[layer][p].input);
            baseline = widened(material.cells[layer][p].output);
            const bool replaced =
                std::find(blocks.begin(), blocks.end(), static_cast<std::int32_t>(layer)) != blocks.end();
            stitched = stitched == before && !replaced ? baseline : through(material.irs[layer], stitched, dtype);
            for (std::size_t t = 0; t < tokens; ++t)
                addResiduals(columns, layer, columns.begin(p) + t, std::span(baseline).subspan(t * width, width),
                             std::span(stitched).subspan(t * width, width));
        }
        const std::vector<double> a = logitsOf(head, baseline);
        const std::vector<double> b = logitsOf(head, stitched);
        const std::size_t vocabulary = head.vocabulary();
        const auto& ids = manifest.prompts.prompts[p].tokenIds;
        for (std::size_t t = 0; t < tokens; ++t) {
            const auto rowA = std::span(a).subspan(t * vocabulary, vocabulary);
            const auto rowB = std::span(b).subspan(t * vocabulary, vocabulary);
            if (t + 1 < tokens) {
                columns.lossBase.push_back(negativeLogLikelihood(rowA, ids[t + 1]));
                columns.lossStitched.push_back(negativeLogLikelihood(rowB, ids[t + 1]));
            }
            columns.divergence.push_back(divergence(rowA, rowB));
            addTop(rowA, columns.topIdBase, columns.topLogitBase);
            addTop(rowB, columns.topIdStitched, columns.topLogitStitched);
        }
    }
    StitchCertificate& certificate = result.certificate;
    certificate.name = name;
    certificate.created = manifest.created;
    certificate.toolVersion = manifest.toolVersion;
    certificate.toolBuild = manifest.toolBuild;
    certificate.commandLine = "blockcert stitch run";
    certificate.environment = manifest.environment;
    certificate.subject = manifest.subject;
    certificate.prompts = statementOf(manifest.prompts);
    certificate.baselineDtype = dtype;
    certificate.policy = manifest.request.policy;
    certificate.request.bisect = true;
    for (const std::int32_t block : blocks) {
        const std::string path = certificatePath({block});
        certificate.request.blocks.push_back({{block}, path, sha256Of(readWholeFile(run / path, 1U << 26U))});
    }
    certificate.bisections = {bisectionOf(columns, certificate.request.blocks)};
    judge(result, material);
    return result;
}

void judge(Stitch& stitch, const Material& material)
{
    std::vector<std::string> ids;
    for (const EncodedPrompt& prompt : material.manifest.prompts.prompts)
        ids.push_back(prompt.id);
    StitchCertificate& certificate = stitch.certificate;
    certificate.metrics = measureStitch(stitch.columns, ids, certificate.policy);
    certificate.findings = judgeStitch(certificate.metrics, {}, certificate.policy);
    certificate.certified = certificate.findings.empty();
}

void write(Stitch& stitch, const std::filesystem::path& run)
{
    StitchWriter(run).write(stitch.certificate, stitch.columns);
}

}
