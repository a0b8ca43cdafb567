#include "app/workbench/session/run_catalogue.h"

#include "app/workbench/process/json_reading.h"
#include "app/workbench/session/job_board.h"
#include "app/workbench/session/json_values.h"
#include "widgets/number_text.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

RunFacts runFactsOf(const Json& show)
{
    RunFacts facts;
    const Json& manifest = objectOf(show, "manifest");
    const Json& subject = objectOf(manifest, "subject");
    facts.digest = textOf(show, "digest");
    facts.model = widgets::shownName(textOf(subject, "model"));
    facts.layers = static_cast<int>(wholeOf(subject, "layers"));
    facts.dModel = static_cast<int>(wholeOf(subject, "d_model"));
    facts.prompts = widgets::shownName(textOf(objectOf(manifest, "prompts"), "name"));
    facts.baselineDtype = textOf(objectOf(manifest, "request"), "baseline_dtype");
    facts.surrogate = surrogateOf(objectOf(manifest, "request"));
    facts.promptCount = static_cast<int>(arrayOf(objectOf(manifest, "prompts"), "items").size());
    for (const Json& block : arrayOf(show, "blocks")) {
        facts.tokens = std::max(facts.tokens, wholeOf(block, "tokens")); // the same prompts for every block
        const widgets::BlockRow row = blockRowOf(block);
        ++facts.blocks;
        facts.certified += row.state == widgets::BlockState::Certified ? 1 : 0;
        facts.epsilon = std::fmax(facts.epsilon, row.epsilon); // fmax ignores what is missing
    }
    for (const Json& certificate : arrayOf(show, "certificates")) {
        for (const Json& artifact : arrayOf(certificate, "artifacts"))
            facts.bytes += sizeOf(artifact, "size");
    }
    return facts;
}

RunCatalogue::RunCatalogue(JobBoard& board, QObject* parent)
    : QObject(parent)
    , m_board(board)
{
}

void RunCatalogue::setRuns(const std::vector<ShelvedRun>& runs)
{
    for (const auto& [path, time] : m_times)
        std::erase(m_waiting, path);
    m_times.clear();
    for (const ShelvedRun& run : runs) {
        m_times[run.path] = run.changed;
        const auto known = m_known.find(run.path);
        const bool isKnown = known != m_known.end() && known->second.changed == run.changed;
        if (!run.isRunning && !isKnown && run.path != m_looking)
            m_waiting.push_back(run.path);
    }
    next();
}

void RunCatalogue::lookAt(const QString& path)
{
    const bool isWaiting = std::find(m_waiting.begin(), m_waiting.end(), path) != m_waiting.end();
    if (path.isEmpty() || m_known.contains(path) || path == m_looking || isWaiting)
        return;
    m_waiting.push_front(path);
    next();
}

const RunFacts* RunCatalogue::of(const QString& path) const
{
    const auto found = m_known.find(path);
    return found == m_known.end() ? nullptr : &found->second.facts;
}

void RunCatalogue::next()
{
    if (!m_looking.isEmpty() || m_waiting.empty())
        return;
    m_looking = m_waiting.front();
    m_waiting.pop_front();
    JobCallbacks callbacks;
    callbacks.finished = [this](const JsonResult& answer) { looked(runFactsOf(*answer)); };
    callbacks.failed = [this](const JobFault& fault) {
        RunFacts facts;
        facts.problem = fault.sentence;
        looked(std::move(facts));
    };
    callbacks.cancelled = [this](bool) {
        m_looking.clear();
        next();
    };
    m_board.glance({u"show"_s, m_looking, u"--json"_s}, this, callbacks);
}

void RunCatalogue::learn(const QString& path, RunFacts facts)
{
    std::erase(m_waiting, path);
    const auto time = m_times.find(path);
    m_known[path] = {time == m_times.end() ? QDateTime() : time->second, std::move(facts)};
    emit changed(path);
}

void RunCatalogue::looked(RunFacts facts)
{
    learn(std::exchange(m_looking, QString()), std::move(facts));
    next();
}

}
