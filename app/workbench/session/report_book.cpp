#include "app/workbench/session/report_book.h"

#include "app/workbench/session/run_settings.h"

#include <QFileInfo>
#include <QSet>

#include <algorithm>
#include <optional>
#include <utility>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

namespace {

constexpr std::size_t mostSteps = 100;

// The commands that check the runs behind the views, each run once; nothing where no view is of a finished run.
std::optional<report::Section> checkSection(const std::vector<ReportItem>& items)
{
    report::Commands commands;
    QSet<QString> known;
    const auto add = [&commands](const QString& line) { commands.lines.push_back(line.toStdString()); };
    for (const ReportItem& item : items) {
        for (const ReportSource& run : item.runs) {
            if (run.digest.isEmpty() || known.contains(run.digest))
                continue;
            known.insert(run.digest);
            const QString folder = shellCommand({QFileInfo(run.path).fileName()});
            // The digest stands on a line of its own, which stays one when it is copied from a page.
            add(u"# "_s + run.digest);
            add(u"sha256sum %1/SHA256SUMS"_s.arg(folder));
            add(u"(cd %1 && sha256sum -c SHA256SUMS)"_s.arg(folder));
            add(u"blockcert verify %1"_s.arg(folder));
            add(u"blockcert verify %1 --level 4 --model MODEL"_s.arg(folder));
        }
    }
    if (commands.lines.empty())
        return std::nullopt;
    report::Section section;
    section.title = ReportBook::tr("Check it yourself").toStdString();
    section.parts.emplace_back(report::Paragraph{
        ReportBook::tr(
            "Run beside the folders of the runs. The digest must be the one named above it; `verify` recomputes every "
            "metric from the recorded tensors without LibTorch, at level 4 everything from the model.")
            .toStdString()});
    section.parts.emplace_back(std::move(commands));
    return section;
}

}

QString sourceTitle(const ReportItem& item, std::size_t at)
{
    if (item.runs.size() == 1)
        return ReportBook::tr("run");
    return at == 0 ? ReportBook::tr("run A") : ReportBook::tr("run B");
}

void ReportBook::change(Content next, int noteAt)
{
    if (next == m_now)
        return;
    if (noteAt < 0 || noteAt != m_noteAt) {
        m_past.push_back(m_now);
        if (m_past.size() > mostSteps)
            m_past.erase(m_past.begin());
    }
    m_noteAt = noteAt;
    m_future.clear();
    m_now = std::move(next);
    m_isModified = true;
    emit changed();
}

void ReportBook::add(ReportItem item)
{
    Content next = m_now;
    next.items.push_back(std::move(item));
    change(std::move(next));
}

void ReportBook::remove(int at)
{
    if (at < 0 || static_cast<std::size_t>(at) >= m_now.items.size())
        return;
    Content next = m_now;
    next.items.erase(next.items.begin() + at);
    change(std::move(next));
}

void ReportBook::move(int at, int step)
{
    const int to = at + step;
    const int count = static_cast<int>(m_now.items.size());
    if (at < 0 || at >= count || to < 0 || to >= count)
        return;
    Content next = m_now;
    std::swap(next.items[static_cast<std::size_t>(at)], next.items[static_cast<std::size_t>(to)]);
    change(std::move(next));
}

void ReportBook::setNote(int at, const QString& note)
{
    if (at < 0 || static_cast<std::size_t>(at) >= m_now.items.size())
        return;
    Content next = m_now;
    next.items[static_cast<std::size_t>(at)].note = note;
    change(std::move(next), at);
}

void ReportBook::setTitle(const QString& title)
{
    Content next = m_now;
    next.title = title;
    change(std::move(next));
}

void ReportBook::undo()
{
    if (m_past.empty())
        return;
    m_future.push_back(std::exchange(m_now, m_past.back()));
    m_past.pop_back();
    m_noteAt = -1;
    m_isModified = true;
    emit changed();
}

void ReportBook::redo()
{
    if (m_future.empty())
        return;
    m_past.push_back(std::exchange(m_now, m_future.back()));
    m_future.pop_back();
    m_noteAt = -1;
    m_isModified = true;
    emit changed();
}

report::Document ReportBook::document(const QString& created,
                                      const std::function<bool(const ReportSource&)>& isStale) const
{
    report::Document document;
    document.title = (m_now.title.trimmed().isEmpty() ? tr("Report") : m_now.title.trimmed()).toStdString();
    document.scope =
        tr("Views of measured runs, as they were when they were sent here. Each is about its own prompts and "
           "says nothing about others.")
            .toStdString();
    document.created = created.toStdString();
    document.tool = "BlockCert Workbench";
    for (const ReportItem& item : m_now.items) {
        report::Section section;
        section.title = item.title.toStdString();
        if (!item.scope.isEmpty())
            section.parts.emplace_back(report::Paragraph{item.scope.toStdString(), report::Tone::Quiet});
        if (std::any_of(item.runs.begin(), item.runs.end(), isStale))
            section.parts.emplace_back(report::Paragraph{tr("The run in this folder is another one by now; what stands "
                                                            "here is of the run with the digest below.")
                                                             .toStdString(),
                                                         report::Tone::Warning});
        if (!item.note.trimmed().isEmpty())
            section.parts.emplace_back(report::Note{item.note.trimmed().toStdString()});
        section.parts.insert(section.parts.end(), item.parts.begin(), item.parts.end());
        report::Facts source;
        for (std::size_t at = 0; at < item.runs.size(); ++at) {
            const ReportSource& run = item.runs[at];
            if (!run.name.isEmpty())
                source.rows.emplace_back(sourceTitle(item, at).toStdString(), run.name.toStdString());
            if (!run.digest.isEmpty())
                source.rows.emplace_back(tr("its digest (SHA256SUMS)").toStdString(), run.digest.toStdString());
            else if (!run.path.isEmpty())
                source.rows.emplace_back(tr("its digest").toStdString(), tr("none: it was unfinished").toStdString());
        }
        source.rows.emplace_back(tr("frozen").toStdString(), item.when.toStdString());
        section.parts.emplace_back(std::move(source));
        document.sections.push_back(std::move(section));
    }
    if (std::optional<report::Section> check = checkSection(m_now.items))
        document.sections.push_back(std::move(*check));
    return document;
}

}
