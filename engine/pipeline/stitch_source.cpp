#include "engine/pipeline/stitch_source.h"

#include "engine/artifact/tensor_archive.h"
#include "engine/base/error.h"
#include "engine/base/ranges_text.h"
#include "engine/base/run_context.h"
#include "engine/base/sha256.h"
#include "engine/certificate/block_list.h"
#include "engine/certificate/certificate_codec.h"
#include "engine/certificate/edit_codec.h"
#include "engine/certificate/edit_layout.h"
#include "engine/certificate/json_fields.h"
#include "engine/certificate/run_codec.h"
#include "engine/certificate/run_layout.h"
#include "engine/certificate/stitch_layout.h"
#include "engine/certificate/token_ids.h"
#include "engine/ir/block_ir_codec.h"
#include "engine/model/parallel_tasks.h"
#include "engine/model/weights.h"

#include <algorithm>
#include <utility>

namespace blockcert::pipeline {

namespace {

using certificate::OpenFile;

[[noreturn]] void refuse(const std::string& path)
{
    throw FormatError("The file " + path +
                      " is not the one that SHA256SUMS lists; see what blockcert verify says about the run.");
}

// The file of the model with a digest, or null.
const artifact::WeightFile* fileOf(const artifact::Checkpoint& model, const std::string& sha256)
{
    for (const artifact::WeightFile& file : model.files())
        if (!sha256.empty() && file.sha256 == sha256)
            return &file;
    return nullptr;
}

// Shared out among the processors: the weights of a block may be hundreds of megabytes.
void requireDigests(const ir::BlockIr& ir, const std::string& path, const RunContext& context)
{
    std::vector<std::string> names;
    for (const auto& [name, weight] : ir.program.weights)
        names.push_back(name);
    model::runTasks(static_cast<std::int64_t>(names.size()), context, [&](std::int64_t task) {
        const std::string& name = names[static_cast<std::size_t>(task)];
        const ir::IrWeight& weight = ir.program.weights.at(name);
        const HostTensor& value = ir.weights.at(name);
        if (value.dtype != weight.dtype || value.shape != weight.shape || sha256OfTensor(value) != weight.sha256)
            throw FormatError(path + ": the weight " + name + " does not have the digest that the program names.");
    });
}

std::vector<std::int32_t> numbersOf(const std::vector<StitchedBlock>& blocks)
{
    std::vector<std::int32_t> numbers;
    for (const StitchedBlock& block : blocks)
        numbers.push_back(block.block.value);
    return numbers;
}

// "it has soft, zero" or "it has none"
std::string editsText(const std::map<std::string, std::string>& sums)
{
    std::string names;
    for (const auto& [path, digest] : sums)
        if (const auto name = certificate::editNamed(path))
            names += (names.empty() ? "" : ", ") + *name;
    return "it has " + (names.empty() ? "none; make one with blockcert edit" : names);
}

bool speaksOf(const Certificate& certificate, LayerIndex block, const RunManifest& manifest)
{
    RunRequest request = manifest.request;
    request.blocks = {block};
    return certificate.block == block && certificate.request == request && certificate.subject == manifest.subject &&
           certificate.prompts == certificate::statementOf(manifest.prompts);
}

}

StitchSource::StitchSource(const std::filesystem::path& run, std::filesystem::path childProgram)
    : m_folder(run)
    , m_childProgram(std::move(childProgram))
{
    const std::string manifestName(certificate::manifestName);
    if (!m_folder.exists(manifestName))
        throw FormatError(run.string() + " is not a run: it holds no run.json.");
    if (!m_folder.exists(certificate::sumsName))
        throw UsageError("The run " + run.string() +
                         " is unfinished; continue it with blockcert certify … --resume, then stitch.");
    for (certificate::SumLine& line :
         certificate::readSums(m_folder.readText(certificate::sumsName, certificate::largestDocument)))
        m_sums.emplace(std::move(line.path), std::move(line.sha256));
    certificate::RunDocument document =
        certificate::runFromJson(certificate::parseDocument(readListed(manifestName), manifestName), manifestName);
    if (!document.state.complete)
        throw UsageError("The run " + run.string() + " says that it is not complete; continue it with --resume.");
    m_manifest = std::move(document.manifest);
    for (const LayerIndex block : document.state.finished) {
        const std::string path = certificate::certificatePath(block);
        Certificate certificate =
            certificate::certificateFromJson(certificate::parseDocument(readListed(path), path), path);
        if (!speaksOf(certificate, block, m_manifest))
            throw FormatError(path + " and run.json differ; see what blockcert verify says about the run.");
        m_certificates.emplace(block, std::move(certificate));
    }
    if (m_certificates.empty())
        throw UsageError("The run " + run.string() + " has no certified block, so there is nothing to stitch.");
}

std::string StitchSource::readListed(const std::string& path) const
{
    std::string text = m_folder.readText(path, certificate::largestDocument);
    const auto listed = m_sums.find(path);
    if (listed == m_sums.end() || listed->second != sha256Of(text))
        refuse(path);
    return text;
}

std::vector<StitchedBlock> StitchSource::choose(const std::string& blocks) const
{
    std::vector<StitchedBlock> chosen;
    const auto add = [&](LayerIndex block) {
        const std::string path = certificate::certificatePath(block);
        chosen.push_back({block, path, m_sums.at(path)});
    };
    if (blocks == "all") {
        for (const auto& [block, certificate] : m_certificates)
            add(block);
        return chosen;
    }
    for (const LayerIndex block : certificate::blocksFrom(blocks, m_manifest.subject.layers)) {
        if (!m_certificates.contains(block)) {
            std::string there;
            for (const auto& [known, certificate] : m_certificates)
                there += (there.empty() ? "" : ", ") + std::to_string(known.value);
            throw UsageError("--blocks " + blocks + ": the run has no surrogate of block " +
                             std::to_string(block.value) + "; it has " + there + ".");
        }
        add(block);
    }
    return chosen;
}

SourceEdit StitchSource::edit(const std::string& text, const std::vector<StitchedBlock>& chosen,
                              const RunContext& context) const
{
    const std::size_t colon = text.find(':');
    SourceEdit source;
    StitchedEdit& statement = source.statement;
    statement.name = text.substr(0, colon);
    statement.path = certificate::editCertificatePath(statement.name);
    if (!certificate::isStitchName(statement.name) || !m_sums.contains(statement.path))
        throw UsageError("--edit " + text + ": the run has no such edit; " + editsText(m_sums) + ".");
    statement.sha256 = m_sums.at(statement.path);
    const EditCertificate edit = certificate::editFromJson(
        certificate::parseDocument(readListed(statement.path), statement.path), statement.path);
    const auto isEdited = [&](LayerIndex block) { return contains(edit.request.blocks, block); };
    if (colon == std::string::npos) {
        for (const StitchedBlock& block : chosen)
            if (isEdited(block.block))
                statement.blocks.push_back(block.block);
        if (statement.blocks.empty())
            throw UsageError("--edit " + text + " edits " + blocksText(numbersOf(edit.request.blocks)) +
                             ", and none of the replaced blocks is that; name it with --blocks.");
    } else {
        for (const LayerIndex block : certificate::blocksFrom(text.substr(colon + 1), m_manifest.subject.layers)) {
            if (!isEdited(block) || !contains(chosen, block))
                throw UsageError("--edit " + text + ": block " + std::to_string(block.value) +
                                 (isEdited(block) ? " is not among the replaced blocks; name it with --blocks."
                                                  : " is not edited by " + statement.name + "; it edits " +
                                                        blocksText(numbersOf(edit.request.blocks)) + "."));
            statement.blocks.push_back(block);
        }
    }
    const std::string path = certificate::editEffectPath(statement.name);
    const OpenFile file = openArtifact(edit.artifacts.at(0), path, context);
    source.tensors = certificate::readEffect(*artifact::openForeignArchive(file.descriptor(), path, m_childProgram),
                                             certificate::editShapeOf(edit))
                         .patch;
    source.patch = edit.request.patch;
    return source;
}

void StitchSource::requireModel(const artifact::Checkpoint& model) const
{
    const Subject& subject = m_manifest.subject;
    bool same = subject.files.size() == model.files().size() && subject.configSha256 == model.configSha256();
    for (const SubjectFile& file : subject.files) {
        const artifact::WeightFile* found = fileOf(model, file.sha256);
        same = same && found != nullptr && found->size == file.size;
    }
    if (!same)
        throw FormatError(model.path().string() + " is not the model of this run (" + subject.model +
                          "): its files or its configuration have other digests; name the right one with --model.");
}

OpenFile StitchSource::openArtifact(const ArtifactDigest& stated, const std::string& path,
                                    const RunContext& context) const
{
    OpenFile file = m_folder.open(path);
    const RunContext quiet({}, [&](const Progress&) { context.step(); }); // no stage of its own for every block
    const std::string sha256 = sha256OfDescriptor(file.descriptor(), quiet);
    const auto listed = m_sums.find(path);
    if (listed == m_sums.end() || listed->second != sha256 || stated.path != path || stated.sha256 != sha256)
        refuse(path);
    return file;
}

certificate::ProbeReader StitchSource::probes(LayerIndex block, const RunContext& context) const
{
    const std::string path = certificate::probesPath(block);
    const OpenFile file = openArtifact(certificate(block).artifacts.at(1), path, context);
    return {artifact::openForeignArchive(file.descriptor(), path, m_childProgram),
            certificate::probeShapeOf(certificate(block)), block};
}

ir::BlockIr StitchSource::surrogate(LayerIndex block, const artifact::Checkpoint& model,
                                    const artifact::Checkpoint* other, const RunContext& context) const
{
    const std::string path = certificate::irPath(block);
    const OpenFile file = openArtifact(certificate(block).artifacts.at(0), path, context);
    ir::BlockIr ir = ir::readBlockIr(*artifact::openForeignArchive(file.descriptor(), path, m_childProgram), path);
    if (ir.program.layer != block || ir.program.width != m_manifest.subject.dModel)
        throw FormatError(path + " holds the program of another block or width.");
    for (const auto& [name, weight] : ir.program.weights) {
        if (!weight.reference)
            continue;
        const artifact::Checkpoint* holder = &model;
        const artifact::WeightFile* source = fileOf(model, weight.reference->fileSha256);
        if (source == nullptr && other != nullptr) {
            holder = other;
            source = fileOf(*other, weight.reference->fileSha256);
        }
        if (source == nullptr)
            throw FormatError(path + ": the weight " + name + " lies in a file with the SHA-256 " +
                              weight.reference->fileSha256 +
                              ", which is none of the model's; name the surrogates' own with --surrogate-model.");
        WeightReference reference = *weight.reference;
        reference.file = source->path.filename().string(); // the same bytes under another name are the same file
        ir.weights[name] = model::loadWeight(*holder, reference, context);
    }
    requireDigests(ir, path, context);
    return ir;
}

}
