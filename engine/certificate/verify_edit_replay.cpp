#include "engine/certificate/verify_edit_replay.h"

#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/base/sha256.h"
#include "engine/certificate/memory_archive.h"
#include "engine/certificate/metrics.h"
#include "engine/certificate/probe_reader.h"
#include "engine/certificate/verify_edit.h"
#include "engine/certificate/widen.h"
#include "engine/edit/patch_check.h"
#include "engine/edit/patched_block.h"
#include "engine/ir/block_ir_codec.h"
#include "engine/ir/reference_interpreter.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>

namespace blockcert::certificate {

namespace {

class EditReplay {
public:
    EditReplay(const EditCertificate& certificate, BlockContext& block, CheckList& checks, const RunContext& context)
        : m_certificate(certificate)
        , m_where(editText(certificate))
        , m_block(block)
        , m_checks(checks)
        , m_context(context)
    {
    }

    void run(const EditColumns& columns)
    {
        Row receipt = row("edit.receipt", group::reEvaluation, "Tensors touched, before and after");
        Row error = row("edit.error", group::reEvaluation, "Local error of the edit");
        try {
            std::map<LayerIndex, ir::BlockIr> blocks;
            std::string problem;
            for (const StitchedBlock& block : m_certificate.request.blocks) {
                const Certificate* certificate = certificateOf(m_block.contents, block.block);
                if (certificate == nullptr)
                    return;
                std::optional<ir::BlockIr> ir = readBlock(*certificate, problem);
                if (!ir) {
                    m_checks.add(receipt.notChecked(problem));
                    m_checks.add(error.notChecked(problem));
                    return;
                }
                blocks.emplace(block.block, std::move(*ir));
            }
            const Patch& patch = m_certificate.request.patch;
            const TransformerConfig config =
                edit::shapesOf(blocks.begin()->second.program, m_certificate.subject.layers);
            edit::requireSense(patch, config);
            edit::requireFit(patch, columns.patch, config);
            std::vector<TouchedTensor> touched;
            Widest widest;
            std::int64_t replayed = 0;
            std::size_t index = 0;
            for (const auto& [layer, before] : blocks) {
                const ir::BlockIr after = edit::patchedBlock(before, patch, columns.patch, config);
                for (TouchedTensor& tensor : edit::touchedTensors(before, after, m_certificate.baselineDtype))
                    touched.push_back(std::move(tensor));
                replayed += replay(layer, before, after,
                                   std::span(columns.error).subspan(index * columns.tokenId.size()), widest);
                ++index;
            }
            m_checks.add(receipt.issuer(counted(static_cast<std::int64_t>(m_certificate.touched.size()), "tensor"))
                             .recomputed(counted(static_cast<std::int64_t>(touched.size()), "tensor"))
                             .how("patch applied to the block's weights, re-hashed")
                             .passedIf(touched == m_certificate.touched && !touched.empty(),
                                       "The digests before and after are not what the patch makes of the weights."));
            error.how("edited and unedited program replayed, " + counted(replayed, "token"));
            if (replayed == 0)
                error.notChecked("No token of this edit was drawn.");
            else
                error.issuer(exactText(widest.largestRecorded))
                    .recomputed(exactText(widest.largestReplayed))
                    .note("largest over the replayed tokens; widest at " + widest.place + ": " +
                          exactText(widest.excess) + " of the tolerance")
                    .passedIf(widest.excess <= 1, "At " + widest.place + " the recorded local error is " +
                                                      exactText(widest.recorded) + ", the replay gives " +
                                                      exactText(widest.replayed) + ": " + exactText(widest.excess) +
                                                      " times the tolerance.");
            m_checks.add(error);
        } catch (const Error& problem) {
            m_checks.add(error.failed(problem.what()));
        }
    }

private:
    // The token whose recorded error is farthest from the replayed one, in units of the tolerance.
    struct Widest {
        double excess = 0; // |recorded − replayed| / tolerance
        std::string place;
        double recorded = 0;
        double replayed = 0;
        double largestRecorded = 0; // over every token that was replayed
        double largestReplayed = 0;
    };

    Row row(const char* id, std::string_view groupName, const char* title) const
    {
        return {id, groupName, m_where, title};
    }

    // The block's program with all weights, read again and held against the block certificate.
    std::optional<ir::BlockIr> readBlock(const Certificate& certificate, std::string& problem)
    {
        const std::string path = irPath(certificate.block);
        const OpenFile file = m_block.folder.open(path);
        if (sha256OfDescriptor(file.descriptor(), m_context) != certificate.artifacts[0].sha256)
            throw FormatError(path + " is not the file that its certificate names.");
        const auto archive = artifact::openForeignArchive(file.descriptor(), path, m_block.options.childProgram);
        MemoryArchive memory(*archive, m_context);
        ir::BlockIr ir = ir::readBlockIr(memory, path);
        for (const auto& [name, weight] : ir.program.weights)
            if (weight.reference && !m_block.weights.load(*weight.reference, ir.weights[name], m_context)) {
                problem = "The weights were not found: " + m_block.weights.problem() + "; name the model with --model.";
                return std::nullopt;
            }
        if (!ir::wrongWeights(ir).empty())
            throw FormatError(path + ": a weight does not have the digest that the program names.");
        return ir;
    }

    // Widens `widest` by one block; how many tokens were replayed.
    std::int64_t replay(LayerIndex layer, const ir::BlockIr& before, const ir::BlockIr& after,
                        std::span<const double> recorded, Widest& widest)
    {
        const Certificate& certificate = *certificateOf(m_block.contents, layer);
        const std::string path = probesPath(layer);
        const OpenFile file = m_block.folder.open(path);
        if (sha256OfDescriptor(file.descriptor(), m_context) != certificate.artifacts[1].sha256)
            throw FormatError(path + " is not the file that its certificate names.");
        ProbeReader probes(artifact::openForeignArchive(file.descriptor(), path, m_block.options.childProgram),
                           probeShapeOf(certificate), layer);
        const ir::ReferenceInterpreter unedited(before, m_block.options.threads);
        const ir::ReferenceInterpreter edited(after, m_block.options.threads);
        const double rho = comparisonTolerance(m_certificate);
        const auto width = static_cast<std::size_t>(m_certificate.subject.dModel);
        std::int64_t tokens = 0;
        for (std::int32_t p = 0; p < static_cast<std::int32_t>(probes.shape().prompts()); ++p) {
            if (!m_block.isReplayed(layer, {p}))
                continue;
            const auto first = static_cast<std::size_t>(probes.shape().offset[static_cast<std::size_t>(p)]);
            const auto count = static_cast<std::size_t>(probes.shape().tokensOf(p));
            const std::vector<double> x = widened(probes.read({p}).input);
            const auto positions = std::span(probes.positions()).subspan(first, count);
            const ir::BlockReplay y = unedited.run(x, positions, m_context);
            const ir::BlockReplay z = edited.run(x, positions, m_context);
            for (std::size_t t = 0; t < count; ++t) {
                const auto rows = [&](const std::vector<double>& all) {
                    return std::span(all).subspan(t * width, width);
                };
                const double scale =
                    std::max({l2Norm(rows(x)), l2Norm(rows(y.output)), l2Norm(rows(z.output)), 1e-300});
                const double replayed = l2Distance(rows(z.output), rows(y.output));
                const double stated = recorded[first + t];
                widest.largestRecorded = std::max(widest.largestRecorded, stated);
                widest.largestReplayed = std::max(widest.largestReplayed, replayed);
                // Both replays may be wrong by ρ of the token's scale.
                double excess = std::abs(stated - replayed) / (2 * rho * scale);
                if (std::isnan(excess)) // a replay that has left the numbers agrees with nothing
                    excess = std::numeric_limits<double>::infinity();
                if (excess > widest.excess || widest.place.empty()) {
                    widest.excess = excess;
                    widest.recorded = stated;
                    widest.replayed = replayed;
                    widest.place = "block " + std::to_string(layer.value) + ", prompt " + std::to_string(p) +
                                   ", token " + std::to_string(t);
                }
            }
            tokens += static_cast<std::int64_t>(count);
            m_context.step(Progress{"replay edit", p + 1, probes.shape().prompts(), layer.value, p, "prompts", ""});
        }
        return tokens;
    }

    const EditCertificate& m_certificate;
    std::string m_where;
    BlockContext& m_block;
    CheckList& m_checks;
    const RunContext& m_context;
};

}

void checkEditReplay(const EditCertificate& certificate, const EditColumns& columns, BlockContext& block,
                     CheckList& checks, const RunContext& context)
{
    EditReplay(certificate, block, checks, context).run(columns);
}

}
