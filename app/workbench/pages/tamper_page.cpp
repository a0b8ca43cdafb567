#include "app/workbench/pages/tamper_page.h"

#include "app/workbench/session/verdict_summary.h"
#include "widgets/check_list.h"
#include "widgets/choice_card.h"
#include "widgets/empty_state.h"
#include "widgets/flow_row.h"
#include "widgets/notice.h"
#include "widgets/segmented_control.h"
#include "widgets/verdict_banner.h"

#include <QButtonGroup>
#include <QCheckBox>
#include <QFileInfo>
#include <QGridLayout>
#include <QLabel>
#include <QPushButton>

#include <memory>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
namespace space = widgets::space;

namespace {

constexpr std::array levels{1, 3, 4};

struct Card {
    widgets::Icon icon;
    QString title;
    QString note;
};

Card cardOf(Tamper tamper)
{
    switch (tamper) {
    case Tamper::FlipByte:
        return {widgets::Icon::Swap, TamperPage::tr("Flip a bit"),
                TamperPage::tr("One bit of a block's recorded tensors")};
    case Tamper::ChangeNumber:
        return {widgets::Icon::Edit, TamperPage::tr("Change a number"),
                TamperPage::tr("ε of the worst block, ten times smaller")};
    case Tamper::ChangePrompt:
        return {widgets::Icon::File, TamperPage::tr("Change a prompt"),
                TamperPage::tr("A word of the first prompt, wherever it stands")};
    case Tamper::DropFile:
        return {widgets::Icon::Unlink, TamperPage::tr("Drop a file"), TamperPage::tr("The program of a block is gone")};
    }
    return {};
}

// Why this is noticed, or is not.
QString lessonOf(const TamperRequest& request)
{
    const bool covered = request.coverUp;
    switch (request.tamper) {
    case Tamper::FlipByte:
        return covered ? TamperPage::tr("The list of digests now agrees with the damaged file. But the certificate "
                                        "names the digest of that file, too, and of every tensor in it. A forger has "
                                        "to go on, rewrite the certificate, and then every number in it has to come "
                                        "out again.")
                       : TamperPage::tr("SHA256SUMS holds a digest of every file of the run. One changed bit gives "
                                        "quite another digest, so level 1 is enough.");
    case Tamper::ChangeNumber:
        return covered ? TamperPage::tr("Now every digest agrees, and level 1 finds nothing wrong: digests say that "
                                        "files belong together, not that they are true. Level 3 replays the block on "
                                        "the recorded inputs and finds the ε that should have been stated.")
                       : TamperPage::tr("The certificate is a file like the others: its digest gives the change away. "
                                        "From level 2 on the number itself is recomputed as well.");
    case Tamper::ChangePrompt:
        return covered ? TamperPage::tr("The numbers come from token ids, which are what they were, so they still "
                                        "hold: below level 4 the texts are the issuer's words, and every verdict says "
                                        "so. Level 4 encodes the texts again with the model's own tokenizer.")
                       : TamperPage::tr("Changed in run.json and in every certificate, so that they agree with each "
                                        "other. The digests do not.");
    case Tamper::DropFile:
        return covered ? TamperPage::tr("The list no longer speaks of the file. The certificate does: it names every "
                                        "artifact it rests on.")
                       : TamperPage::tr("A file that is listed and not there is a failure, never a check that was left "
                                        "out.");
    }
    return {};
}

QString text(const std::string& utf8)
{
    return QString::fromStdString(utf8);
}

QString doneText(const Damage& damage, const TamperRequest& request)
{
    QString what = damage.after.empty()
                       ? TamperPage::tr("%1 was removed from the copy.").arg(text(damage.file))
                       : TamperPage::tr("%1: %2 → %3").arg(text(damage.file), text(damage.before), text(damage.after));
    if (request.coverUp)
        what += u'\n' + TamperPage::tr("SHA256SUMS was written anew.");
    return what;
}

}

TamperPage::TamperPage(TamperLab& lab, QWidget* parent)
    : QWidget(parent)
    , m_lab(lab)
    , m_empty(new widgets::EmptyState)
    , m_title(new widgets::PageTitle)
    , m_tampers(new QButtonGroup(this))
    , m_coverUp(new QCheckBox(tr("Cover it up: write the list of digests anew")))
    , m_level(new widgets::SegmentedControl)
    , m_untouched(button(tr("Verify it untouched")))
    , m_apply(button(tr("Tamper and verify"), widgets::ButtonRole::Primary))
    , m_reset(button(tr("Reset")))
    , m_notice(new widgets::Notice)
    , m_done(wrapped({}))
    , m_banner(new widgets::VerdictBanner)
    , m_caught(wrapped({}))
    , m_checks(new widgets::CheckList)
    , m_filler(new QWidget)
    , m_side(new SidePanel)
    , m_lessonTitle(heading(tr("Why")))
    , m_lesson(wrapped({}, widgets::TextTone::Secondary))
{
    m_empty->setText(tr("Break a run, and see who notices"),
                     tr("The lab works on a copy in a temporary folder; the run itself is never touched."));
    m_empty->setWays(
        {{widgets::Icon::Open, tr("Use the run of the tour"), tr("Three blocks of the demo model, 20 tokens"), true,
          true},
         {widgets::Icon::Folder, tr("Choose a run…"), tr("Any finished run of less than a gigabyte"), false, true}});
    connect(m_empty, &widgets::EmptyState::wayChosen, this, [this](int way) {
        if (way == 0)
            emit teachingRunWanted();
        else
            emit runWanted();
    });
    m_work = makeLab();
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_empty);
    layout->addWidget(m_work);
    setFocusProxy(m_apply);

    QVBoxLayout* side = m_side->content();
    side->addWidget(m_lessonTitle);
    side->addWidget(m_lesson);
    side->addSpacing(space::medium);
    side->addWidget(heading(tr("What nobody can check")));
    side->addWidget(wrapped(tr("Whoever can write the whole folder can also make a new run of another model and sign "
                               "it off as this one. Against that helps what does not lie in the folder: the digest of "
                               "the model you expect (--expect-model), or of the run as it was published."),
                            widgets::TextTone::Secondary));
    side->addStretch(1);
    connect(&m_lab, &TamperLab::changed, this, &TamperPage::refresh);
    choose({});
    refresh();
}

QWidget* TamperPage::makeLab()
{
    auto* page = new QWidget;
    QVBoxLayout* layout = pageLayout(page);
    QPushButton* other = button(tr("Other run…"));
    connect(other, &QPushButton::clicked, this, &TamperPage::runWanted);
    QPushButton* back = button(tr("Back to Verify"));
    back->setToolTip(tr("Esc"));
    connect(back, &QPushButton::clicked, this, &TamperPage::backWanted);
    m_title->addWidget(other);
    m_title->addWidget(back);
    layout->addWidget(m_title);

    m_controls = new QWidget;
    auto* controls = column(space::medium);
    m_controls->setLayout(controls);
    m_cards = new QGridLayout;
    m_cards->setContentsMargins(0, 0, 0, 0);
    m_cards->setSpacing(space::small);
    for (const Tamper tamper : allTampers) {
        const Card card = cardOf(tamper);
        m_tampers->addButton(new widgets::ChoiceCard(card.icon, card.title, card.note), static_cast<int>(tamper));
    }
    arrangeCards(4);
    controls->addLayout(m_cards);

    m_level->setChoices({tr("Level 1"), tr("Level 3"), tr("Level 4")},
                        {tr("Digests of files and tensors"), tr("Every cell replayed, every number recomputed"),
                         tr("Also rebuilt from the model's own file")});
    auto* options = new widgets::FlowRow;
    options->addWidget(m_coverUp);
    options->addWidget(m_level);
    options->startEnd();
    options->addWidget(m_untouched);
    options->addWidget(m_reset);
    options->addWidget(m_apply);
    controls->addLayout(options);
    layout->addWidget(m_controls);
    connect(m_tampers, &QButtonGroup::idClicked, this, &TamperPage::refreshLesson);
    connect(m_coverUp, &QCheckBox::toggled, this, &TamperPage::refreshLesson);
    connect(m_apply, &QPushButton::clicked, this, &TamperPage::apply);
    connect(m_untouched, &QPushButton::clicked, this, [this] { m_lab.applyNothing(request().level); });
    connect(m_reset, &QPushButton::clicked, &m_lab, &TamperLab::reset);

    m_notice->hide();
    layout->addWidget(m_notice);
    widgets::setFixedFont(*m_done, widgets::TextSize::Body);
    layout->addWidget(m_done);
    connect(m_banner, &widgets::VerdictBanner::cancelRequested, &m_lab, &TamperLab::reset);
    layout->addWidget(m_banner);
    layout->addWidget(m_caught);
    layout->addWidget(m_checks, 1);
    layout->addWidget(m_filler, 1);
    return page;
}

// Two lines of two where four in one would be too narrow for their titles.
void TamperPage::arrangeCards(int columns)
{
    if (columns == m_cardColumns)
        return;
    m_cardColumns = columns;
    for (int at = 0; at < static_cast<int>(allTampers.size()); ++at)
        m_cards->addWidget(m_tampers->button(static_cast<int>(allTampers[static_cast<std::size_t>(at)])), at / columns,
                           at % columns);
    for (int column = 0; column < static_cast<int>(allTampers.size()); ++column)
        m_cards->setColumnStretch(column, column < columns ? 1 : 0);
}

void TamperPage::resizeEvent(QResizeEvent* event)
{
    QWidget::resizeEvent(event);
    const int letters = fontMetrics().horizontalAdvance(u"Change a number"_s);
    arrangeCards(width() / 4 < letters + 70 ? 2 : 4); // an icon and margins beside the title
}

void TamperPage::choose(const TamperRequest& request)
{
    m_tampers->button(static_cast<int>(request.tamper))->setChecked(true);
    m_coverUp->setChecked(request.coverUp);
    const auto* const at = std::find(levels.begin(), levels.end(), request.level);
    m_level->setCurrent(at == levels.end() ? 1 : static_cast<int>(at - levels.begin()));
    refreshLesson();
}

TamperRequest TamperPage::request() const
{
    return {static_cast<Tamper>(m_tampers->checkedId()), m_coverUp->isChecked(),
            levels[static_cast<std::size_t>(std::max(0, m_level->current()))]};
}

void TamperPage::apply()
{
    m_lab.apply(request());
}

void TamperPage::refreshLesson()
{
    m_lesson->setText(lessonOf(request()));
}

void TamperPage::refresh()
{
    const bool hasRun = !m_lab.run().isEmpty();
    m_empty->setVisible(!hasRun);
    m_work->setVisible(hasRun);
    if (!hasRun)
        return;
    m_title->setText(tr("Tamper lab"), tr("A copy of %1 in a temporary folder; the run itself is never touched.")
                                           .arg(QFileInfo(m_lab.run()).fileName()));
    const bool isBusy = m_lab.isBusy();
    m_apply->setEnabled(!isBusy);
    m_untouched->setEnabled(!isBusy);
    m_reset->setEnabled(!m_lab.copyPath().isEmpty() || !m_lab.problem().isEmpty());
    const JobFault& fault = m_lab.verdict().verdict().fault;
    const bool failed = m_lab.verdict().verdict().state == Loadable<widgets::VerdictView>::State::Failed;
    const QString problem = !m_lab.problem().isEmpty() ? m_lab.problem() : failed ? fault.sentence : QString();
    m_notice->setVisible(!problem.isEmpty());
    if (!problem.isEmpty())
        m_notice->setNotice(widgets::Notice::Tone::Error, problem);
    refreshOutcome();
}

void TamperPage::refreshOutcome()
{
    const VerdictDocument& document = m_lab.verdict();
    const Loadable<widgets::VerdictView>& verdict = document.verdict();
    const bool isReady = verdict.isReady();
    m_done->setVisible(m_lab.damage().has_value());
    if (m_lab.damage())
        m_done->setText(doneText(*m_lab.damage(), m_lab.request()));
    m_banner->setVisible(isReady || verdict.isLoading());
    m_checks->setVisible(isReady);
    m_filler->setVisible(!isReady);
    m_caught->setVisible(isReady);
    if (verdict.isLoading()) {
        const JobProgress& progress = document.progress();
        m_banner->setRunning(
            tr("Checking at level %1").arg(document.request().level),
            progress.total > 0 ? static_cast<double>(progress.done) / static_cast<double>(progress.total) : 0);
    }
    if (!isReady)
        return;
    m_banner->setVerdict(verdict.value);
    m_banner->setAction({});
    constexpr int most = 4;
    const QStringList catchers = catchersOf(*verdict.value, most);
    QString sentence;
    if (!catchers.isEmpty())
        sentence = tr("Caught by %1.").arg(catchers.join(u"; "_s));
    else if (!m_lab.damage())
        sentence = tr("An untouched copy: this is what it looks like before the damage.");
    else
        sentence = tr("Nothing at level %1 notices. Try a higher level.").arg(verdict.value->level);
    m_caught->setText(sentence);
    m_checks->setVerdict(std::make_shared<const widgets::VerdictView>(condensed(*verdict.value)));
}

}
