#include "app/workbench/session/sweep_board.h"

#include "app/workbench/process/background.h"
#include "app/workbench/session/job_board.h"
#include "app/workbench/session/run_settings.h"
#include "widgets/number_text.h"

#include <QFileInfo>

#include <algorithm>
#include <utility>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

SweepBoard::SweepBoard(JobBoard& board, QObject* parent)
    : QObject(parent)
    , m_board(board)
{
}

Json SweepBoard::parameters(const SweepSpec& spec, const LabSettings& settings, bool resume)
{
    Json parameters = {{"model", settings.model.toStdString()},
                       {"dtype", settings.dtype.toStdString()},
                       {"prompts", settings.prompts.toStdString()},
                       {"blocks", spec.blocks.toStdString()},
                       {"alphas", spec.alphas.toStdString()},
                       {"target", spec.target.toStdString()},
                       {"conditions", spec.conditions.join(u',').toStdString()},
                       {"max_new", spec.maxNew},
                       {"out", spec.out.toStdString()}};
    if (!settings.markers.isEmpty())
        parameters["markers"] = settings.markers.toStdString();
    if (resume)
        parameters["resume"] = true;
    return parameters;
}

QString SweepBoard::command(const SweepSpec& spec, const LabSettings& settings)
{
    QStringList words{u"blockcert"_s, u"sweep"_s,    settings.model, u"--blocks"_s,
                      spec.blocks,    u"--alphas"_s, spec.alphas};
    const auto option = [&words](const QString& name, const QString& value, const QString& standard) {
        if (value != standard)
            words << name << value;
    };
    option(u"--target"_s, spec.target, u"mlp"_s);
    option(u"--prompts"_s, settings.prompts, u"refusal"_s);
    option(u"--conditions"_s, spec.conditions.join(u','), u"none"_s);
    option(u"--max-new"_s, QString::number(spec.maxNew), u"64"_s);
    option(u"--markers"_s, settings.markers, {});
    option(u"--dtype"_s, settings.dtype, u"fp32"_s);
    return shellCommand(words << u"-o"_s << spec.out);
}

std::optional<SweepSpec> SweepBoard::spec() const
{
    if (!m_table)
        return std::nullopt;
    SweepSpec spec;
    spec.blocks = blocksText(m_table->blocks, 1 << 20);
    QStringList alphas;
    for (const double alpha : m_table->alphas)
        alphas << widgets::exactNumber(alpha);
    spec.alphas = alphas.join(u',');
    spec.target = m_table->target;
    spec.conditions = m_asked ? m_asked->spec.conditions : m_table->conditions;
    spec.maxNew = m_table->maxNew;
    spec.out = m_table->out;
    return spec;
}

// With what the sweep was asked for, as far as that is known. Nothing, with a sentence, where a file is missing.
std::optional<LabSettings> SweepBoard::settingsToResume(const LabSettings& settings)
{
    LabSettings used = m_asked ? m_asked->settings : settings;
    used.model = settings.model;
    if (m_asked)
        return used;
    if (!m_table->dtype.isEmpty())
        used.dtype = m_table->dtype;
    if (QFileInfo(settings.prompts).fileName() == QFileInfo(m_table->prompts).fileName())
        return used;
    // The folder knows a file by its name alone.
    if (QFileInfo(m_table->prompts).fileName() == m_table->prompts && m_table->prompts.contains(u'.')) {
        m_problem = tr("This sweep is of the prompts in %1: choose that file in the lab, under Measured on, then "
                       "resume.")
                        .arg(m_table->prompts);
        emit changed();
        return std::nullopt;
    }
    used.prompts = m_table->prompts;
    return used;
}

void SweepBoard::start(const SweepSpec& spec, const LabSettings& settings, int layers, bool resume)
{
    std::optional<SweepTable> table = emptyTableOf(spec, layers);
    if (isRunning() || !table)
        return;
    const std::shared_ptr<const SweepTable> before = resume ? m_table : nullptr;
    const std::optional<LabSettings> chosen = before ? settingsToResume(settings) : settings;
    if (!chosen)
        return;
    const LabSettings used = *chosen;
    m_asked = AskedSweep{spec, used};
    m_isInterrupted = false;
    table->prompts = used.prompts;
    table->model = m_table && resume ? m_table->model : settings.model;
    m_table = std::make_shared<const SweepTable>(std::move(*table));
    m_problem.clear();
    m_progress = {};
    const quint64 number = ++m_number;
    const auto isCurrent = [this, number] { return number == m_number; };
    JobCallbacks callbacks;
    callbacks.progressed = [this, isCurrent](const JobProgress& progress) {
        if (!isCurrent())
            return;
        m_progress = progress;
        if (progress.detail)
            addRow(*progress.detail);
        emit progressed();
    };
    callbacks.finished = [this, isCurrent](const JsonResult& answer) {
        if (!isCurrent())
            return;
        runInBackground<SweepTable>(
            this, [answer] { return sweepTableOf(*answer); },
            [this, isCurrent](SweepTable whole) {
                if (!isCurrent())
                    return;
                m_job = 0;
                m_table = std::make_shared<const SweepTable>(std::move(whole));
                emit changed();
            },
            [this, isCurrent](const QString& sentence) {
                if (!isCurrent())
                    return;
                m_job = 0;
                m_problem =
                    tr("The sweep is done, but its answer could not be read: %1. Open its folder.").arg(sentence);
                emit changed();
            });
    };
    callbacks.failed = [this, isCurrent, before](const JobFault& fault) {
        if (!isCurrent())
            return;
        m_job = 0;
        if (before && m_table->rows.empty())
            m_table = before; // its rows are still there
        m_problem = fault.sentence;
        emit changed();
    };
    callbacks.cancelled = [this, isCurrent](bool) {
        if (!isCurrent())
            return;
        m_job = 0;
        emit changed();
    };
    m_job = m_board.askEngine(tr("Sweep blocks %1").arg(spec.blocks), u"sweep"_s, parameters(spec, used, resume), this,
                              callbacks);
    emit askedToRun();
    emit changed();
}

void SweepBoard::addRow(const Json& detail)
{
    SweepRow row = sweepRowOf(detail);
    SweepTable table = *m_table;
    const auto isSame = [&row](const SweepRow& other) {
        return other.condition == row.condition && other.block == row.block && other.alpha == row.alpha;
    };
    std::erase_if(table.rows, isSame);
    // A condition from a file is called by the name that stands in it.
    if (!table.conditions.contains(row.condition))
        for (QString& condition : table.conditions)
            if (condition.contains(u'/') || condition.endsWith(".json"_L1)) {
                condition = row.condition;
                break;
            }
    table.rows.push_back(std::move(row));
    m_table = std::make_shared<const SweepTable>(std::move(table));
}

void SweepBoard::cancel()
{
    if (m_job != 0)
        m_board.cancel(m_job);
}

void SweepBoard::open(const QString& folder)
{
    read(folder, std::nullopt, false);
}

void SweepBoard::restore(const AskedSweep& asked)
{
    read(asked.spec.out, asked, true);
}

void SweepBoard::forgetInterruption()
{
    m_isInterrupted = false;
    emit changed();
}

QString SweepBoard::interruption() const
{
    if (!m_isInterrupted || !isResumable())
        return {};
    const auto wanted =
        static_cast<std::size_t>(m_table->conditions.size()) * (m_table->blocks.size() * m_table->alphas.size() + 1);
    return tr("A sweep is unfinished: %1 of %2 rows are in %3. None is lost; Resume goes on.")
        .arg(m_table->rows.size())
        .arg(wanted)
        .arg(m_table->out);
}

void SweepBoard::read(const QString& folder, std::optional<AskedSweep> asked, bool isInterrupted)
{
    if (isRunning())
        return;
    const quint64 number = ++m_number;
    m_isReading = true;
    m_problem.clear();
    emit changed();
    runInBackground<SweepTable>(
        this, [folder] { return readSweepFolder(folder); },
        [this, number, asked = std::move(asked), isInterrupted](SweepTable table) {
            if (number != m_number)
                return;
            m_isReading = false;
            m_table = std::make_shared<const SweepTable>(std::move(table));
            m_asked = asked;
            m_isInterrupted = isInterrupted;
            emit opened();
            emit changed();
        },
        [this, number](const QString& sentence) {
            if (number != m_number)
                return;
            m_isReading = false;
            m_problem = sentence;
            emit changed();
        });
}

}
