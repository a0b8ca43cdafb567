#include "app/workbench/session/verdict_book.h"

#include "app/workbench/process/json_reading.h"
#include "app/workbench/session/verdict_summary.h"
#include "engine/base/error.h"
#include "engine/base/strict_json.h"
#include "widgets/state_badge.h"

#include <QDate>
#include <QDir>
#include <QFileInfo>
#include <QLocale>
#include <QRegularExpression>

#include <algorithm>
#include <iterator>
#include <utility>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

QString runOf(const QString& path)
{
    static const QRegularExpression other(u"/(?:stitch|edits)/[^/]+/certificate\\.json$"_s);
    const QString clean = QDir::cleanPath(path);
    if (blockOfCertificate(clean))
        return clean.section(u'/', 0, -3);
    return other.match(clean).hasMatch() ? clean.section(u'/', 0, -4) : clean;
}

std::optional<int> blockOfCertificate(const QString& path)
{
    static const QRegularExpression certificate(u"/block_0*(\\d+)/certificate\\.json$"_s);
    const QRegularExpressionMatch match = certificate.match(path);
    return match.hasMatch() ? std::optional(match.captured(1).toInt()) : std::nullopt;
}

namespace {

bool holds(CheckState state)
{
    return state == CheckState::Verified || state == CheckState::WeakerThanPolicy;
}

QString dayText(const QString& day)
{
    return QLocale().toString(QDate::fromString(day, Qt::ISODate), u"d MMM yyyy"_s);
}

QString partsSentence(const std::map<int, int>& aloneAt)
{
    if (aloneAt.size() == 1)
        return VerdictBook::tr("Of this run only the certificate of block %1 was verified here, at level %2. The other "
                               "blocks, and the files that belong to the whole run, were not looked at.")
            .arg(aloneAt.begin()->first)
            .arg(aloneAt.begin()->second);
    return VerdictBook::tr(
               "Of this run only the certificates of %1 blocks were verified here, one by one. What else is "
               "in it was not looked at.")
        .arg(aloneAt.size());
}

}

void VerdictBook::note(const QString& path, const widgets::VerdictView& verdict, const QString& day)
{
    // A stitched model's or an edit's certificate alone says nothing about the run's blocks.
    if (!blockOfCertificate(path) && runOf(path) != QDir::cleanPath(path))
        return;
    Finding found;
    found.state = verdict.state;
    found.level = verdict.level;
    found.sentence = verdict.sentence;
    found.block = blockOfCertificate(QDir::cleanPath(path));
    found.lossBlocks = blocksWithLosses(verdict);
    found.day = day;
    for (const widgets::CheckRow& check : verdict.checks) {
        const std::optional<int> block = blockOfCheck(check.where);
        if (check.state == CheckState::Failed && block)
            found.failedBlocks.push_back(*block);
    }
    const QString run = runOf(path);
    Entry& entry = m_entries[run];
    if (entry.digest != verdict.digest)
        entry = {verdict.digest, {}, 0};
    entry.order = ++m_order;
    add(entry.findings, std::move(found));
    emit changed(run);
}

void VerdictBook::noteDamage(const QString& run, const QString& digest, const QString& problem, const QString& day)
{
    widgets::VerdictView found;
    found.state = CheckState::Failed;
    found.level = 1; // where digests are compared
    found.digest = digest;
    found.sentence = tr("What was read is not what the run's digests name: %1").arg(problem);
    note(run, found, day);
}

// What the new finding answers goes: what was found before of no more than its scope, at no higher level. One that
// refutes a part also takes back that the whole holds; one that could not be made answers nothing.
void VerdictBook::add(std::vector<Finding>& findings, Finding found)
{
    const bool isOpen = found.state == CheckState::NotChecked;
    std::erase_if(findings, [&](const Finding& before) {
        const bool isWithin = !found.block || found.block == before.block;
        if (before.state == CheckState::NotChecked)
            return isWithin;
        if (isOpen)
            return false;
        if (found.state == CheckState::Failed && holds(before.state))
            return !before.block || before.block == found.block ||
                   std::find(found.failedBlocks.begin(), found.failedBlocks.end(), *before.block) !=
                       found.failedBlocks.end();
        return isWithin && found.level >= before.level;
    });
    findings.push_back(std::move(found));
}

std::optional<widgets::RunVerdict> VerdictBook::of(const QString& run, const QString& digest) const
{
    const auto entry = m_entries.find(QDir::cleanPath(run));
    if (entry == m_entries.end() || entry->second.digest != digest)
        return std::nullopt;
    // What fails weighs more than what holds, and that more than what could not be checked.
    const auto weight = [](CheckState state, int level) {
        return state == CheckState::Failed ? 100 : holds(state) ? 1 + level : 0;
    };
    widgets::RunVerdict known;
    known.digest = digest;
    QString aloneSince;
    for (const Finding& finding : entry->second.findings) {
        if (holds(finding.state))
            known.lossBlocks.insert(known.lossBlocks.end(), finding.lossBlocks.begin(), finding.lossBlocks.end());
        if (finding.block && holds(finding.state)) {
            known.aloneAt[*finding.block] = std::max(finding.level, known.aloneAt[*finding.block]);
            aloneSince = finding.isRestored ? finding.day : QString();
            continue;
        }
        if (weight(finding.state, finding.level) >= weight(known.state, known.level)) {
            known.state = finding.state;
            known.level = finding.level;
            known.sentence = finding.sentence;
            known.since = finding.isRestored ? finding.day : QString();
        }
        if (finding.state != CheckState::Failed)
            continue;
        known.failedBlocks.insert(known.failedBlocks.end(), finding.failedBlocks.begin(), finding.failedBlocks.end());
        if (finding.block)
            known.failedBlocks.push_back(*finding.block);
    }
    std::sort(known.failedBlocks.begin(), known.failedBlocks.end());
    known.failedBlocks.erase(std::unique(known.failedBlocks.begin(), known.failedBlocks.end()),
                             known.failedBlocks.end());
    if (known.isOfParts()) {
        known.sentence = partsSentence(known.aloneAt);
        known.since = aloneSince;
    }
    if (!known.since.isEmpty())
        known.sentence =
            tr("Found on %1, before this window was opened; the list of the run's digests is the same, its "
               "files were not looked at since: %2")
                .arg(dayText(known.since), known.sentence);
    return known;
}

namespace {

// By name, so that a book outlives a change of the order of states.
constexpr std::pair<CheckState, const char*> stateNames[] = {{CheckState::Verified, "verified"},
                                                             {CheckState::Failed, "failed"},
                                                             {CheckState::NotChecked, "not_checked"},
                                                             {CheckState::WeakerThanPolicy, "weaker_than_policy"}};
constexpr const char* schema = "blockcert.verdicts/1";
constexpr std::size_t mostRuns = 200;

std::vector<int> blocksIn(const Json& finding, const char* key)
{
    std::vector<int> blocks;
    for (const Json& block : arrayOf(finding, key))
        if (block.is_number_integer())
            blocks.push_back(block.get<int>());
    return blocks;
}

}

QByteArray VerdictBook::saved() const
{
    std::vector<std::map<QString, Entry>::const_iterator> entries;
    for (auto entry = m_entries.begin(); entry != m_entries.end(); ++entry)
        entries.push_back(entry);
    std::sort(entries.begin(), entries.end(),
              [](const auto& a, const auto& b) { return a->second.order > b->second.order; });
    entries.resize(std::min(entries.size(), mostRuns));
    Json runs = Json::array();
    for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) { // the last one last
        Json findings = Json::array();
        for (const Finding& finding : (*entry)->second.findings) {
            const auto* const name = std::find_if(std::begin(stateNames), std::end(stateNames),
                                                  [&finding](const auto& one) { return one.first == finding.state; });
            Json saved = {{"state", name->second},
                          {"level", finding.level},
                          {"sentence", finding.sentence.toStdString()},
                          {"failed", finding.failedBlocks},
                          {"losses", finding.lossBlocks},
                          {"day", finding.day.toStdString()}};
            if (finding.block)
                saved["block"] = *finding.block;
            findings.push_back(std::move(saved));
        }
        runs.push_back({{"run", (*entry)->first.toStdString()},
                        {"digest", (*entry)->second.digest.toStdString()},
                        {"findings", std::move(findings)}});
    }
    const Json book = {{"schema", schema}, {"runs", std::move(runs)}};
    return QByteArray::fromStdString(book.dump(-1, ' ', false, Json::error_handler_t::replace));
}

void VerdictBook::restore(const QByteArray& text)
{
    if (text.isEmpty())
        return;
    try {
        const Json book = parseStrictJson(text.toStdString(), "verdicts");
        if (textOf(book, "schema") != QLatin1String(schema))
            return;
        for (const Json& run : arrayOf(book, "runs")) {
            // Without a digest nothing would tell that the folder holds another run by now.
            Entry entry{textOf(run, "digest"), {}, ++m_order};
            if (entry.digest.isEmpty())
                continue;
            for (const Json& saved : arrayOf(run, "findings")) {
                const QString state = textOf(saved, "state");
                const auto* const name =
                    std::find_if(std::begin(stateNames), std::end(stateNames),
                                 [&](const auto& one) { return state == QLatin1String(one.second); });
                if (name == std::end(stateNames) || textOf(saved, "day").isEmpty())
                    continue;
                Finding finding{name->first,
                                static_cast<int>(wholeOf(saved, "level")),
                                textOf(saved, "sentence"),
                                indexOf(saved, "block"),
                                blocksIn(saved, "failed"),
                                blocksIn(saved, "losses"), // a book of before has none: then nobody recomputed them
                                textOf(saved, "day"),
                                true};
                entry.findings.push_back(std::move(finding));
            }
            if (!entry.findings.empty())
                m_entries[textOf(run, "run")] = std::move(entry);
        }
    } catch (const Error&) { // of another program, or damaged: then nothing was verified here
        m_entries.clear();
    }
}

widgets::Mark trustMark(const std::optional<widgets::RunVerdict>& verdict)
{
    return verdict ? widgets::markOf(verdict->state, verdict->level) : widgets::Mark::NotChecked;
}

QString trustWord(const std::optional<widgets::RunVerdict>& verdict, qsizetype blocks)
{
    if (!verdict)
        return VerdictBook::tr("Not verified");
    QString word = trustMark(verdict) == widgets::Mark::Unchanged ? VerdictBook::tr("Unchanged")
                                                                  : widgets::stateWord(verdict->state);
    if (verdict->isOfParts())
        word = VerdictBook::tr("%1 of %2 blocks checked").arg(verdict->aloneAt.size()).arg(blocks);
    else if (verdict->state == CheckState::Verified || verdict->state == CheckState::Failed)
        word = VerdictBook::tr("%1 at level %2").arg(word).arg(verdict->level);
    return verdict->since.isEmpty() ? word : VerdictBook::tr("%1 on %2").arg(word, dayText(verdict->since));
}

}
