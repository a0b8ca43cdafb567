#include "engine/certificate/run_writer.h"

#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/base/sha256.h"
#include "engine/certificate/cell_file.h"
#include "engine/certificate/cell_log.h"
#include "engine/certificate/certificate_codec.h"
#include "engine/certificate/edit_layout.h"
#include "engine/certificate/edit_writer.h"
#include "engine/certificate/finished_cells.h"
#include "engine/certificate/json_fields.h"
#include "engine/certificate/metrics.h"
#include "engine/certificate/probe_writer.h"
#include "engine/certificate/recent_cells.h"
#include "engine/certificate/run_codec.h"
#include "engine/certificate/run_differences.h"
#include "engine/certificate/run_files.h"
#include "engine/certificate/run_layout.h"
#include "engine/certificate/run_lock.h"
#include "engine/certificate/run_place.h"
#include "engine/certificate/statement_codec.h"
#include "engine/certificate/stitch_layout.h"
#include "engine/certificate/stitch_writer.h"
#include "engine/certificate/token_ids.h"
#include "engine/ir/block_ir_codec.h"

#include <algorithm>
#include <cassert>
#include <map>
#include <optional>
#include <set>

namespace blockcert::certificate {

namespace {

namespace fs = std::filesystem;

// Which program and machine computed a cell: cells of two of them never meet in one block.
std::string originOf(const RunManifest& manifest)
{
    Environment environment = manifest.environment;
    environment.threads = 0; // results do not depend on it
    return sha256Of(manifest.toolVersion + "\n" + manifest.toolBuild + "\n" + environmentToJson(environment).dump());
}

ProbeShape shapeOf(const RunManifest& manifest)
{
    std::vector<std::int64_t> counts;
    for (const EncodedPrompt& prompt : manifest.prompts.prompts)
        counts.push_back(static_cast<std::int64_t>(prompt.tokenIds.size()));
    return {offsetsOf(counts),      manifest.subject.dModel,
            manifest.subject.heads, manifest.request.baselineDtype,
            manifest.request.loss,  manifest.request.hasSublayers()};
}

// True if `part` states the first prompts of `whole`, or all of them.
bool beginsWith(const std::vector<PromptStatement>& whole, const std::vector<PromptStatement>& part)
{
    return part.size() <= whole.size() && std::equal(part.begin(), part.end(), whole.begin());
}

// True if a run with losses cannot do without this cell's: a prompt of one token has none, only highest ids.
bool isWithoutLosses(const CellRecord& cell, const CellShape& shape)
{
    return shape.tokens > 1 && cell.lossBase.empty();
}

// What a run leaves that was killed before its first file had its name does not count.
bool isEmptyFolder(const fs::path& path)
{
    return std::all_of(fs::directory_iterator(path), fs::directory_iterator(), [](const fs::directory_entry& entry) {
        return entry.path().filename() == ".work" || entry.path().filename() == std::string(manifestName) + ".new";
    });
}

}

struct RunWriter::State {
    State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    ~State()
    {
        // A run that was opened and found complete: nothing but the lock is in .work.
        std::error_code ignored;
        if (document.state.complete && seat && seat->isUnchanged())
            fs::remove_all(run / ".work", ignored);
    }

    fs::path run;
    RunDocument document;
    ProbeShape shape;
    std::string origin;
    fs::path childProgram;

    // A block's surrogate as it lies in ir.h5.
    struct WrittenSurrogate {
        ArtifactDigest digest;
        HostTensor mask;
        SurrogateWeights weights;
    };

    std::map<LayerIndex, WrittenSurrogate> surrogates;
    RecentCells recent;
    std::map<std::string, std::string> knownDigests; // of artifacts that this object has written and hashed
    std::vector<fs::path> unflushed;
    mutable std::map<LayerIndex, CellLog> logs; // of blocks that are not finished
    std::vector<LayerIndex> cellsToRemove;      // finished blocks whose files are not flushed yet
    std::optional<RunLock> lock;
    std::optional<RunPlace> seat;           // a path that names another folder, or none, is not written to
    std::map<LayerIndex, bool> knownBlocks; // results of hasBlock()

    [[nodiscard]] const RunManifest& manifest() const { return document.manifest; }

    [[nodiscard]] CellShape cellShape(PromptIndex prompt) const
    {
        return {shape.tokensOf(prompt.value), shape.width, shape.heads,
                shape.baselineDtype,          shape.loss,  shape.sublayers};
    }

    [[nodiscard]] CellLog& logOf(LayerIndex block) const
    {
        return logs.try_emplace(block, run / cellsPath(block)).first->second;
    }

    [[nodiscard]] std::optional<CellRecord> readCell(LayerIndex block, PromptIndex prompt) const
    {
        const std::optional<std::string> bytes = logOf(block).read({prompt, CellPart::Cell});
        if (!bytes)
            return std::nullopt;
        const CellShape whole = cellShape(prompt);
        std::optional<CellRecord> cell = decodeCell(*bytes, block, prompt, whole, origin);
        if (!cell && whole.loss == LossMode::Exact) {
            CellShape errors = whole;
            errors.loss = LossMode::None;
            cell = decodeCell(*bytes, block, prompt, errors, origin);
        }
        if (!cell || whole.loss != LossMode::Exact || !cell->topIdBase.empty())
            return cell;
        if (const auto lossBytes = logOf(block).read({prompt, CellPart::Losses}))
            if (auto losses = decodeLosses(*lossBytes, block, prompt, whole, origin))
                addLosses(*cell, std::move(*losses));
        return cell;
    }

    // Flushed with the others.
    void append(LayerIndex block, CellPlace place, std::string_view bytes)
    {
        requirePlace();
        CellLog& log = logOf(block);
        log.append(place, bytes);
        if (unflushed.empty() || unflushed.back() != log.path())
            unflushed.push_back(log.path());
    }

    // A file that stays: the system may begin to write it while the next block is computed.
    void publish(const fs::path& temporary, const fs::path& path)
    {
        requirePlace();
        publishFile(temporary, path, Flush::Later);
        beginFlush(path);
        unflushed.push_back(path);
    }

    void saveCell(const CellRecord& cell, std::string_view madeBy)
    {
        CellShape here = cellShape(cell.prompt);
        if (here.loss == LossMode::Exact && isWithoutLosses(cell, here))
            here.loss = LossMode::None; // they will come later
        append(cell.block, {cell.prompt, CellPart::Cell}, encodeCell(cell, here, madeBy));
    }

    // All but the cells of finished blocks, which will be removed: what they hold is in the blocks' own files.
    void flushFinished(const RunContext& context)
    {
        std::set<fs::path> superseded;
        for (const LayerIndex block : cellsToRemove)
            superseded.insert(run / cellsPath(block));
        std::erase_if(unflushed, [&](const fs::path& file) { return superseded.contains(file) || !fs::exists(file); });
        flushFiles(unflushed, context);
        unflushed.clear();
    }

    // Removes the cells of finished blocks once nothing needs them any more.
    void removeCells()
    {
        for (const LayerIndex block : cellsToRemove) {
            logs.erase(block); // some file systems keep a file's name while it is open
            std::error_code ignored;
            fs::remove(run / cellsPath(block), ignored);
        }
        cellsToRemove.clear();
    }

    // The digest of an artifact that has just been written.
    ArtifactDigest hashed(const std::string& path, const std::string& kind)
    {
        ArtifactDigest digest = digestOf(run, path, kind);
        knownDigests[path] = digest.sha256;
        return digest;
    }

    void requirePlace() const { seat->require(ExitCode::ResourceLimit); }

    void saveDocument() const
    {
        requirePlace();
        writeDocument(run / manifestName, runToJson(document));
    }

    // From here on the run is unfinished: a reader must not take it for the finished one it was.
    void reopen()
    {
        if (!document.state.complete && !fs::exists(run / sumsName))
            return;
        fs::remove(run / sumsName);
        document.state.complete = false;
        saveDocument();
    }

    // The block's certificate if it reads well and speaks of this run's request, model and first prompts.
    [[nodiscard]] std::optional<Certificate> certificateOf(LayerIndex block) const
    {
        const fs::path path = run / certificatePath(block);
        if (!fs::exists(path))
            return std::nullopt;
        try {
            const Certificate certificate = certificateFromJson(
                parseDocument(readWholeFile(path, largestDocument), certificatePath(block)), certificatePath(block));
            RunRequest request = manifest().request;
            request.blocks = {block};
            const bool fits = certificate.block == block && certificate.request == request &&
                              certificate.subject.files == manifest().subject.files &&
                              certificate.subject.configSha256 == manifest().subject.configSha256 &&
                              certificate.surrogateModel == manifest().surrogateModel &&
                              beginsWith(statementOf(manifest().prompts).prompts, certificate.prompts.prompts);
            return fits ? std::optional(certificate) : std::nullopt;
        } catch (const Error&) {
            return std::nullopt; // damaged: the block is computed again
        }
    }

    void create(const RunManifest& asked)
    {
        document = {asked, {}};
        saveDocument();
    }

    void resume(const RunManifest& asked)
    {
        document = readRunDocument(run);
        requireSameRequest(run, manifest(), asked);
        const bool grows = manifest().request.blocks != asked.request.blocks || addsPrompts(manifest(), asked);
        if (document.state.complete && !grows)
            return; // nothing to do; the files stay as they are
        document.manifest = asked;
        document.state.failed.clear();
        reopen();
        saveDocument();
    }

    // Finished blocks that know fewer prompts than the run now has: their cells come back from probes.h5.
    void takeBackCells()
    {
        for (const LayerIndex block : manifest().request.blocks) {
            const std::optional<Certificate> old = certificateOf(block);
            if (!old || old->prompts.prompts.size() == manifest().prompts.prompts.size())
                continue;
            const std::string madeBy =
                originOf({"", old->toolVersion, old->toolBuild, "", "", {}, {}, "", {}, {}, old->environment});
            if (madeBy != origin)
                continue; // another program or machine: computed again, so that a block has one origin
            forEachFinishedCell(run, *old, childProgram, [&](const CellRecord& cell) {
                if (!readCell(block, cell.prompt))
                    saveCell(cell, origin);
            });
        }
    }

    [[nodiscard]] Certificate makeCertificate(LayerIndex block) const
    {
        Certificate certificate;
        certificate.created = manifest().created;
        certificate.toolVersion = manifest().toolVersion;
        certificate.toolBuild = manifest().toolBuild;
        certificate.environment = manifest().environment;
        certificate.subject = manifest().subject;
        certificate.block = block;
        certificate.surrogateModel = manifest().surrogateModel;
        certificate.prompts = statementOf(manifest().prompts);
        certificate.request = manifest().request;
        certificate.request.blocks = {block};
        certificate.comparisonTolerance = certificate.request.comparisonTolerance();
        return certificate;
    }
};

RunWriter::RunWriter(const fs::path& run, const RunManifest& manifest, OpenMode mode, const fs::path& childProgram)
    : m_state(std::make_unique<State>())
{
    if (fs::exists(run) && !fs::is_directory(run))
        throw UsageError(run.string() + " is a file; choose another name for the run directory.");
    const bool isRun = fs::exists(run / manifestName);
    const bool isEmpty = !fs::exists(run) || isEmptyFolder(run);
    if (mode == OpenMode::Create && !isEmpty)
        throw UsageError("The folder " + run.string() + " is not empty; choose another one" +
                         (isRun ? ", or continue the run in it with --resume." : "."));
    if (mode == OpenMode::Resume && !isRun && !isEmpty)
        throw UsageError("The folder " + run.string() + " holds no run.json, so there is no run to resume.");
    makeFolder(run / ".work");
    m_state->run = run;
    m_state->childProgram = childProgram;
    m_state->seat.emplace(run);
    m_state->lock.emplace(run / lockPath);
    m_state->origin = originOf(manifest);
    removeLeftovers(run);
    if (isRun)
        m_state->resume(manifest);
    else
        m_state->create(manifest);
    m_state->shape = shapeOf(m_state->manifest());
    if (!m_state->document.state.complete)
        m_state->takeBackCells();
}

RunWriter::~RunWriter() = default;
RunWriter::RunWriter(RunWriter&&) noexcept = default;
RunWriter& RunWriter::operator=(RunWriter&&) noexcept = default;

bool RunWriter::hasBlock(LayerIndex block) const
{
    const auto known = m_state->knownBlocks.find(block);
    if (known != m_state->knownBlocks.end())
        return known->second;
    const std::optional<Certificate> certificate = m_state->certificateOf(block);
    const bool whole = certificate &&
                       certificate->prompts.prompts.size() == m_state->manifest().prompts.prompts.size() &&
                       certificate->artifacts.size() == 2 &&
                       std::all_of(certificate->artifacts.begin(), certificate->artifacts.end(),
                                   [&](const ArtifactDigest& artifact) { return isIntact(m_state->run, artifact); });
    m_state->knownBlocks[block] = whole;
    return whole;
}

bool RunWriter::hasCell(LayerIndex block, PromptIndex prompt) const
{
    return m_state->readCell(block, prompt).has_value();
}

bool RunWriter::hasLosses(LayerIndex block, PromptIndex prompt) const
{
    const std::optional<CellRecord> cell = m_state->readCell(block, prompt);
    return cell && (m_state->shape.loss != LossMode::Exact || !cell->topIdBase.empty());
}

void RunWriter::writeCell(const CellRecord& cell)
{
    assert(cell.prompt.value >= 0 && cell.prompt.value < m_state->shape.prompts());
    m_state->reopen();
    m_state->saveCell(cell, m_state->origin);
    if (m_state->shape.loss != LossMode::Exact || !cell.topIdBase.empty())
        m_state->recent.keep(cell);
}

void RunWriter::writeLosses(const CellRecord& losses)
{
    assert(losses.prompt.value >= 0 && losses.prompt.value < m_state->shape.prompts());
    m_state->reopen();
    m_state->append(losses.block, {losses.prompt, CellPart::Losses},
                    encodeLosses(losses, m_state->cellShape(losses.prompt), m_state->origin));
}

void RunWriter::writeSurrogate(LayerIndex block, const ir::BlockIr& ir, const SurrogateWeights& weights)
{
    const fs::path& run = m_state->run;
    const std::int64_t longest = m_state->shape.longest();
    if (ir.mask.dtype != DType::U8 || ir.mask.shape != std::vector<std::int64_t>{longest, longest})
        throw ShapeError("The mask of block " + std::to_string(block.value) + " must be U8 [" +
                         std::to_string(longest) + ", " + std::to_string(longest) + "], the longest prompt's size.");
    m_state->requirePlace();
    m_state->reopen();
    m_state->knownBlocks.erase(block);
    makeFolder(run / blockFolder(block));
    removeLeftovers(run / blockFolder(block));

    const fs::path irFile = temporaryFor(run / irPath(block));
    artifact::ArchiveWriter archive(irFile);
    ir::writeBlockIr(ir, archive);
    archive.close(Flush::Later);
    m_state->publish(irFile, run / irPath(block));
    m_state->surrogates[block] = {m_state->hashed(irPath(block), "ir"), ir.mask, weights};
}

bool RunWriter::hasSurrogate(LayerIndex block) const
{
    return m_state->surrogates.contains(block);
}

Certificate RunWriter::finishBlock(LayerIndex block)
{
    const fs::path& run = m_state->run;
    const auto surrogate = m_state->surrogates.find(block);
    if (surrogate == m_state->surrogates.end())
        throw UsageError("The surrogate of block " + std::to_string(block.value) + " has not been written.");
    m_state->reopen();
    Certificate certificate = m_state->makeCertificate(block);
    certificate.surrogateWeights = surrogate->second.weights;
    const fs::path probesFile = temporaryFor(run / probesPath(block));
    certificate.metrics = writeProbes(
        probesFile, m_state->shape, m_state->manifest().prompts, surrogate->second.mask, certificate.request.policy,
        [&](PromptIndex prompt) {
            std::optional<CellRecord> cell = m_state->recent.take(block, prompt);
            if (!cell)
                cell = m_state->readCell(block, prompt);
            if (!cell || (m_state->shape.loss != LossMode::None && isWithoutLosses(*cell, m_state->cellShape(prompt))))
                throw FileError(
                    "The cell of block " + std::to_string(block.value) + ", prompt " + std::to_string(prompt.value) +
                    " is missing or damaged: " + m_state->logOf(block).path().string() + "; resume the run.");
            return std::move(*cell);
        });
    m_state->publish(probesFile, run / probesPath(block));

    certificate.artifacts = {surrogate->second.digest, m_state->hashed(probesPath(block), "probes")};
    certificate.findings = judge(certificate.metrics, certificate.request.policy);
    certificate.certified = certificate.findings.empty();
    m_state->requirePlace();
    writeDocument(run / certificatePath(block), certificateToJson(certificate), Flush::Later);
    m_state->unflushed.push_back(run / certificatePath(block));
    m_state->surrogates.erase(surrogate);
    m_state->knownBlocks[block] = true;

    RunState& state = m_state->document.state;
    std::erase_if(state.failed, [&](const BlockFailure& failure) { return failure.block == block; });
    if (std::find(state.finished.begin(), state.finished.end(), block) == state.finished.end())
        state.finished.insert(std::upper_bound(state.finished.begin(), state.finished.end(), block), block);
    m_state->cellsToRemove.push_back(block);
    return certificate;
}

void RunWriter::requirePlace(ExitCode code) const
{
    m_state->seat->require(code);
}

void RunWriter::flush(const RunContext& context)
{
    m_state->requirePlace();
    m_state->flushFinished(context);
    if (m_state->cellsToRemove.empty())
        return;
    m_state->saveDocument(); // names the finished blocks
    m_state->removeCells();
}

fs::path RunWriter::workFolder() const
{
    return m_state->run / ".work";
}

const std::string& RunWriter::origin() const
{
    return m_state->origin;
}

void RunWriter::recordFailure(const BlockFailure& failure)
{
    m_state->reopen();
    if (m_state->surrogates.erase(failure.block) > 0) { // a certificate of before, if any, is not this one's to remove
        std::error_code ignored;
        if (!fs::exists(m_state->run / certificatePath(failure.block), ignored))
            fs::remove_all(m_state->run / blockFolder(failure.block), ignored);
    }
    std::vector<BlockFailure>& failed = m_state->document.state.failed;
    std::erase_if(failed, [&](const BlockFailure& old) { return old.block == failure.block; });
    const auto after = [](const BlockFailure& a, const BlockFailure& b) { return a.block < b.block; };
    failed.insert(std::upper_bound(failed.begin(), failed.end(), failure, after), failure);
    m_state->saveDocument();
}

void RunWriter::finish()
{
    m_state->requirePlace();
    m_state->flushFinished(RunContext{});
    RunState& state = m_state->document.state;
    state.finished.clear();
    for (const LayerIndex block : m_state->manifest().request.blocks) {
        const auto isThis = [&](const BlockFailure& failure) { return failure.block == block; };
        if (hasBlock(block))
            state.finished.push_back(block);
        else if (std::none_of(state.failed.begin(), state.failed.end(), isThis))
            throw UsageError("The run " + m_state->run.string() + " has no certificate for block " +
                             std::to_string(block.value) + " yet; resume it.");
    }
    const bool untouched = state.complete && fs::exists(m_state->run / sumsName);
    if (!untouched) {
        state.complete = true;
        m_state->saveDocument();
        std::vector<SumLine> lines = {{std::string(manifestName), ""}};
        for (const LayerIndex block : state.finished)
            for (const std::string& path : {certificatePath(block), irPath(block), probesPath(block)})
                lines.push_back({path, ""});
        for (const std::string& name : intactEdits(m_state->run))
            for (const std::string& path : {editCertificatePath(name), editEffectPath(name)})
                lines.push_back({path, ""});
        for (const std::string& name : intactStitches(m_state->run))
            for (const std::string& path : {stitchCertificatePath(name), stitchReplayPath(name)})
                lines.push_back({path, ""});
        for (SumLine& line : lines) {
            const auto known = m_state->knownDigests.find(line.path);
            line.sha256 = known != m_state->knownDigests.end() ? known->second
                                                               : sha256OfFile(m_state->run / line.path, RunContext{});
        }
        writeFileAtomically(m_state->run / sumsName, writeSums(std::move(lines)));
    }
    m_state->logs.clear();
    m_state->cellsToRemove.clear();
    std::error_code ignored;
    fs::remove_all(m_state->run / ".work", ignored);
}

}
