#include "app/workbench/pages/failure_details.h"

#include "app/workbench/pages/page_parts.h"
#include "widgets/block_multiples.h"
#include "widgets/fact_list.h"
#include "widgets/figure_view.h"
#include "widgets/number_text.h"
#include "widgets/segmented_control.h"
#include "widgets/token_chips.h"

#include <QClipboard>
#include <QGuiApplication>
#include <QLabel>
#include <QPushButton>
#include <QStackedWidget>

#include <algorithm>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
namespace space = widgets::space;

FailureDetails::FailureDetails(QWidget* parent)
    : QWidget(parent)
    , m_part(new widgets::SegmentedControl)
    , m_parts(new QStackedWidget)
    , m_multiples(new widgets::BlockMultiples)
    , m_around(new widgets::FigureView)
{
    m_part->setChoices({tr("Blocks"), tr("Around"), tr("Why"), tr("Minimise")},
                       {tr("This prompt's errors at every block"), tr("Norms and margins of the tokens around it"),
                        tr("Norms of keys and values, margins of the heads, the nearest passing token"),
                        tr("The shortest prompt that still fails")});
    connect(m_part, &widgets::SegmentedControl::chosen, this, [this](int part) {
        showPart(static_cast<Part>(part));
        emit partChosen();
    });
    connect(m_multiples, &widgets::BlockMultiples::blockChosen, this, &FailureDetails::blockChosen);
    m_parts->addWidget(m_multiples);
    m_parts->addWidget(m_around);
    m_parts->addWidget(makeWhy());
    m_parts->addWidget(makeMinimise());
    auto* layout = column();
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_part);
    layout->addWidget(m_parts, 1);
    setLayout(layout);
    showPart(Blocks);
}

QWidget* FailureDetails::makeWhy()
{
    m_factsLeft = new widgets::FactList;
    m_factsRight = new widgets::FactList;
    m_why = wrapped({}, widgets::TextTone::Secondary, widgets::TextSize::Secondary);
    m_block = wrapped({}, widgets::TextTone::Secondary, widgets::TextSize::Secondary);
    auto* why = new QWidget;
    auto* facts = row(space::huge);
    facts->addWidget(m_factsLeft, 1);
    facts->addWidget(m_factsRight, 1);
    auto* layout = column();
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_why);
    layout->addLayout(facts);
    layout->addWidget(m_block);
    layout->addStretch(1);
    why->setLayout(layout);
    QScrollArea* area = scrolling(why);
    for (QWidget* part : std::initializer_list<QWidget*>{area, why})
        part->setProperty("surface", u"panel"_s); // it lies in one
    return area;
}

QWidget* FailureDetails::makeMinimise()
{
    m_minimiseSentence = wrapped({});
    m_shorter = new widgets::TokenChips;
    m_shorter->setFixedHeight(62);
    m_minimise = button(tr("Minimise"));
    m_minimise->setToolTip(tr("Runs the model on fewer and fewer tokens of this prompt, as long as it still fails"));
    m_copyLine = button(tr("Copy prompt line"));
    m_copyLine->setToolTip(tr("As a line of a prompt file, with literal token ids"));
    connect(m_minimise, &QPushButton::clicked, this, [this] {
        if (m_minimised.isLoading())
            emit minimiseCancelWanted();
        else
            emit minimiseWanted(m_key.prompt, m_key.block);
    });
    connect(m_copyLine, &QPushButton::clicked, this, [this] {
        if (m_minimised.isReady())
            QGuiApplication::clipboard()->setText(m_minimised.value->line);
    });
    auto* top = row();
    top->addWidget(m_minimiseSentence, 1);
    top->addWidget(m_copyLine, 0, Qt::AlignTop);
    top->addWidget(m_minimise, 0, Qt::AlignTop);
    auto* minimise = new QWidget;
    auto* layout = column();
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addLayout(top);
    layout->addWidget(m_shorter);
    layout->addStretch(1);
    minimise->setLayout(layout);
    return minimise;
}

void FailureDetails::setFailure(const std::shared_ptr<const widgets::TokenMap>& map, const widgets::CellKey& key,
                                widgets::Metric metric)
{
    const bool isOther = map != m_map || !(key == m_key) || metric != m_metric;
    m_map = map;
    m_key = key;
    m_metric = metric;
    if (isOther)
        refresh();
}

void FailureDetails::setAnatomy(const Loadable<FailureAnatomy>& anatomy)
{
    m_anatomy = anatomy;
    refresh();
}

void FailureDetails::setMinimised(const Loadable<MinimisedPrompt>& minimised)
{
    m_minimised = minimised;
    refresh();
}

void FailureDetails::showMinimising(const JobProgress& progress)
{
    if (m_minimised.isLoading() && progress.stage == "minimise"_L1)
        m_minimiseSentence->setText(progress.total > 0
                                        ? tr("Tried %1 of at most %2 prompts …").arg(progress.done).arg(progress.total)
                                        : tr("Tried %1 prompts …").arg(progress.done));
}

void FailureDetails::showPart(Part part)
{
    m_part->setCurrent(part);
    m_parts->setCurrentIndex(part);
    constexpr int tall[] = {150, 250, 220, 150}; // the more there is to read, the higher
    setMaximumHeight(tall[part]);
    if (part == Why && m_anatomy.state == Loadable<FailureAnatomy>::State::Empty)
        emit anatomyWanted();
    refresh();
}

void FailureDetails::refresh()
{
    if (!m_map || !m_key.isValid())
        return;
    const int part = m_part->current();
    if (part == Blocks) {
        m_multiples->setPlace(m_map, m_key, m_metric);
    } else if (part == Around) {
        m_around->setFigure(std::make_shared<const figure::Figure>(aroundFigure(*m_map, m_key)), false);
    } else if (part == Why) {
        const auto found = m_anatomy.isReady() ? m_anatomy.value->details.find({m_key.block, m_key.prompt, m_key.token})
                                               : std::map<std::tuple<int, int, int>, FailureDetail>::const_iterator();
        const bool isKnown = m_anatomy.isReady() && found != m_anatomy.value->details.end();
        std::vector<widgets::Fact> facts = isKnown ? found->second.facts : std::vector<widgets::Fact>();
        const auto half = facts.begin() + static_cast<std::ptrdiff_t>((facts.size() + 1) / 2);
        m_factsLeft->setFacts({facts.begin(), half});
        m_factsRight->setFacts({half, facts.end()});
        QStringList words;
        if (m_anatomy.isLoading())
            words << tr("Replaying keys and values of the run's blocks …");
        else if (m_anatomy.state == Loadable<FailureAnatomy>::State::Failed)
            words << m_anatomy.fault.sentence;
        else if (m_anatomy.isReady() && !isKnown)
            words << tr("Nothing more is known of this token: only uncovered tokens and the 20 largest covered errors "
                        "of a block "
                        "are looked into.");
        if (isKnown) {
            words << found->second.nearest;
            if (!found->second.margins.isEmpty())
                words << tr("Margins: %1.").arg(found->second.margins.mid(0, 9).join(u", "_s));
        }
        words.removeAll(QString());
        m_why->setText(words.join(u'\n'));
        const BlockAnatomy* block = m_anatomy.isReady() ? m_anatomy.value->ofBlock(m_key.block) : nullptr;
        m_block->setText(block ? block->notes.join(u'\n') : QString());
        m_block->setVisible(block != nullptr);
    } else {
        const bool isOurs = m_minimised.isReady() && m_minimised.value->prompt == m_key.prompt &&
                            m_minimised.value->block == m_key.block;
        m_minimise->setText(m_minimised.isLoading() ? tr("Cancel") : tr("Minimise"));
        m_shorter->setVisible(isOurs);
        m_copyLine->setVisible(isOurs);
        m_shorter->setTokens(isOurs ? m_minimised.value->tokens : nullptr);
        m_minimiseSentence->setText(
            isOurs                    ? m_minimised.value->sentence
            : m_minimised.isLoading() ? tr("Loading the model …")
            : !m_minimised.fault.sentence.isEmpty()
                ? m_minimised.fault.sentence
                : tr("The model runs on fewer and fewer tokens of this prompt, as long as an error of block %1 stays "
                     "above the threshold: what is left is the smallest case.")
                      .arg(m_key.block));
    }
}

}
