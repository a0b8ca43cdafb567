#include "app/workbench/session/annotations.h"

#include "app/workbench/process/background.h"
#include "app/workbench/process/json_reading.h"

#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QSaveFile>

#include <algorithm>
#include <utility>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

namespace {

constexpr auto schema = "blockcert.annotations/1";

struct MarkName {
    TokenMark mark;
    const char* key; // in the file
};

constexpr MarkName markNames[] = {
    {TokenMark::Expected, "expected"}, {TokenMark::Bug, "bug"}, {TokenMark::NeedsPrompt, "needs_prompt"}};

const char* keyOf(TokenMark mark)
{
    for (const MarkName& name : markNames) {
        if (name.mark == mark)
            return name.key;
    }
    return "";
}

TokenMark markOf(const QString& key)
{
    for (const MarkName& name : markNames) {
        if (key == QLatin1String(name.key))
            return name.mark;
    }
    return TokenMark::None;
}

QString write(const QString& path, const std::string& text)
{
    QDir().mkpath(QFileInfo(path).absolutePath());
    QSaveFile file(path);
    const auto size = static_cast<qint64>(text.size());
    if (file.open(QIODevice::WriteOnly) && file.write(text.data(), size) == size && file.commit())
        return {};
    return Annotations::tr("Notes and tags could not be saved as %1 (%2).").arg(path, file.errorString());
}

std::map<QString, RunNotes> read(const QString& path)
{
    QFile file(path);
    if (!file.exists())
        return {};
    if (!file.open(QIODevice::ReadOnly))
        throw FileError(Annotations::tr("Notes and tags could not be read from %1 (%2).")
                            .arg(path, file.errorString())
                            .toStdString());
    const QByteArray text = file.readAll();
    return notesFromJson(
        parseStrictJson({text.constData(), static_cast<std::size_t>(text.size())}, path.toStdString()));
}

}

QString markName(TokenMark mark)
{
    switch (mark) {
    case TokenMark::None: return {};
    case TokenMark::Expected: return Annotations::tr("expected");
    case TokenMark::Bug: return Annotations::tr("bug");
    case TokenMark::NeedsPrompt: return Annotations::tr("needs prompt");
    }
    return {};
}

Json notesToJson(const std::map<QString, RunNotes>& notes)
{
    Json runs = Json::object();
    for (const auto& [key, run] : notes) {
        Json tags = Json::array();
        for (const QString& tag : run.tags)
            tags.push_back(tag.toStdString());
        Json tokens = Json::array();
        for (const auto& [cell, token] : run.tokens)
            tokens.push_back({{"block", std::get<0>(cell)},
                              {"prompt", std::get<1>(cell)},
                              {"token", std::get<2>(cell)},
                              {"mark", keyOf(token.mark)},
                              {"note", token.note.toStdString()}});
        runs[key.toStdString()] = {
            {"tags", std::move(tags)}, {"note", run.note.toStdString()}, {"tokens", std::move(tokens)}};
    }
    return {{"schema", schema}, {"runs", std::move(runs)}};
}

std::map<QString, RunNotes> notesFromJson(const Json& json)
{
    std::map<QString, RunNotes> notes;
    if (textOf(json, "schema") != QLatin1String(schema))
        throw FormatError("The file of notes and tags is not of the form " + std::string(schema) + ".");
    for (const auto& [key, run] : objectOf(json, "runs").items()) {
        RunNotes& read = notes[QString::fromStdString(key)];
        read.tags = textsOf(run, "tags");
        read.note = textOf(run, "note");
        for (const Json& token : arrayOf(run, "tokens")) {
            const auto block = indexOf(token, "block");
            const auto prompt = indexOf(token, "prompt");
            const auto position = indexOf(token, "token");
            if (block && prompt && position)
                read.tokens[{*block, *prompt, *position}] = {markOf(textOf(token, "mark")), textOf(token, "note")};
        }
    }
    return notes;
}

Annotations::Annotations(const QString& path, QObject* parent)
    : QObject(parent)
    , m_path(path)
{
    m_saveTimer.setSingleShot(true);
    m_saveTimer.setInterval(300);
    connect(&m_saveTimer, &QTimer::timeout, this, &Annotations::save);
    runInBackground<std::map<QString, RunNotes>>(
        this, [path] { return read(path); },
        [this](std::map<QString, RunNotes> notes) {
            for (const auto& [key, run] : m_notes)
                notes[key] = run; // what was set while the file was being read
            m_notes = std::move(notes);
            m_isRead = true;
            if (m_isDirty)
                m_saveTimer.start();
            emit changed();
        },
        // A file that cannot be read is not written over.
        [this](const QString& sentence) { emit failed(sentence); });
}

Annotations::~Annotations()
{
    if (m_isSaving)
        QThreadPool::globalInstance()->waitForDone();
    if (m_isDirty && m_isRead)
        write(m_path, writeJson(notesToJson(m_notes)));
}

RunNotes Annotations::of(const QString& key) const
{
    const auto found = m_notes.find(key);
    return found == m_notes.end() ? RunNotes() : found->second;
}

void Annotations::set(const QString& key, const RunNotes& notes)
{
    if (key.isEmpty() || of(key) == notes)
        return;
    if (notes == RunNotes())
        m_notes.erase(key);
    else
        m_notes[key] = notes;
    m_isDirty = true;
    if (m_isRead)
        m_saveTimer.start();
    emit changed();
}

TokenNote Annotations::ofToken(const QString& key, const widgets::CellKey& cell) const
{
    const auto run = m_notes.find(key);
    if (run == m_notes.end())
        return {};
    const auto found = run->second.tokens.find({cell.block, cell.prompt, cell.token});
    return found == run->second.tokens.end() ? TokenNote() : found->second;
}

void Annotations::setToken(const QString& key, const widgets::CellKey& cell, const TokenNote& note)
{
    RunNotes notes = of(key);
    if (note == TokenNote())
        notes.tokens.erase({cell.block, cell.prompt, cell.token});
    else
        notes.tokens[{cell.block, cell.prompt, cell.token}] = note;
    set(key, notes);
}

QStringList Annotations::allTags() const
{
    QStringList tags;
    for (const auto& [key, run] : m_notes)
        tags << run.tags;
    tags.removeDuplicates();
    tags.sort();
    return tags;
}

// One write at a time, so that an older one never comes last.
void Annotations::save()
{
    if (m_isSaving)
        return;
    m_isSaving = true;
    m_isDirty = false;
    const auto ended = [this](const QString& problem) {
        m_isSaving = false;
        if (!problem.isEmpty())
            emit failed(problem);
        if (m_isDirty)
            m_saveTimer.start();
    };
    runInBackground<QString>(
        this, [path = m_path, text = writeJson(notesToJson(m_notes))] { return write(path, text); }, ended, ended);
}

QString annotationKey(const QString& digest, const QString& path)
{
    return digest.isEmpty() ? u"folder:"_s + path : digest;
}

}
