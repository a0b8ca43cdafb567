#include "app/workbench/pages/verify_page.h"

#include "app/workbench/pages/verify_side.h"
#include "app/workbench/session/run_settings.h"
#include "app/workbench/session/verdict_summary.h"
#include "widgets/check_list.h"
#include "widgets/command_strip.h"
#include "widgets/empty_state.h"
#include "widgets/notice.h"
#include "widgets/segmented_control.h"
#include "widgets/verdict_banner.h"

#include <QComboBox>
#include <QFileInfo>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSignalBlocker>
#include <QStackedWidget>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
namespace space = widgets::space;

namespace {

constexpr int levels = 5;

QString levelName(int level)
{
    switch (level) {
    case 0: return VerifyPage::tr("0 · structure");
    case 1: return VerifyPage::tr("1 · digests");
    case 2: return VerifyPage::tr("2 · spot replay");
    case 3: return VerifyPage::tr("3 · full replay");
    default: return VerifyPage::tr("4 · with the model");
    }
}

QString levelNote(int level)
{
    switch (level) {
    case 0: return VerifyPage::tr("Only the form of the files. Never shown as verified.");
    case 1: return VerifyPage::tr("Every file and every tensor is hashed again. No number is recomputed.");
    case 2: return VerifyPage::tr("A few cells drawn at random are replayed. Takes a fraction of level 3.");
    case 3:
        return VerifyPage::tr(
            "Every cell is replayed in double precision; about as long as it took to replay the run.");
    default:
        return VerifyPage::tr("Also rebuilds the surrogate from the model's file and runs the whole model in double. "
                              "Slow, and needs the model.");
    }
}

}

VerifyPage::VerifyPage(QWidget* parent)
    : QWidget(parent)
    , m_stack(new QStackedWidget)
    , m_empty(new widgets::EmptyState)
    , m_what(widgets::makeLabel({}, widgets::TextSize::Title, widgets::TextWeight::Strong))
    , m_level(new QComboBox)
    , m_levelNote(widgets::makeLabel({}, widgets::TextSize::Secondary, widgets::TextWeight::Normal,
                                     widgets::TextTone::Secondary))
    , m_model(new QLineEdit)
    , m_start(button(tr("Verify"), widgets::ButtonRole::Primary))
    , m_notice(new widgets::Notice)
    , m_banner(new widgets::VerdictBanner)
    , m_checks(new widgets::CheckList)
    , m_result(new QWidget)
    , m_filler(new QWidget)
    , m_commands(new widgets::CommandStrip)
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
                       tr("A folder with run.json, or one certificate.json in it"), true, true}});
    connect(m_empty, &widgets::EmptyState::wayChosen, this, [this] { emit runWanted(); });
    m_stack->addWidget(m_empty);
    m_stack->addWidget(makeChecks());

    connect(m_side, &VerifySide::saveWanted, this, &VerifyPage::saveWanted);
    connect(m_side, &VerifySide::exploreWanted, this, &VerifyPage::exploreWanted);
}

QWidget* VerifyPage::makeChecks()
{
    auto* page = new QWidget;
    QVBoxLayout* layout = pageLayout(page);

    for (int level = 0; level < levels; ++level)
        m_level->addItem(levelName(level), level);
    m_level->setCurrentIndex(3);
    m_level->setAccessibleName(tr("Level"));
    connect(m_level, &QComboBox::currentIndexChanged, this, [this] {
        explainLevel();
        refreshCommands();
    });
    m_model->setAccessibleName(tr("Model"));
    m_model->setPlaceholderText(tr("Model: where run.json points"));
    m_model->setToolTip(tr("Needed where the weights are kept by reference, and for level 4; accepted by digest only"));
    m_model->setClearButtonEnabled(true);
    connect(m_model, &QLineEdit::textChanged, this, &VerifyPage::refreshCommands);
    QPushButton* chooseModel = button(tr("Model…"));
    connect(chooseModel, &QPushButton::clicked, this, &VerifyPage::modelWanted);
    QPushButton* other = button(tr("Other…"));
    other->setToolTip(tr("Check another run or certificate"));
    connect(other, &QPushButton::clicked, this, &VerifyPage::runWanted);
    connect(m_start, &QPushButton::clicked, this, [this] { emit verifyWanted(request()); });

    auto* top = row();
    top->addWidget(m_what, 1);
    top->addWidget(other);
    top->addWidget(m_start);
    layout->addLayout(top);
    auto* how = row();
    how->addWidget(m_level);
    how->addWidget(m_model, 1);
    how->addWidget(chooseModel);
    layout->addLayout(how);
    layout->addWidget(m_levelNote);
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
        if (m_verdict && wantsModel(*m_verdict)) {
            emit modelWanted();
            return;
        }
        m_level->setCurrentIndex(std::min(m_verdictLevel + 1, levels - 1));
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
    layout->addWidget(m_filler, 1);
    layout->addWidget(heading(tr("Check it yourself")));
    layout->addWidget(m_commands);
    explainLevel();
    return page;
}

QWidget* VerifyPage::side() const
{
    return m_side;
}

void VerifyPage::explainLevel()
{
    m_levelNote->setText(levelNote(m_level->currentData().toInt()));
}

VerifyRequest VerifyPage::request() const
{
    return {m_path, m_level->currentData().toInt(), m_model->text().trimmed()};
}

void VerifyPage::setModel(const QString& model)
{
    m_model->setText(model);
    if (m_verdict && wantsModel(*m_verdict))
        emit verifyWanted(request());
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
    if (isOther || verdict.state != State::Empty) {
        const QSignalBlocker block(m_model);
        m_model->setText(document.request().model);
        m_level->setCurrentIndex(m_level->findData(document.request().level));
    }
    m_stack->setCurrentIndex(m_path.isEmpty() ? 0 : 1);
    const QFileInfo file(m_path);
    m_what->setText(file.fileName() == "certificate.json"_L1
                        ? u"%1 / certificate.json"_s.arg(QFileInfo(file.absolutePath()).fileName())
                        : file.fileName());
    m_what->setToolTip(m_path);
    m_notice->hide();
    const bool isRunning = verdict.state == State::Loading;
    m_start->setEnabled(!isRunning);
    m_level->setEnabled(!isRunning);
    m_verdict = verdict.isReady() ? verdict.value : nullptr;
    m_banner->setVisible(isRunning || m_verdict);
    m_result->setVisible(m_verdict != nullptr);
    m_filler->setVisible(m_verdict == nullptr);
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
        m_banner->setAction(wantsModel(*m_verdict) ? tr("Name the model…")
                            : m_verdict->level < 4 && m_verdict->state != CheckState::Failed
                                ? tr("Check at level %1…").arg(m_verdict->level + 1)
                                : QString());
        m_rows->setVisible(condensed(*m_verdict).checks.size() != m_verdict->checks.size());
        refreshRows();
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
    else if (!progress.stage.isEmpty())
        what += u" · "_s + progress.stage;
    if (progress.total > 0 && progress.unit != "bytes"_L1)
        what += tr(" · %1 of %2 %3").arg(progress.done).arg(progress.total).arg(progress.unit);
    m_banner->setRunning(
        what, progress.total > 0 ? static_cast<double>(progress.done) / static_cast<double>(progress.total) : 0);
}

}
