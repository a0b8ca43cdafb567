#include "app/workbench/session/verdict_book.h"

#include "app/workbench/session/verdict_summary.h"

#include <QDir>
#include <QFileInfo>
#include <QRegularExpression>

#include <algorithm>

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

void VerdictBook::note(const QString& path, const widgets::VerdictView& verdict)
{
    // A stitched model's or an edit's certificate alone says nothing about the run's blocks.
    if (!blockOfCertificate(path) && runOf(path) != QDir::cleanPath(path))
        return;
    widgets::RunVerdict found{
        verdict.state, verdict.level, verdict.sentence, verdict.digest, blockOfCertificate(path), {}};
    for (const widgets::CheckRow& check : verdict.checks) {
        const std::optional<int> block = blockOfCheck(check.where);
        if (check.state == CheckState::Failed && block)
            found.failedBlocks.push_back(*block);
    }
    std::sort(found.failedBlocks.begin(), found.failedBlocks.end());
    found.failedBlocks.erase(std::unique(found.failedBlocks.begin(), found.failedBlocks.end()),
                             found.failedBlocks.end());
    const QString run = runOf(path);
    m_verdicts[run] = std::move(found);
    emit changed(run);
}

std::optional<widgets::RunVerdict> VerdictBook::of(const QString& run, const QString& digest) const
{
    const auto found = m_verdicts.find(QDir::cleanPath(run));
    return found == m_verdicts.end() || found->second.digest != digest ? std::nullopt : std::optional(found->second);
}

}
