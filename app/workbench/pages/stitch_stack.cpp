#include "app/workbench/pages/stitch_stack.h"

#include "app/workbench/pages/page_parts.h"
#include "widgets/block_switches.h"

#include <QComboBox>
#include <QLabel>
#include <QSignalBlocker>
#include <QVBoxLayout>

#include <algorithm>
#include <utility>

namespace blockcert::workbench {

namespace {

enum Preset { ChoosePreset, AllOriginal, AllSurrogate, OnlyCertified, AllEdited };

}

StitchStack::StitchStack(QWidget* parent)
    : QWidget(parent)
    , m_presets(new QComboBox)
    , m_edit(new ElidedComboBox)
    , m_switches(new widgets::BlockSwitches)
    , m_chosen(wrapped({}, widgets::TextTone::Secondary, widgets::TextSize::Secondary))
    , m_editHint(wrapped({}, widgets::TextTone::Secondary, widgets::TextSize::Secondary))
{
    m_presets->setAccessibleName(tr("Preset"));
    m_presets->addItems({tr("Preset…"), tr("All original"), tr("All surrogate"), tr("Only certified blocks")});
    connect(m_presets, &QComboBox::activated, this, &StitchStack::usePreset);
    m_edit->setAccessibleName(tr("Edit"));
    m_edit->setToolTip(tr("The edit of the run that blocks can stand edited by"));
    m_edit->hide();
    connect(m_edit, &QComboBox::activated, this, &StitchStack::useEdit);
    connect(&m_switches->switches(), &widgets::BlockSwitchModel::choicesChanged, this, [this] {
        refresh();
        emit changed();
    });
    auto* layout = column();
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_presets);
    layout->addWidget(m_edit);
    layout->addWidget(m_switches, 1);
    layout->addWidget(m_chosen);
    layout->addWidget(m_editHint);
    setLayout(layout);
    setFocusProxy(m_switches);
}

void StitchStack::setNarrow(bool narrow)
{
    constexpr int beside = 268;
    constexpr int fewRows = 150;
    setMinimumWidth(narrow ? 0 : beside);
    setMaximumWidth(narrow ? QWIDGETSIZE_MAX : beside);
    m_switches->setMinimumHeight(narrow ? fewRows : 0);
    m_switches->setMaximumHeight(narrow ? fewRows : QWIDGETSIZE_MAX);
}

void StitchStack::setRun(std::shared_ptr<const RunView> run, bool keepsChoices)
{
    const StitchSwitches kept = switches();
    const QString keptEdit = m_edit->currentText();
    m_run = std::move(run);
    std::vector<widgets::BlockSwitch> blocks;
    const int layers = std::max(m_run->layers, m_run->map->blocks.empty() ? 0 : m_run->map->blocks.back() + 1);
    for (int layer = 0; layer < layers; ++layer) {
        widgets::BlockSwitch block{layer, false, false, widgets::missing};
        for (const widgets::BlockRow& measured : *m_run->blocks)
            if (measured.block == layer && m_run->certificates.contains(layer))
                block = {layer, true, measured.state == widgets::BlockState::Certified, measured.epsilon};
        blocks.push_back(block);
    }
    const auto first = std::find_if(blocks.begin(), blocks.end(),
                                    [](const widgets::BlockSwitch& block) { return block.hasSurrogate; });
    const int firstRow = static_cast<int>(first == blocks.end() ? 0 : first - blocks.begin());
    m_switches->switches().setBlocks(std::move(blocks));
    if (!keepsChoices) // of thirty blocks one may have a surrogate
        m_switches->setCurrentIndex(m_switches->model()->index(firstRow, widgets::BlockSwitchModel::Choice));
    refreshEdits(keepsChoices ? keptEdit : QString());
    if (keepsChoices)
        setSwitches(kept);
}

StitchSwitches StitchStack::switches() const
{
    const widgets::BlockSwitchModel& model = m_switches->switches();
    StitchSwitches switches{model.surrogates(), {}, model.edited()};
    if (!switches.edited.empty())
        switches.edit = m_edit->currentText();
    return switches;
}

void StitchStack::setSwitches(const StitchSwitches& switches)
{
    const int edit = switches.edited.empty() ? -1 : m_edit->findText(switches.edit);
    if (edit >= 0) {
        m_edit->setCurrentIndex(edit);
        useEdit(edit);
    }
    // Edited by another edit than the one that is named would be something else.
    m_switches->switches().setChoices(switches.blocks, edit >= 0 ? switches.edited : std::vector<int>());
}

// The edits that the run holds; `chosen` again, where it is still there.
void StitchStack::refreshEdits(const QString& chosen)
{
    const QSignalBlocker block(m_edit);
    const bool hasEdits = !m_run->edits.empty();
    m_edit->clear();
    for (const RecordedEdit& edit : m_run->edits)
        m_edit->addItem(edit.name);
    m_edit->setCurrentIndex(hasEdits ? std::max(0, m_edit->findText(chosen)) : -1);
    m_edit->setVisible(m_run->edits.size() > 1);
    m_presets->setItemText(AllSurrogate, hasEdits ? tr("All surrogate, none edited") : tr("All surrogate"));
    if (m_presets->count() > AllEdited)
        m_presets->removeItem(AllEdited);
    if (hasEdits)
        m_presets->addItem(tr("All surrogate, with the edit"));
    useEdit(m_edit->currentIndex());
}

void StitchStack::useEdit(int index)
{
    const RecordedEdit* edit = m_run && index >= 0 && index < static_cast<int>(m_run->edits.size())
                                   ? &m_run->edits[static_cast<std::size_t>(index)]
                                   : nullptr;
    m_switches->switches().setEdit(edit ? edit->name : QString(), edit ? edit->blocks : std::vector<int>());
    m_editHint->setText(edit ? tr("A third place, edited, is what the edit %1 makes of the surrogate (%2).")
                                   .arg(edit->name, edit->sentence)
                             : tr("Where the run holds an edit of a block, its switch has a third place, edited; "
                                  "Edit makes one."));
}

void StitchStack::usePreset(int preset)
{
    std::vector<int> chosen;
    for (const widgets::BlockSwitch& block : m_switches->switches().blocks())
        if (preset == AllSurrogate || preset == AllEdited || (preset == OnlyCertified && block.isCertified))
            chosen.push_back(block.block);
    if (preset != ChoosePreset)
        m_switches->switches().setChoices(chosen,
                                          preset == AllEdited ? m_switches->switches().editable() : std::vector<int>());
    m_presets->setCurrentIndex(ChoosePreset); // what is chosen stands in the switches
}

void StitchStack::refresh()
{
    const StitchSwitches chosen = switches();
    const int layers = m_switches->switches().rowCount();
    m_chosen->setText(chosen.blocks.empty() ? tr("Nothing is replaced: both models are the same.")
                      : chosen.edited.empty()
                          ? tr("%1 of %2 blocks run as surrogates.").arg(chosen.blocks.size()).arg(layers)
                          : tr("%1 of %2 blocks are replaced, %3 of them edited by %4.")
                                .arg(chosen.blocks.size())
                                .arg(layers)
                                .arg(chosen.edited.size())
                                .arg(chosen.edit));
}

}
