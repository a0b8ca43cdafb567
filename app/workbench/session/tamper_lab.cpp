#include "app/workbench/session/tamper_lab.h"

#include "app/workbench/process/background.h"

#include <QDir>
#include <QFileInfo>

#include <utility>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

namespace {

std::filesystem::path pathOf(const QString& text)
{
    return text.toStdString();
}

}

TamperLab::TamperLab(JobBoard& board, QObject* parent)
    : QObject(parent)
    , m_verdict(board)
{
    connect(&m_verdict, &VerdictDocument::changed, this, &TamperLab::changed);
    connect(&m_verdict, &VerdictDocument::progressed, this, &TamperLab::changed);
}

void TamperLab::setRun(const QString& path)
{
    if (path == m_run)
        return;
    m_run = path;
    reset();
}

void TamperLab::reset()
{
    ++m_copies; // an answer that is still on its way is about something else
    m_damage.reset();
    m_problem.clear();
    m_isWriting = false;
    m_verdict.choose({});
    m_folder.reset();
    emit changed();
}

QString TamperLab::copyPath() const
{
    return m_folder && m_folder->isValid()
               ? u"%1/%2/%3"_s.arg(m_folder->path()).arg(m_copies).arg(QFileInfo(m_run).fileName())
               : QString();
}

void TamperLab::apply(const TamperRequest& request)
{
    prepare(request, request.level);
}

void TamperLab::applyNothing(int level)
{
    prepare(std::nullopt, level);
}

void TamperLab::prepare(const std::optional<TamperRequest>& request, int level)
{
    if (m_run.isEmpty() || m_isWriting)
        return;
    m_verdict.choose({});
    m_damage.reset();
    m_problem.clear();
    if (request)
        m_request = *request;
    m_folder = std::make_unique<QTemporaryDir>();
    const int copy = ++m_copies;
    if (!m_folder->isValid()) {
        m_problem = tr("No temporary folder could be made (%1).").arg(m_folder->errorString());
        emit changed();
        return;
    }
    m_isWriting = true;
    emit changed();
    runInBackground<std::optional<Damage>>(
        this,
        [from = pathOf(m_run), to = pathOf(copyPath()), request]() -> std::optional<Damage> {
            copyRun(from, to);
            if (!request)
                return std::nullopt;
            return damageRun(to, request->tamper, request->coverUp);
        },
        [this, copy, level](std::optional<Damage> damage) {
            if (copy != m_copies)
                return;
            m_isWriting = false;
            m_damage = std::move(damage);
            m_verdict.verify({copyPath(), level, {}, {}});
        },
        [this, copy](const QString& sentence) {
            if (copy != m_copies)
                return;
            m_isWriting = false;
            m_problem = sentence;
            emit changed();
        });
}

QStringList catchersOf(const widgets::VerdictView& verdict, int most)
{
    QStringList names;
    int rest = 0;
    for (const widgets::CheckRow& check : verdict.checks) {
        if (check.state != CheckState::Failed)
            continue;
        if (names.size() < most)
            names << (check.where.isEmpty() ? check.title : u"%1: %2"_s.arg(check.where, check.title));
        else
            ++rest;
    }
    if (rest > 0)
        names << TamperLab::tr("and %1 more").arg(rest);
    return names;
}

}
