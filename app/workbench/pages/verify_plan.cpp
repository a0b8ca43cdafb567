#include "app/workbench/pages/verify_plan.h"

#include "app/workbench/pages/page_parts.h"
#include "app/workbench/pages/verify_how.h"
#include "widgets/number_text.h"

#include <QButtonGroup>
#include <QGridLayout>
#include <QLabel>
#include <QRadioButton>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
namespace space = widgets::space;

namespace {

// Gives way in width and grows in height.
QLabel* note(const QString& text)
{
    QLabel* made = wrapped(text, widgets::TextTone::Secondary, widgets::TextSize::Secondary);
    QSizePolicy policy(QSizePolicy::Ignored, QSizePolicy::Minimum);
    policy.setHeightForWidth(true);
    made->setSizePolicy(policy);
    made->setMinimumWidth(160);
    return made;
}

}

VerifyPlan::VerifyPlan(QWidget* parent)
    : QWidget(parent)
    , m_levels(new QButtonGroup(this))
{
    auto* panel = new widgets::Panel;
    auto* grid = new QGridLayout(panel);
    grid->setContentsMargins(space::large, space::large, space::large, space::large);
    grid->setHorizontalSpacing(space::large);
    grid->setVerticalSpacing(space::medium);
    grid->setColumnStretch(1, 1);
    grid->addWidget(heading(tr("What will be checked")), 0, 0, 1, 2);
    grid->addWidget(widgets::makeLabel(tr("Time here"), widgets::TextSize::Secondary, widgets::TextWeight::Medium,
                                       widgets::TextTone::Secondary),
                    0, 2, Qt::AlignRight);
    for (int level = 0; level < verifyLevels; ++level) {
        auto* choice = new QRadioButton(levelName(level));
        choice->setAccessibleDescription(levelNote(level));
        m_levels->addButton(choice, level);
        auto* time = widgets::makeLabel({}, widgets::TextSize::Secondary, widgets::TextWeight::Normal,
                                        widgets::TextTone::Secondary);
        widgets::setFixedFont(*time, widgets::TextSize::Secondary);
        m_times[static_cast<std::size_t>(level)] = time;
        grid->addWidget(choice, level + 1, 0);
        grid->addWidget(note(levelNote(level)), level + 1, 1);
        grid->addWidget(time, level + 1, 2, Qt::AlignRight);
    }
    grid->addWidget(note(tr("Every level includes the ones before it. What a level leaves out is listed beside its "
                            "verdict, never counted as good.")),
                    verifyLevels + 1, 0, 1, 3);
    connect(m_levels, &QButtonGroup::idClicked, this, &VerifyPlan::levelChosen);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(panel);
    layout->addStretch(1);
    LevelSeconds unknown;
    unknown.fill(widgets::missing);
    setSeconds(unknown);
}

void VerifyPlan::setLevel(int level)
{
    if (QAbstractButton* choice = m_levels->button(level))
        choice->setChecked(true);
}

void VerifyPlan::setSeconds(const LevelSeconds& seconds)
{
    for (std::size_t level = 0; level < m_times.size(); ++level) {
        const bool isKnown = !widgets::isMissing(seconds[level]);
        m_times[level]->setText(isKnown ? tr("about %1").arg(widgets::durationText(seconds[level])) : u"–"_s);
        m_times[level]->setToolTip(isKnown ? tr("At the speed of the last check of this kind on this machine")
                                           : tr("Known after the first check of this kind on this machine"));
    }
}

}
