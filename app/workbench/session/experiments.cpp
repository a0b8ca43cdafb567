#include "app/workbench/session/experiments.h"

#include "app/workbench/process/background.h"
#include "app/workbench/process/json_reading.h"
#include "app/workbench/session/run_settings.h"
#include "widgets/number_text.h"

#include <QCoreApplication>
#include <QDir>
#include <QFileInfo>

#include <algorithm>
#include <cmath>
#include <utility>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
using widgets::ValueCell;
using widgets::ValueRows;

namespace {

constexpr std::size_t mostEntries = 200;

QString translated(const char* text)
{
    return QCoreApplication::translate("Experiments", text);
}

// Every field with its name in the protocol's parameters.
QString ExperimentSpec::*memberOf(const QString& field)
{
    static const std::map<QString, QString ExperimentSpec::*> members = {
        {u"kind"_s, &ExperimentSpec::kind},       {u"model"_s, &ExperimentSpec::model},
        {u"prompts"_s, &ExperimentSpec::prompts}, {u"blocks"_s, &ExperimentSpec::blocks},
        {u"dtype"_s, &ExperimentSpec::dtype},     {u"loss"_s, &ExperimentSpec::loss},
        {u"ranks"_s, &ExperimentSpec::ranks},     {u"noise"_s, &ExperimentSpec::noise},
        {u"dtypes"_s, &ExperimentSpec::dtypes},   {u"out"_s, &ExperimentSpec::out}};
    const auto found = members.find(field);
    return found == members.end() ? nullptr : found->second;
}

// In the order of the command line.
QStringList givenFields(const ExperimentSpec& spec)
{
    QStringList fields{u"prompts"_s, u"blocks"_s, u"dtype"_s};
    if (spec.kind != "timing"_L1) // which measures with losses and without
        fields += u"loss"_s;
    fields += ownFields(spec.kind);
    fields.removeIf([&spec](const QString& field) { return fieldOf(spec, field).trimmed().isEmpty(); });
    return fields;
}

ValueCell cellOf(const Json& value)
{
    ValueCell cell;
    if (value.is_number()) {
        cell.number = value.get<double>();
        if (value.is_number_integer()) // a count or an index, not a measurement
            cell.text = widgets::countText(value.get<std::int64_t>());
    } else if (value.is_boolean())
        cell.text = value.get<bool>() ? translated("yes") : translated("no");
    else if (value.is_string())
        cell.text = QString::fromStdString(value.get<std::string>());
    return cell;
}

std::shared_ptr<const ValueRows> rowsOf(const Json& table)
{
    auto rows = std::make_shared<ValueRows>();
    for (const Json& column : arrayOf(table, "columns")) {
        const std::string key = textOf(column, "key").toStdString();
        bool isNumber = true;
        for (const Json& row : arrayOf(table, "rows"))
            isNumber = isNumber && (!row.contains(key) || row.at(key).is_number() || row.at(key).is_null());
        rows->columns.push_back({textOf(column, "title"), isNumber, isNumber ? 11 : 14, {}});
    }
    for (const Json& row : arrayOf(table, "rows")) {
        std::vector<ValueCell> cells;
        for (const Json& column : arrayOf(table, "columns")) {
            const auto found = row.find(textOf(column, "key").toStdString());
            cells.push_back(found == row.end() ? ValueCell() : cellOf(*found));
        }
        rows->rows.push_back(std::move(cells));
    }
    return rows;
}

}

QStringList experimentKinds()
{
    return {u"blocks"_s,      u"low-rank"_s,     u"ablations"_s, u"thresholds"_s,
            u"prompt-size"_s, u"prompt-shift"_s, u"semantic"_s,  u"timing"_s};
}

QStringList ownFields(const QString& kind)
{
    if (kind == "low-rank"_L1)
        return {u"ranks"_s};
    if (kind == "ablations"_L1)
        return {u"noise"_s};
    if (kind == "thresholds"_L1 || kind == "prompt-size"_L1)
        return {u"dtypes"_s};
    return {};
}

std::vector<std::pair<QString, QString>> variedFields(const QString& kind)
{
    std::vector<std::pair<QString, QString>> fields{{u"dtype"_s, translated("Baseline dtype")},
                                                    {u"prompts"_s, translated("Prompts")},
                                                    {u"blocks"_s, translated("Blocks")},
                                                    {u"kind"_s, translated("Experiment")}};
    for (const QString& field : ownFields(kind))
        fields.emplace_back(field, field == "ranks"_L1   ? translated("Ranks")
                                   : field == "noise"_L1 ? translated("Noise")
                                                         : translated("Further dtypes"));
    return fields;
}

QString fieldOf(const ExperimentSpec& spec, const QString& field)
{
    const auto member = memberOf(field);
    return member ? spec.*member : QString();
}

void setField(ExperimentSpec& spec, const QString& field, const QString& value)
{
    if (const auto member = memberOf(field))
        spec.*member = value;
}

Json experimentParameters(const ExperimentSpec& spec, bool resume)
{
    Json parameters = {
        {"kind", spec.kind.toStdString()}, {"model", spec.model.toStdString()}, {"out", spec.out.toStdString()}};
    for (const QString& field : givenFields(spec))
        parameters[field.toStdString()] = fieldOf(spec, field).trimmed().toStdString();
    if (resume)
        parameters["resume"] = true;
    return parameters;
}

QString experimentCommand(const ExperimentSpec& spec)
{
    QStringList words{u"blockcert"_s, u"experiment"_s, spec.kind, spec.model};
    for (const QString& field : givenFields(spec))
        words << u"--"_s + field << fieldOf(spec, field).trimmed();
    return shellCommand(words << u"--out"_s << spec.out);
}

QString obstacleOf(const ExperimentSpec& spec)
{
    if (spec.model.trimmed().isEmpty())
        return translated("Name a model, such as demo.");
    if (spec.out.trimmed().isEmpty())
        return translated("Name a folder for the experiment.");
    return {};
}

QString freshExperimentPath(const ExperimentSpec& spec, const QString& folder, const QStringList& taken)
{
    QStringList parts{spec.kind, spec.dtype};
    if (!spec.prompts.isEmpty())
        parts << QFileInfo(spec.prompts).completeBaseName();
    if (!spec.blocks.isEmpty())
        parts << u"b"_s + spec.blocks;
    for (const QString& field : ownFields(spec.kind))
        if (!fieldOf(spec, field).isEmpty())
            parts << fieldOf(spec, field);
    QString name = parts.join(u'-');
    for (QChar& character : name)
        if (!character.isLetterOrNumber() && character != u'-' && character != u'.')
            character = u'_';
    for (int number = 1;; ++number) {
        const QString path = folder + u'/' + name.left(80) + (number > 1 ? u"-%1"_s.arg(number) : QString());
        if (!taken.contains(path))
            return path;
    }
}

std::optional<std::vector<ExperimentSpec>> gridOf(const ExperimentSpec& spec, const std::map<QString, QString>& values,
                                                  const QString& folder, QStringList taken)
{
    std::vector<ExperimentSpec> specs{spec};
    for (const auto& [field, text] : values) {
        QStringList choices;
        for (const QString& choice : text.split(u'|', Qt::SkipEmptyParts))
            if (!choice.trimmed().isEmpty() && !choices.contains(choice.trimmed()))
                choices << choice.trimmed();
        if (choices.isEmpty())
            continue;
        std::vector<ExperimentSpec> varied;
        for (const ExperimentSpec& one : specs)
            for (const QString& choice : std::as_const(choices)) {
                varied.push_back(one);
                setField(varied.back(), field, choice);
            }
        if (varied.size() > mostVariants)
            return std::nullopt;
        specs = std::move(varied);
    }
    for (ExperimentSpec& one : specs) {
        one.out = freshExperimentPath(one, folder, taken);
        taken << one.out;
    }
    return specs;
}

std::vector<ExperimentEntry> experimentsIn(const QString& folder)
{
    std::vector<ExperimentEntry> entries;
    for (const QFileInfo& file : QDir(folder).entryInfoList(QDir::Dirs | QDir::NoDotAndDotDot, QDir::Time)) {
        const QString path = file.filePath();
        if (!QFileInfo::exists(path + u"/request.json"_s) || QFileInfo::exists(path + u"/run.json"_s))
            continue;
        ExperimentEntry entry;
        entry.path = path;
        entry.name = file.fileName();
        entry.isComplete = QFileInfo::exists(path + u"/SHA256SUMS"_s);
        entries.push_back(std::move(entry));
        if (entries.size() == mostEntries)
            break;
    }
    return entries;
}

ExperimentEntry experimentOf(const Json& listing)
{
    ExperimentEntry entry;
    entry.path = textOf(listing, "out");
    entry.name = QFileInfo(entry.path).fileName();
    entry.isComplete = flagOf(listing, "complete");
    entry.isRead = true;
    entry.problem = textsOf(listing, "problems").join(u' ');
    const Json& result = objectOf(listing, "result");
    entry.title = textOf(result, "title");
    entry.headline = textOf(result, "headline");
    entry.model = textOf(objectOf(result, "subject"), "model");
    entry.command = textOf(result, "command");
    entry.notes = textsOf(result, "notes");
    for (const Json& table : arrayOf(result, "tables"))
        entry.tables.emplace_back(textOf(table, "title"), rowsOf(table));
    for (const Json& figure : arrayOf(listing, "figures"))
        entry.figures.push_back({textOf(figure, "title"), textOf(figure, "caption"), textOf(figure, "svg").toUtf8()});
    // The command is the specification as somebody would type it.
    const QStringList words = shellWords(entry.command);
    entry.spec.kind = words.value(2, textOf(result, "experiment"));
    entry.spec.model = words.value(3);
    entry.spec.out = entry.path;
    for (qsizetype i = 4; i + 1 < words.size(); ++i)
        if (words[i].startsWith("--"_L1) && words[i] != "--out"_L1)
            setField(entry.spec, words[i].mid(2), words[i + 1]);
    return entry;
}

std::shared_ptr<const ValueRows> besidePinned(const ValueRows& rows, const ValueRows& pinned)
{
    const auto keyOf = [](const std::vector<ValueCell>& row, const std::vector<widgets::ValueColumn>& columns) {
        QString key;
        for (std::size_t i = 0; i < row.size() && i < columns.size(); ++i)
            if (!columns[i].isNumber || i == 0)
                key += (std::isnan(row[i].number) ? row[i].text : widgets::exactNumber(row[i].number)) + u'\n';
        return key;
    };
    std::map<QString, const std::vector<ValueCell>*> known;
    for (const std::vector<ValueCell>& row : pinned.rows)
        known[keyOf(row, pinned.columns)] = &row;
    auto result = std::make_shared<ValueRows>();
    std::vector<int> partner(rows.columns.size(), -1); // the pinned one's column of the same name
    for (std::size_t i = 0; i < rows.columns.size(); ++i) {
        result->columns.push_back(rows.columns[i]);
        if (i == 0 || !rows.columns[i].isNumber)
            continue;
        for (std::size_t j = 0; j < pinned.columns.size(); ++j)
            if (pinned.columns[j].isNumber && pinned.columns[j].title == rows.columns[i].title)
                partner[i] = static_cast<int>(j);
        if (partner[i] >= 0)
            result->columns.push_back(
                {u"Δ"_s, true, 11, translated("%1: this one minus the pinned one").arg(rows.columns[i].title)});
    }
    for (const std::vector<ValueCell>& row : rows.rows) {
        const auto found = known.find(keyOf(row, rows.columns));
        std::vector<ValueCell> cells;
        for (std::size_t i = 0; i < row.size() && i < rows.columns.size(); ++i) {
            cells.push_back(row[i]);
            if (partner[i] < 0)
                continue;
            ValueCell delta;
            if (found != known.end() && static_cast<std::size_t>(partner[i]) < found->second->size())
                delta = ValueCell::of(row[i].number - (*found->second)[static_cast<std::size_t>(partner[i])].number);
            delta.isSigned = true;
            cells.push_back(delta);
        }
        result->rows.push_back(std::move(cells));
    }
    return result;
}

ExperimentBoard::ExperimentBoard(JobBoard& board, QObject* parent)
    : QObject(parent)
    , m_board(board)
{
}

void ExperimentBoard::setFolder(const QString& folder)
{
    if (folder == m_folder)
        return;
    m_folder = folder;
    refresh();
}

void ExperimentBoard::refresh()
{
    runInBackground<std::vector<ExperimentEntry>>(
        this, [folder = m_folder] { return experimentsIn(folder); },
        [this, folder = m_folder](const std::vector<ExperimentEntry>& found) {
            if (folder != m_folder)
                return;
            m_entries.clear();
            for (const ExperimentEntry& entry : found) {
                const auto known = m_read.find(entry.path);
                const bool isKnown = known != m_read.end() && known->second.isComplete == entry.isComplete;
                m_entries.push_back(isKnown ? known->second : entry);
                if (!isKnown)
                    read(entry.path);
            }
            emit changed();
        },
        [](const QString&) {});
}

void ExperimentBoard::read(const QString& path)
{
    JobCallbacks callbacks;
    callbacks.finished = [this, path](const JsonResult& answer) {
        runInBackground<ExperimentEntry>(
            this, [answer] { return experimentOf(*answer); },
            [this, path](ExperimentEntry entry) {
                entry.path = path;
                entry.spec.out = path;
                m_read[path] = entry;
                for (ExperimentEntry& one : m_entries)
                    if (one.path == path)
                        one = entry;
                emit changed();
            },
            [](const QString&) {});
    };
    callbacks.failed = [this, path](const JobFault& fault) {
        for (ExperimentEntry& one : m_entries)
            if (one.path == path) {
                one.isRead = true;
                one.problem = fault.sentence;
            }
        emit changed();
    };
    m_board.glance({u"show"_s, path, u"--json"_s}, this, callbacks);
}

void ExperimentBoard::run(const ExperimentSpec& spec, bool resume)
{
    auto id = std::make_shared<JobId>(0);
    m_problem.clear();
    JobCallbacks callbacks;
    callbacks.finished = [this, id](const JsonResult&) { end(*id, {}); };
    callbacks.failed = [this, id](const JobFault& fault) { end(*id, fault.sentence); };
    callbacks.cancelled = [this, id](bool) { end(*id, {}); };
    callbacks.progressed = [this, id](const JobProgress& progress) {
        for (Job& job : m_jobs)
            if (job.id == *id) {
                job.isRunning = true;
                job.progress = progress;
                job.progress.detail = nullptr;
            }
        emit changed();
    };
    *id = m_board.askEngine(tr("Experiment %1").arg(QFileInfo(spec.out).fileName()), u"experiment"_s,
                            experimentParameters(spec, resume), this, callbacks);
    m_jobs.push_back({*id, spec, false, {}});
    emit changed();
}

void ExperimentBoard::end(JobId id, const QString& problem)
{
    std::erase_if(m_jobs, [&](const Job& job) {
        if (job.id == id)
            m_read.erase(job.spec.out);
        return job.id == id;
    });
    if (!problem.isEmpty())
        m_problem = problem;
    refresh();
    emit changed();
}

void ExperimentBoard::cancel(const QString& out)
{
    for (const Job& job : m_jobs)
        if (job.spec.out == out)
            m_board.cancel(job.id);
}

QStringList ExperimentBoard::taken() const
{
    QStringList paths;
    for (const ExperimentEntry& entry : m_entries)
        paths << entry.path;
    for (const Job& job : m_jobs)
        paths << job.spec.out;
    return paths;
}

}
