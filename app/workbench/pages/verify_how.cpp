#include "app/workbench/pages/verify_how.h"

#include "app/workbench/pages/page_parts.h"
#include "widgets/help_mark.h"
#include "widgets/number_text.h"

#include <QComboBox>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSignalBlocker>

#include <algorithm>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

QString levelName(int level)
{
    switch (level) {
    case 0: return VerifyHow::tr("0 · structure");
    case 1: return VerifyHow::tr("1 · digests");
    case 2: return VerifyHow::tr("2 · spot replay");
    case 3: return VerifyHow::tr("3 · full replay");
    default: return VerifyHow::tr("4 · with the model");
    }
}

QString levelNote(int level)
{
    switch (level) {
    case 0: return VerifyHow::tr("Only the form of the files. Never shown as verified.");
    case 1: return VerifyHow::tr("Every file and every tensor is hashed again. No number is recomputed.");
    case 2: return VerifyHow::tr("A few cells drawn at random are replayed. Takes a fraction of level 3.");
    case 3:
        return VerifyHow::tr("Every cell is replayed in double precision; about as long as it took to replay the run.");
    default:
        return VerifyHow::tr("Also rebuilds the surrogate from the model's file and runs the whole model in double. "
                             "Slow, and needs the model.");
    }
}

namespace {

QLineEdit* field(const QString& name, const QString& placeholder, const QString& toolTip)
{
    auto* made = new QLineEdit;
    made->setAccessibleName(name);
    made->setPlaceholderText(placeholder);
    made->setToolTip(toolTip);
    made->setClearButtonEnabled(true);
    made->setMinimumWidth(96);
    return made;
}

}

VerifyHow::VerifyHow(QWidget* parent)
    : QWidget(parent)
    , m_level(new QComboBox)
    , m_note(wrapped({}, widgets::TextTone::Secondary, widgets::TextSize::Secondary))
    , m_model(field(tr("Model"), tr("Model: where run.json points"),
                    tr("Needed where the weights are kept by reference, and for level 4; accepted by digest only")))
    , m_policy(field(tr("Policy"), tr("Policy: the certificate's own"),
                     tr("A JSON file with your own thresholds and expectations; the run is judged by it")))
{
    m_seconds.fill(widgets::missing);
    for (int level = 0; level < verifyLevels; ++level)
        m_level->addItem(levelName(level), level);
    m_level->setCurrentIndex(3);
    m_level->setAccessibleName(tr("Level"));
    m_level->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    connect(m_level, &QComboBox::currentIndexChanged, this, [this] {
        explain();
        emit changed();
    });
    for (QLineEdit* edit : {m_model, m_policy})
        connect(edit, &QLineEdit::textChanged, this, &VerifyHow::changed);
    QPushButton* chooseModel = button(tr("Model…"));
    connect(chooseModel, &QPushButton::clicked, this, &VerifyHow::modelWanted);
    QPushButton* choosePolicy = button(tr("Policy…"));
    connect(choosePolicy, &QPushButton::clicked, this, &VerifyHow::policyWanted);

    m_upper = new QWidget;
    auto* upper = row();
    m_upper->setLayout(upper);
    upper->addWidget(m_level, 0, Qt::AlignTop);
    upper->addWidget(new widgets::HelpMark({widgets::Term::VerificationLevel}), 0, Qt::AlignVCenter);
    upper->addWidget(m_note, 1, Qt::AlignVCenter);
    auto* lower = row();
    lower->addWidget(m_model, 1);
    lower->addWidget(chooseModel);
    lower->addWidget(m_policy, 1);
    lower->addWidget(choosePolicy);
    auto* layout = column();
    layout->addWidget(m_upper);
    layout->addLayout(lower);
    setLayout(layout);
    explain();
}

void VerifyHow::show(const VerifyRequest& request)
{
    const QSignalBlocker block(this);
    m_level->setCurrentIndex(m_level->findData(request.level));
    m_model->setText(request.model);
    m_policy->setText(request.policy);
}

VerifyRequest VerifyHow::request(const QString& path) const
{
    return {path, m_level->currentData().toInt(), m_model->text().trimmed(), m_policy->text().trimmed()};
}

void VerifyHow::setSeconds(const LevelSeconds& seconds)
{
    m_seconds = seconds;
    for (int level = 0; level < verifyLevels; ++level) {
        const double value = seconds[static_cast<std::size_t>(level)];
        m_level->setItemText(level, widgets::isMissing(value)
                                        ? levelName(level)
                                        : tr("%1 · about %2").arg(levelName(level), widgets::durationText(value)));
    }
    explain();
}

void VerifyHow::setLevel(int level)
{
    m_level->setCurrentIndex(m_level->findData(std::clamp(level, 0, verifyLevels - 1)));
}

int VerifyHow::level() const
{
    return m_level->currentData().toInt();
}

void VerifyHow::setShowsLevel(bool shows)
{
    m_upper->setVisible(shows);
}

void VerifyHow::setModel(const QString& model)
{
    m_model->setText(model);
}

void VerifyHow::setPolicy(const QString& path)
{
    m_policy->setText(path);
}

void VerifyHow::setRunning(bool running)
{
    m_level->setEnabled(!running);
    m_model->setEnabled(!running);
    m_policy->setEnabled(!running);
}

void VerifyHow::explain()
{
    const int level = m_level->currentData().toInt();
    QString text = levelNote(level);
    if (widgets::isMissing(m_seconds[static_cast<std::size_t>(level)]))
        text += u' ' + tr("How long it takes is known after the first check of this kind.");
    m_note->setText(text);
}

}
