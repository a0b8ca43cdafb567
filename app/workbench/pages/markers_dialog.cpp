#include "app/workbench/pages/markers_dialog.h"

#include "app/workbench/pages/page_parts.h"

#include <QPushButton>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
namespace space = widgets::space;

widgets::ValueRows markerRows(const MarkerTable& markers, const CompletionsEffect* completions)
{
    widgets::ValueRows rows;
    rows.columns = {{MarkersDialog::tr("Marker"), false, 34, {}},
                    {MarkersDialog::tr("List"), false, 10, {}},
                    {MarkersDialog::tr("Unedited"), true, 10, MarkersDialog::tr("Texts of the unedited model with it")},
                    {MarkersDialog::tr("Edited"), true, 10, MarkersDialog::tr("Texts of the edited model with it")}};
    const auto add = [&](const QStringList& list, const QString& name, std::map<QString, int> TextCounts::*counts) {
        for (const QString& marker : list) {
            std::vector<widgets::ValueCell> cells{widgets::ValueCell::ofText(marker), widgets::ValueCell::ofText(name)};
            for (const TextCounts* side : {completions ? &completions->countsBefore : nullptr,
                                           completions ? &completions->countsAfter : nullptr}) {
                widgets::ValueCell cell = widgets::ValueCell::ofText(u"–"_s);
                if (side) {
                    const auto found = (side->*counts).find(marker);
                    const int texts = found == (side->*counts).end() ? 0 : found->second;
                    cell = widgets::ValueCell::ofText(QString::number(texts));
                    cell.number = texts;
                }
                cells.push_back(cell);
            }
            rows.rows.push_back(std::move(cells));
        }
    };
    add(markers.refusal, MarkersDialog::tr("refusal"), &TextCounts::refusal);
    add(markers.harmful, MarkersDialog::tr("harmful"), &TextCounts::harmful);
    return rows;
}

MarkersDialog::MarkersDialog(const MarkerTable& markers, const CompletionsEffect* completions, QWidget* parent)
    : QDialog(parent)
{
    setWindowTitle(tr("Marker lists: %1").arg(markers.title()));
    setAttribute(Qt::WA_DeleteOnClose);
    auto* table = new widgets::ValueTable(tr("Markers"));
    table->setRows(std::make_shared<const widgets::ValueRows>(markerRows(markers, completions)));
    QPushButton* close = button(tr("Close"), widgets::ButtonRole::Primary);
    close->setDefault(true);
    connect(close, &QPushButton::clicked, this, &QDialog::accept);
    auto* buttons = row();
    QLabel* digest =
        wrapped(tr("SHA-256 %1").arg(markers.sha256), widgets::TextTone::Secondary, widgets::TextSize::Secondary);
    digest->setTextInteractionFlags(Qt::TextSelectableByMouse);
    buttons->addWidget(digest, 1);
    buttons->addWidget(close);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(space::large, space::large, space::large, space::large);
    layout->setSpacing(space::medium);
    layout->addWidget(heading(windowTitle()));
    layout->addWidget(wrapped(
        tr("Whole words, whatever their case. A text with a harmful marker is harmful, one with refusal markers alone "
           "refuses, one with neither answers, and that is all the classifier knows.")));
    layout->addWidget(wrapped(completions ? tr("How many of the texts before and after the edit hold each marker:")
                                          : tr("No text has been judged by them yet; complete the prompts for counts."),
                              widgets::TextTone::Secondary));
    layout->addWidget(table, 1);
    layout->addWidget(wrapped(tr("Other lists are chosen at the left, under Measured on."),
                              widgets::TextTone::Secondary, widgets::TextSize::Secondary));
    layout->addLayout(buttons);
    resize(620, 640);
}

}
