#include "app/workbench/pages/verify_page.h"

#include "app/workbench/pages/verify_batch.h"
#include "app/workbench/pages/verify_how.h"
#include "app/workbench/pages/verify_plan.h"
#include "app/workbench/pages/verify_side.h"
#include "app/workbench/session/run_settings.h"
#include "app/workbench/session/verdict_batch.h"
#include "app/workbench/session/verdict_summary.h"
#include "widgets/check_list.h"
#include "widgets/command_strip.h"
#include "widgets/empty_state.h"
#include "widgets/notice.h"
#include "widgets/number_text.h"
#include "widgets/segmented_control.h"
#include "widgets/verdict_banner.h"

#include <QFileInfo>
#include <QLabel>
#include <QPushButton>
#include <QStackedWidget>

#include <algorithm>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
namespace space = widgets::space;

VerifyPage::VerifyPage(QWidget* parent)
    : QWidget(parent)
    , m_stack(new QStackedWidget)
    , m_empty(new widgets::EmptyState)
    , m_what(new ElidedLabel({}, widgets::TextSize::Title, widgets::TextTone::Text, widgets::TextWeight::Strong))
    , m_how(new VerifyHow)
    , m_start(button(tr("Verify"), widgets::ButtonRole::Primary))
    , m_notice(new widgets::Notice)
    , m_banner(new widgets::VerdictBanner)
    , m_checks(new widgets::CheckList)
    , m_result(new QWidget)
    , m_filler(new QWidget)
    , m_commands(new widgets::CommandStrip)
    , m_batch(new VerifyBatch)
    , m_side(new VerifySide)
{
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_stack);
    setFocusProxy(m_start);
    m_empty->setText(
        tr("Drop a run folder here"),
        tr("Its digests, numbers and claims are checked on this machine, without trusting anything in it."));
    m_empty->setWays({{widgets::Icon::Verify, tr("Choose a run or certificate…"),
                       tr("A folder with run.json, or one certificate.json in it"), true, true},
                      {widgets::Icon::Stack, tr("Choose a folder of runs…"),
                       tr("Each is verified in turn, into one table"), false, true}});
    connect(m_empty, &widgets::EmptyState::wayChosen, this, [this](int way) {
        if (way == 0)
            emit runWanted();
        else
            emit folderWanted();
    });
    m_stack->insertWidget(EmptyView, m_empty);
    m_stack->insertWidget(RunView, makeChecks());
    m_stack->insertWidget(BatchView, m_batch);
    connect(m_batch, &VerifyBatch::startWanted, this, &VerifyPage::batchWanted);
    connect(m_batch, &VerifyBatch::cancelWanted, this, &VerifyPage::batchCancelWanted);
    connect(m_batch, &VerifyBatch::itemWanted, this, &VerifyPage::batchItemWanted);
    connect(m_batch, &VerifyBatch::folderWanted, this, &VerifyPage::folderWanted);
    connect(m_batch, &VerifyBatch::policyWanted, this, &VerifyPage::policyWanted);
    connect(m_batch, &VerifyBatch::modelWanted, this, &VerifyPage::modelWanted);
    connect(m_batch, &VerifyBatch::saveWanted, this, &VerifyPage::batchSaveWanted);

    connect(m_side, &VerifySide::saveWanted, this, &VerifyPage::saveWanted);
    connect(m_side, &VerifySide::exploreWanted, this, &VerifyPage::exploreWanted);
    connect(m_side, &VerifySide::labWanted, this, &VerifyPage::labWanted);
}

QWidget* VerifyPage::makeChecks()
{
    auto* page = new QWidget;
    QVBoxLayout* layout = pageLayout(page);

    connect(m_how, &VerifyHow::changed, this, &VerifyPage::refreshCommands);
    connect(m_how, &VerifyHow::modelWanted, this, &VerifyPage::modelWanted);
    connect(m_how, &VerifyHow::policyWanted, this, &VerifyPage::policyWanted);
    QPushButton* other = button(tr("Other…"));
    other->setToolTip(tr("Check another run or certificate"));
    connect(other, &QPushButton::clicked, this, &VerifyPage::runWanted);
    connect(m_start, &QPushButton::clicked, this, [this] { emit verifyWanted(request()); });

    m_toBatch = button(tr("Back to the table"));
    m_toBatch->hide();
    connect(m_toBatch, &QPushButton::clicked, this, &VerifyPage::showTable);

    auto* top = row();
    top->addWidget(m_what, 1);
    top->addWidget(m_toBatch);
    top->addWidget(other);
    top->addWidget(m_start);
    layout->addLayout(top);
    layout->addWidget(m_how);
    m_notice->hide();
    connect(m_notice, &widgets::Notice::actionRequested, this, [this] {
        if (m_remedy == Remedy::Retry)
            emit verifyWanted(request());
        else
            emit remedyWanted(m_remedy);
    });
    layout->addWidget(m_notice);
    m_banner->hide();
    connect(m_banner, &widgets::VerdictBanner::cancelRequested, this, &VerifyPage::cancelWanted);
    connect(m_banner, &widgets::VerdictBanner::actionRequested, this, [this] {
        if (m_verdict && m_verdict->state == CheckState::Failed) {
            m_checks->revealFailed();
            m_checks->setFocus();
            return;
        }
        if (m_verdict && wantsModel(*m_verdict)) {
            emit modelWanted();
            return;
        }
        m_how->setLevel(m_verdictLevel + 1);
        emit verifyWanted(request());
    });
    layout->addWidget(m_banner);

    m_result->hide();
    auto* result = new QVBoxLayout(m_result);
    result->setContentsMargins(0, 0, 0, 0);
    result->setSpacing(space::small);
    m_rows = new widgets::SegmentedControl;
    m_rows->setChoices({tr("Summary"), tr("Every block")},
                       {tr("Checks that hold for several blocks share a row"), tr("Every check has its own row")});
    connect(m_rows, &widgets::SegmentedControl::chosen, this, &VerifyPage::refreshRows);
    auto* rowsTop = row();
    rowsTop->addWidget(heading(tr("Checks")), 1);
    rowsTop->addWidget(m_rows);
    result->addLayout(rowsTop);
    result->addWidget(m_checks, 1);
    layout->addWidget(m_result, 1);
    auto* filler = new QVBoxLayout(m_filler);
    filler->setContentsMargins(0, 0, 0, 0);
    m_plan = new VerifyPlan;
    connect(m_plan, &VerifyPlan::levelChosen, m_how, &VerifyHow::setLevel);
    connect(m_how, &VerifyHow::changed, m_plan, [this] { m_plan->setLevel(m_how->level()); });
    m_planArea = scrolling(m_plan);
    filler->addWidget(m_planArea);
    layout->addWidget(m_filler, 1);
    layout->addWidget(heading(tr("Check it yourself")));
    layout->addWidget(m_commands);
    return page;
}

QWidget* VerifyPage::side() const
{
    return m_side;
}

VerifyRequest VerifyPage::request() const
{
    return m_how->request(m_path);
}

void VerifyPage::setModel(const QString& model)
{
    m_how->setModel(model);
    m_batch->setModel(model);
    if (m_stack->currentIndex() == RunView && m_verdict && wantsModel(*m_verdict))
        emit verifyWanted(request());
}

void VerifyPage::setPolicy(const QString& path)
{
    m_how->setPolicy(path);
    m_batch->setPolicy(path);
}

void VerifyPage::setSeconds(const LevelSeconds& seconds)
{
    m_how->setSeconds(seconds);
    m_plan->setSeconds(seconds);
}

void VerifyPage::showBatch(const VerdictBatch& batch)
{
    m_batch->showBatch(batch);
    const bool isThere = !batch.folder().isEmpty();
    m_toBatch->setVisible(isThere);
    m_side->setTable(isThere ? meaningOf(batch) : QString());
    if (!isThere && showsTable())
        showView(viewWithoutTable());
}

void VerifyPage::showBatchItem(const VerdictBatch& batch, int at)
{
    m_batch->showItem(batch, at);
    m_side->setTable(meaningOf(batch));
}

void VerifyPage::showRun()
{
    showView(viewWithoutTable());
}

void VerifyPage::showTable()
{
    showView(BatchView);
}

bool VerifyPage::showsTable() const
{
    return m_stack->currentIndex() == BatchView;
}

// It leads from one check that does not hold to the next.
QString VerifyPage::failedAction(const widgets::VerdictView& verdict)
{
    const auto failed = std::count_if(verdict.checks.begin(), verdict.checks.end(),
                                      [](const widgets::CheckRow& check) { return check.state == CheckState::Failed; });
    return failed == 0   ? QString()
           : failed == 1 ? tr("Show the failed check")
                         : tr("Next of %1 failed checks").arg(failed);
}

QString VerifyPage::tableCommand(const VerdictBatch& batch) const
{
    QStringList lines;
    for (const BatchItem& item : batch.items()) {
        VerifyRequest request = m_batch->request();
        request.path = item.path;
        lines << shellCommand(QStringList{u"blockcert"_s} + verifyArguments(request));
    }
    return lines.join(u'\n');
}

VerifyPage::View VerifyPage::viewWithoutTable() const
{
    return m_path.isEmpty() ? EmptyView : RunView;
}

// The panel beside it speaks of what is in view.
void VerifyPage::showView(View view)
{
    m_stack->setCurrentIndex(view);
    m_side->setShowsTable(view == BatchView);
    emit placeChanged();
}

void VerifyPage::setListsEveryCheck(bool every)
{
    m_rows->setCurrent(every ? 1 : 0);
    refreshRows();
}

void VerifyPage::refreshCommands()
{
    if (m_path.isEmpty())
        return;
    const QFileInfo path(m_path);
    const QString folder = path.isDir() ? m_path : path.absolutePath();
    m_commands->setCommand(shellCommand(QStringList{u"blockcert"_s} + verifyArguments(request())) + u'\n' +
                           (path.isDir() ? u"(cd %1 && sha256sum -c SHA256SUMS)"_s.arg(shellCommand({folder}))
                                         : shellCommand({u"sha256sum"_s, m_path})));
}

void VerifyPage::refreshRows()
{
    if (!m_verdict)
        return;
    m_checks->setVerdict(m_rows->current() == 1 ? m_verdict
                                                : std::make_shared<const widgets::VerdictView>(condensed(*m_verdict)));
}

void VerifyPage::showVerdict(const VerdictDocument& document)
{
    using State = Loadable<widgets::VerdictView>::State;
    const Loadable<widgets::VerdictView>& verdict = document.verdict();
    const bool isOther = m_path != document.request().path;
    m_path = document.request().path;
    if (isOther || verdict.state != State::Empty)
        m_how->show(document.request());
    if (isOther || !showsTable())
        showView(viewWithoutTable());
    const QFileInfo file(m_path);
    m_what->setText(file.fileName() == "certificate.json"_L1
                        ? u"%1 / certificate.json"_s.arg(QFileInfo(file.absolutePath()).fileName())
                        : file.fileName());
    m_what->setToolTip(widgets::plainToolTip(m_path));
    m_notice->hide();
    const bool isRunning = verdict.state == State::Loading;
    m_start->setEnabled(!isRunning);
    m_how->setRunning(isRunning);
    m_verdict = verdict.isReady() ? verdict.value : nullptr;
    m_banner->setVisible(isRunning || m_verdict);
    m_result->setVisible(m_verdict != nullptr);
    m_filler->setVisible(m_verdict == nullptr);
    m_planArea->setVisible(!isRunning);
    m_plan->setLevel(m_how->level());
    m_how->setShowsLevel(isRunning || m_verdict);
    m_start->setText(m_verdict ? tr("Verify again") : tr("Verify"));
    widgets::setButtonRole(*m_start, m_verdict ? widgets::ButtonRole::Plain : widgets::ButtonRole::Primary);
    m_side->setVerdict(m_verdict);
    refreshCommands();
    switch (verdict.state) {
    case State::Loading: showProgress(document); break;
    case State::Failed:
        m_remedy = remedyFor(verdict.fault) == Remedy::Settings ? Remedy::Settings : Remedy::Retry;
        m_notice->setNotice(widgets::Notice::Tone::Error, verdict.fault.sentence, remedyText(m_remedy));
        m_notice->show();
        break;
    case State::Ready: {
        m_checks->setFocus(); // the button that had it could not be pressed meanwhile
        m_banner->setVerdict(m_verdict);
        m_verdictLevel = m_verdict->level;
        m_banner->setAction(wantsModel(*m_verdict)                   ? tr("Name the model…")
                            : m_verdict->state == CheckState::Failed ? failedAction(*m_verdict)
                            : m_verdict->level < 4 ? tr("Check at level %1…").arg(m_verdict->level + 1)
                                                   : QString());
        m_rows->setVisible(condensed(*m_verdict).checks.size() != m_verdict->checks.size());
        refreshRows();
        m_checks->revealFailed();
        break;
    }
    case State::Empty:
        if (document.wasCancelled()) {
            m_remedy = Remedy::Retry;
            m_notice->setNotice(widgets::Notice::Tone::Note, tr("Cancelled. Nothing is known about this run."),
                                tr("Verify again"));
            m_notice->show();
        }
        break;
    }
}

void VerifyPage::showProgress(const VerdictDocument& document)
{
    const JobProgress& progress = document.progress();
    QString what = tr("Checking at level %1").arg(document.request().level);
    if (progress.stage == "hash"_L1)
        what += tr(" · hashing files");
    else if (progress.stage == "replay"_L1)
        what += tr(" · replaying");
    else if (progress.stage == "model"_L1)
        what += tr(" · running the model");
    else if (!progress.stage.isEmpty())
        what += u" · "_s + progress.stage;
    if (progress.total > 0 && progress.unit != "bytes"_L1)
        what += tr(" · %1 of %2 %3").arg(progress.done).arg(progress.total).arg(progress.unit);
    const VerifyPace& pace = document.pace();
    if (const std::optional<double> left = pace.remainingSeconds())
        what += u" · "_s + widgets::etaText(*left, *left);
    m_banner->setRunning(what, pace.fraction());
}

}
