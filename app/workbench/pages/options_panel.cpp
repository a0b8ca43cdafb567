#include "app/workbench/pages/options_panel.h"

#include "app/workbench/pages/page_parts.h"
#include "widgets/number_text.h"

#include <QCheckBox>
#include <QComboBox>
#include <QGridLayout>
#include <QLabel>
#include <QLineEdit>
#include <QSignalBlocker>
#include <QSpinBox>

#include <cmath>
#include <optional>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
namespace space = widgets::space;

namespace {

// A finite number that is not negative, with a dot and without units, as on the command line.
std::optional<double> numberIn(const QLineEdit* field)
{
    bool isNumber = false;
    const double value = field->text().trimmed().toDouble(&isNumber);
    return isNumber && std::isfinite(value) && value >= 0 ? std::optional(value) : std::nullopt;
}

bool isShare(const QLineEdit* field)
{
    const std::optional<double> value = numberIn(field);
    return value && *value <= 1;
}

QComboBox* choices(const QString& name, const QString& toolTip,
                   std::initializer_list<std::pair<QString, QString>> items)
{
    auto* box = new QComboBox;
    for (const auto& [text, value] : items)
        box->addItem(text, value);
    box->setToolTip(toolTip);
    box->setAccessibleName(name);
    return box;
}

void select(QComboBox* box, const QString& value)
{
    box->setCurrentIndex(std::max(0, box->findData(value)));
}

}

OptionsPanel::OptionsPanel(QWidget* parent)
    : QWidget(parent)
{
    m_dtype = choices(tr("Baseline precision"),
                      tr("What the model computes in. The paper's errors of 1e-3 to 1e-2 come from 16-bit baselines."),
                      {{u"fp32"_s, u"fp32"_s}, {u"bf16"_s, u"bf16"_s}, {u"fp16"_s, u"fp16"_s}});
    m_replay = choices(tr("Replay precision"),
                       tr("What the surrogate is replayed in. fp32 states a wider comparison tolerance."),
                       {{u"double"_s, u"fp64"_s}, {u"fp32"_s, u"fp32"_s}});
    m_loss =
        choices(tr("Losses"),
                tr("Exact runs the rest of the model with every block replaced. First order is an estimate of the "
                   "loss's change from one backward pass: it ranks blocks, is no coverage, and certifies none. "
                   "Without losses no block can meet a loss threshold either."),
                {{tr("exact"), u"exact"_s}, {tr("first order"), u"first-order"_s}, {tr("not measured"), u"none"_s}});
    m_measure = choices(tr("Deciding measure"), tr("Which error decides whether a token is covered"),
                        {{u"‖ŷ − y‖"_s, u"l2"_s}, {u"‖ŷ − y‖ / ‖y‖"_s, u"relative-l2"_s}});
    m_maxTokens = new QSpinBox;
    m_maxTokens->setRange(1, 1 << 20);
    m_maxTokens->setAlignment(Qt::AlignRight);
    widgets::setFixedFont(*m_maxTokens, widgets::TextSize::Secondary);
    m_maxTokens->setAccessibleName(tr("Longest prompt in tokens"));
    m_maxTokens->setToolTip(tr("Longer prompts lose their end, and the certificate says so"));
    m_embed = new QCheckBox(tr("Embed the weights"));
    m_embed->setToolTip(tr("The run can then be checked without the model's file; it becomes as large as the blocks"));
    m_tauAct = numberField(tr("τ_act"), tr("A token is covered while its error is at most this"));
    m_tauRel = numberField(tr("τ_rel"), tr("The same for the relative error; empty: by baseline precision"));
    m_tauLoss = numberField(tr("τ_loss"), tr("Largest loss difference of a covered token, in nats"));
    m_alphaAct = numberField(tr("α_act"), tr("Share of tokens that must be covered"));
    m_alphaLoss = numberField(tr("α_loss"), tr("Share of the loss that must be covered"));

    m_grid = new QGridLayout(this);
    m_grid->setContentsMargins(0, 0, 0, 0);
    m_grid->setHorizontalSpacing(space::medium);
    m_grid->setVerticalSpacing(space::small);
    const auto add = [this](const QString& label, QWidget* field) {
        QLabel* text = label.isEmpty() ? nullptr
                                       : widgets::makeLabel(label, widgets::TextSize::Secondary,
                                                            widgets::TextWeight::Normal, widgets::TextTone::Secondary);
        if (text)
            text->setBuddy(field);
        m_fields.push_back({text, field});
    };
    add(tr("Baseline"), m_dtype);
    add(tr("Replay"), m_replay);
    add(tr("Longest prompt"), m_maxTokens);
    add(tr("Losses"), m_loss);
    add(tr("Decides"), m_measure);
    add({}, m_embed);
    add(tr("τ_act"), m_tauAct);
    add(tr("τ_rel"), m_tauRel);
    add(tr("τ_loss"), m_tauLoss);
    add(tr("α_act"), m_alphaAct);
    add(tr("α_loss"), m_alphaLoss);
    arrange(4);
    show(RunSettings());

    const auto announce = [this] {
        if (!m_isSilent)
            emit changed();
    };
    for (QComboBox* box : {m_dtype, m_replay, m_loss, m_measure})
        connect(box, &QComboBox::currentIndexChanged, this, announce);
    connect(m_dtype, &QComboBox::currentIndexChanged, this, &OptionsPanel::showDefaultTauRel);
    connect(m_maxTokens, &QSpinBox::valueChanged, this, announce);
    connect(m_embed, &QCheckBox::toggled, this, announce);
    for (QLineEdit* field : {m_tauAct, m_tauRel, m_tauLoss, m_alphaAct, m_alphaLoss}) {
        connect(field, &QLineEdit::textChanged, this, [this, field, announce] {
            const bool mayBeEmpty = field == m_tauRel && field->text().trimmed().isEmpty();
            const bool isValid =
                field == m_alphaAct || field == m_alphaLoss ? isShare(field) : numberIn(field).has_value();
            markInvalid(field, !isValid && !mayBeEmpty);
            announce();
        });
    }
}

// Columns of three fields each, or two of six where the page is narrow.
void OptionsPanel::arrange(int columns)
{
    if (columns == m_columns)
        return;
    m_columns = columns;
    const int lines = columns == 4 ? 3 : 6;
    for (int at = 0; at < static_cast<int>(m_fields.size()); ++at) {
        const auto [label, field] = m_fields[static_cast<std::size_t>(at)];
        const int line = at % lines;
        const int column = 2 * (at / lines);
        if (label) {
            m_grid->addWidget(label, line, column);
            m_grid->addWidget(field, line, column + 1);
        } else {
            m_grid->addWidget(field, line, column, 1, 2);
        }
    }
    for (int column = 0; column < 4; ++column)
        m_grid->setColumnStretch(2 * column + 1, column < columns ? 1 : 0);
}

void OptionsPanel::resizeEvent(QResizeEvent* event)
{
    QWidget::resizeEvent(event);
    constexpr int wide = 720;
    arrange(width() >= wide ? 4 : 2);
}

QSize OptionsPanel::minimumSizeHint() const
{
    return {360, QWidget::minimumSizeHint().height()}; // narrower than four columns: they give way to two
}

QLineEdit* OptionsPanel::numberField(const QString& name, const QString& toolTip)
{
    auto* field = new QLineEdit;
    widgets::setFixedFont(*field, widgets::TextSize::Secondary);
    field->setAlignment(Qt::AlignRight);
    field->setMinimumWidth(72);
    field->setAccessibleName(name);
    field->setToolTip(toolTip);
    return field;
}

void OptionsPanel::showDefaultTauRel()
{
    m_tauRel->setPlaceholderText(widgets::exactNumber(defaultTauRel(m_dtype->currentData().toString())));
}

void OptionsPanel::show(const RunSettings& settings)
{
    m_isSilent = true;
    select(m_dtype, settings.dtype);
    select(m_replay, settings.replayDtype);
    select(m_loss, settings.loss);
    select(m_measure, settings.policy.relativeDecides ? u"relative-l2"_s : u"l2"_s);
    m_maxTokens->setValue(settings.maxTokens);
    m_embed->setChecked(settings.embedWeights);
    m_tauAct->setText(widgets::exactNumber(settings.policy.tauAct));
    m_tauLoss->setText(widgets::exactNumber(settings.policy.tauLoss));
    m_tauRel->setText(settings.tauRelGiven ? widgets::exactNumber(settings.policy.tauRel) : QString());
    m_alphaAct->setText(widgets::exactNumber(settings.policy.alphaAct));
    m_alphaLoss->setText(widgets::exactNumber(settings.policy.alphaLoss));
    showDefaultTauRel();
    m_isSilent = false;
}

void OptionsPanel::fill(RunSettings& settings) const
{
    settings.dtype = m_dtype->currentData().toString();
    settings.replayDtype = m_replay->currentData().toString();
    settings.loss = m_loss->currentData().toString();
    settings.policy.relativeDecides = m_measure->currentData().toString() == "relative-l2"_L1;
    settings.maxTokens = m_maxTokens->value();
    settings.embedWeights = m_embed->isChecked();
    const auto read = [](const QLineEdit* field, double& value) {
        if (const std::optional<double> number = numberIn(field))
            value = *number;
    };
    read(m_tauAct, settings.policy.tauAct);
    read(m_tauLoss, settings.policy.tauLoss);
    read(m_alphaAct, settings.policy.alphaAct);
    read(m_alphaLoss, settings.policy.alphaLoss);
    const std::optional<double> tauRel = numberIn(m_tauRel);
    settings.tauRelGiven = tauRel.has_value();
    settings.policy.tauRel = tauRel.value_or(defaultTauRel(settings.dtype));
}

QString OptionsPanel::problem() const
{
    for (const QLineEdit* field : {m_tauAct, m_tauLoss}) {
        if (!numberIn(field))
            return tr("%1 has to be a number that is not negative.").arg(field->accessibleName());
    }
    if (!m_tauRel->text().trimmed().isEmpty() && !numberIn(m_tauRel))
        return tr("τ_rel has to be a number that is not negative, or empty.");
    for (const QLineEdit* field : {m_alphaAct, m_alphaLoss}) {
        if (!isShare(field))
            return tr("%1 has to be between 0 and 1.").arg(field->accessibleName());
    }
    return {};
}

}
