#include "app/workbench/pages/run_side.h"

#include "widgets/notice.h"
#include "widgets/number_text.h"

#include <QFileInfo>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>

#include <algorithm>
#include <utility>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
namespace space = widgets::space;

RunSide::RunSide(QWidget* parent)
    : SidePanel(parent)
    , m_without(wrapped({}, widgets::TextTone::Secondary))
    , m_with(new QWidget)
    , m_claimTitle(heading({}))
    , m_claim(wrapped({}))
    , m_factsTitle(heading(tr("Estimate")))
    , m_facts(new widgets::FactList)
    , m_estimateNotice(new widgets::Notice)
    , m_out(new QLineEdit)
    , m_choose(button(tr("Choose…")))
    , m_run(button(tr("Run"), widgets::ButtonRole::Primary))
    , m_fresh(button(tr("Start a new run")))
    , m_pause(button(tr("Pause")))
    , m_queue(button(tr("Queue these settings")))
    , m_copy(button(tr("Copy as command")))
    , m_obstacleLabel(wrapped({}, widgets::TextTone::Secondary, widgets::TextSize::Secondary))
    , m_resumable(new QWidget)
{
    m_without->setText(
        tr("What a run will claim, what it will cost and where it goes stand here once a model is open."));
    this->content()->addWidget(m_without);
    auto* content = column();
    m_with->setLayout(content);
    this->content()->addWidget(m_with);
    content->addWidget(m_claimTitle);
    content->addWidget(m_claim);
    content->addSpacing(space::medium);
    content->addWidget(m_factsTitle);
    content->addWidget(m_facts);
    m_estimateNotice->hide();
    connect(m_estimateNotice, &widgets::Notice::actionRequested, this, &RunSide::settingsWanted);
    content->addWidget(m_estimateNotice);
    content->addSpacing(space::medium);
    content->addWidget(heading(tr("Run folder")));
    auto* outRow = row();
    m_out->setAccessibleName(tr("Run folder"));
    connect(m_out, &QLineEdit::textEdited, this, [this](const QString& path) {
        m_next = path;
        emit outChanged();
    });
    outRow->addWidget(m_out, 1);
    connect(m_choose, &QPushButton::clicked, this, &RunSide::outWanted);
    outRow->addWidget(m_choose);
    content->addLayout(outRow);
    content->addSpacing(space::medium);
    connect(m_run, &QPushButton::clicked, this, [this] {
        if (m_isRunning)
            emit cancelWanted();
        else if (!m_interrupted.isEmpty())
            emit resumeLastWanted();
        else
            emit runWanted();
    });
    content->addWidget(m_run);
    connect(m_fresh, &QPushButton::clicked, this, &RunSide::runWanted);
    content->addWidget(m_copy);
    connect(m_copy, &QPushButton::clicked, this, &RunSide::copyWanted);
    content->addWidget(m_fresh); // from here on what only some states offer: nothing above it moves
    m_pause->setToolTip(tr("Stop after the cell under way, to be resumed later"));
    connect(m_pause, &QPushButton::clicked, this, &RunSide::pauseWanted);
    content->addWidget(m_pause);
    m_queue->setToolTip(tr("Run what the settings say once this run has ended (Ctrl+Alt+R)"));
    connect(m_queue, &QPushButton::clicked, this, &RunSide::queueWanted);
    content->addWidget(m_queue);
    content->addWidget(m_obstacleLabel);
    m_resumable->setLayout(column(space::tiny));
    this->content()->addSpacing(space::medium);
    this->content()->addWidget(m_resumable);
    this->content()->addStretch(1);
    setHasModel(false);
    refresh();
}

void RunSide::setHasModel(bool hasModel)
{
    m_with->setVisible(hasModel);
    m_without->setVisible(!hasModel);
}

void RunSide::setClaim(const QString& title, const QString& sentence)
{
    m_claimTitle->setText(widgets::shownName(title));
    m_claim->setText(widgets::shownName(sentence));
}

void RunSide::setEstimate(const Loadable<RunEstimate>& estimate, const std::optional<ExpectedTime>& time)
{
    m_estimateNotice->hide();
    std::vector<widgets::Fact> facts;
    if (estimate.value && !estimate.isLoading()) {
        const RunEstimate& value = *estimate.value;
        facts.push_back({tr("Cells (block × prompt)"), widgets::countText(value.cells), {}, false});
        facts.push_back({tr("Tokens"), widgets::countText(value.tokens), {}, false});
        facts.push_back({tr("Memory"), widgets::bytesText(value.memoryBytes), {}, false});
        facts.push_back({tr("Disk"), widgets::bytesText(value.diskBytes), {}, false});
        facts.push_back({tr("Time"),
                         !time           ? tr("known after this model's first run")
                         : time->isUpper ? tr("up to about %1").arg(widgets::durationText(time->seconds))
                                         : tr("about %1").arg(widgets::durationText(time->seconds)),
                         time ? tr("At the speed of this model's last run on this machine, loading included")
                              : tr("The speed of one model does not tell another's"),
                         !time});
    } else {
        const QString unknown = estimate.isLoading() ? u"…"_s : u"–"_s;
        for (const QString& label : {tr("Cells (block × prompt)"), tr("Tokens"), tr("Memory"), tr("Disk"), tr("Time")})
            facts.push_back({label, unknown, {}, true});
    }
    m_estimate = std::move(facts);
    refreshFacts();
    if (estimate.state == Loadable<RunEstimate>::State::Failed) {
        const Remedy remedy = remedyFor(estimate.fault);
        m_estimateNotice->setNotice(widgets::Notice::Tone::Warning, estimate.fault.sentence,
                                    remedy == Remedy::Settings ? remedyText(remedy) : QString());
        m_estimateNotice->show();
    }
}

void RunSide::setOut(const QString& path)
{
    m_next = path;
    refresh();
}

QString RunSide::out() const
{
    return m_next.trimmed();
}

void RunSide::setObstacle(const QString& sentence)
{
    m_obstacle = sentence;
    refresh();
}

void RunSide::setRunning(const widgets::RunProgress* progress, const QString& out)
{
    const bool wasRunning = std::exchange(m_isRunning, progress != nullptr);
    m_progress.reset();
    if (progress) {
        double done = 0;
        double total = 0;
        for (const widgets::ProgressRow& row : progress->rows) {
            done += row.block >= 0 ? row.done : 0;
            total += row.block >= 0 ? row.total : 0;
        }
        const bool isTimeKnown = !widgets::isMissing(progress->etaSecondsHigh);
        m_progress = {
            {tr("Cells (block × prompt)"),
             tr("%1 of %2")
                 .arg(widgets::countText(static_cast<qint64>(done)), widgets::countText(static_cast<qint64>(total))),
             tr("Measured; their losses and certificates follow"), false},
            {tr("Elapsed"), widgets::durationText(progress->elapsedSeconds), {}, false},
            {tr("Time"), isTimeKnown ? widgets::etaText(progress->etaSecondsLow, progress->etaSecondsHigh) : u"–"_s,
             tr("From the cells that this run has measured so far"), !isTimeKnown}};
    }
    refreshFacts();
    if (m_isRunning == wasRunning && m_shownOut == out)
        return;
    m_shownOut = out;
    refresh();
}

// The list keeps the room of the longer one, so that what stands below it does not move when a run begins or ends.
void RunSide::refreshFacts()
{
    m_factsTitle->setText(m_progress ? tr("This run") : tr("Estimate"));
    m_facts->setFacts(m_progress.value_or(m_estimate));
    m_facts->setMinimumHeight(std::max(m_facts->minimumHeight(), m_facts->sizeHint().height()));
}

void RunSide::setQueued(int count)
{
    m_queued = count;
    refresh();
}

void RunSide::setInterrupted(const QString& out)
{
    if (std::exchange(m_interrupted, out) != out)
        listResumable();
    refresh();
}

void RunSide::refresh()
{
    const bool offersResume = !m_interrupted.isEmpty() && !m_isRunning;
    if (const QString& out = m_isRunning ? m_shownOut : m_next; out != m_out->text()) {
        m_out->setText(out);
        m_out->setCursorPosition(static_cast<int>(out.size()));
    }
    m_out->setToolTip(m_isRunning ? widgets::plainToolTip(m_shownOut)
                                  : tr("A new folder for certificates, recordings and checksums"));
    m_run->setText(m_isRunning ? tr("Cancel") : offersResume ? tr("Resume") : tr("Run"));
    m_run->setToolTip(m_isRunning    ? tr("Stop after the cell under way (Ctrl+.)")
                      : offersResume ? tr("Continue where the run stopped; finished cells are kept")
                                     : tr("Start the run (Ctrl+R)"));
    widgets::setButtonRole(*m_run, m_isRunning ? widgets::ButtonRole::Plain : widgets::ButtonRole::Primary);
    m_run->setEnabled(m_isRunning || offersResume || m_obstacle.isEmpty());
    m_fresh->setVisible(offersResume);
    m_fresh->setEnabled(m_obstacle.isEmpty());
    m_out->setEnabled(!m_isRunning);
    m_choose->setEnabled(!m_isRunning);
    m_pause->setVisible(m_isRunning);
    m_queue->setVisible(m_isRunning);
    m_queue->setEnabled(m_obstacle.isEmpty());
    m_copy->setEnabled(m_obstacle.isEmpty());
    QStringList sentences;
    if (m_isRunning)
        sentences << tr("A paused or cancelled run keeps its finished cells and can be resumed.");
    else if (offersResume)
        sentences
            << tr("Resume goes on in %1; the folder above is for a new run.").arg(QFileInfo(m_interrupted).fileName());
    else if (!m_obstacle.isEmpty())
        sentences << m_obstacle;
    if (m_queued > 0)
        sentences << (m_queued == 1 ? tr("One run waits.") : tr("%1 runs wait.").arg(m_queued));
    m_obstacleLabel->setText(widgets::shownName(sentences.join(u' ')));
    m_obstacleLabel->setVisible(!m_obstacleLabel->text().isEmpty());
}

void RunSide::setResumable(const std::vector<ShelvedRun>& runs)
{
    m_unfinished = runs;
    listResumable();
}

// All but the one that the large button goes on with.
void RunSide::listResumable()
{
    QLayout* layout = m_resumable->layout();
    while (QLayoutItem* item = layout->takeAt(0)) {
        if (item->widget())
            item->widget()->deleteLater();
        delete item;
    }
    bool hasAny = false;
    for (const ShelvedRun& run : m_unfinished) {
        if (run.finished || run.path == m_interrupted)
            continue;
        if (!hasAny)
            layout->addWidget(heading(tr("Unfinished runs")));
        hasAny = true;
        auto* line = new QWidget;
        auto* lineLayout = row();
        line->setLayout(lineLayout);
        auto* texts = column(0);
        auto* name = new ElidedLabel(run.name, widgets::TextSize::Body);
        name->setToolTip(widgets::plainToolTip(run.path));
        texts->addWidget(name);
        texts->addWidget(widgets::makeLabel(shortTime(run.changed), widgets::TextSize::Secondary,
                                            widgets::TextWeight::Normal, widgets::TextTone::Secondary));
        lineLayout->addLayout(texts, 1);
        QPushButton* resume = button(tr("Resume"));
        resume->setAccessibleName(tr("Resume %1").arg(widgets::shownName(run.name)));
        connect(resume, &QPushButton::clicked, this, [this, path = run.path] { emit resumeWanted(path); });
        lineLayout->addWidget(resume, 0, Qt::AlignTop);
        layout->addWidget(line);
    }
    m_resumable->setVisible(hasAny);
}

}
