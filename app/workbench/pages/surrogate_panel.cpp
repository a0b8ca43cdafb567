#include "app/workbench/pages/surrogate_panel.h"

#include "app/workbench/pages/page_parts.h"
#include "engine/base/error.h"
#include "engine/surrogate/surrogate_text.h"
#include "widgets/number_text.h"

#include <QComboBox>
#include <QGridLayout>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSpinBox>

#include <limits>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
namespace space = widgets::space;

namespace {

QString text(std::string_view name)
{
    return QString::fromUtf8(name.data(), static_cast<qsizetype>(name.size()));
}

template <class Values>
QComboBox* choices(const QString& name, const Values& values)
{
    auto* box = new QComboBox;
    for (const auto& value : values)
        box->addItem(text(surrogate::nameOf(value)));
    box->setAccessibleName(name);
    return box;
}

QWidget* parts(std::initializer_list<QWidget*> widgets)
{
    auto* box = new QWidget;
    auto* layout = row();
    layout->setContentsMargins(0, 0, 0, 0);
    for (QWidget* widget : widgets)
        layout->addWidget(widget);
    box->setLayout(layout);
    return box;
}

QLabel* labelOf(const QString& caption, QWidget* field)
{
    QLabel* label = widgets::makeLabel(caption, widgets::TextSize::Secondary, widgets::TextWeight::Normal,
                                       widgets::TextTone::Secondary);
    label->setBuddy(field);
    return label;
}

QSpinBox* numberBox(const QString& name, int least, int most)
{
    auto* box = new QSpinBox;
    box->setRange(least, most);
    box->setAlignment(Qt::AlignRight);
    box->setAccessibleName(name);
    widgets::setFixedFont(*box, widgets::TextSize::Secondary);
    return box;
}

// Why the engine would refuse it, or nothing.
template <class Parse>
QString refusal(Parse parse)
{
    try {
        parse();
        return {};
    } catch (const UsageError& error) {
        return QString::fromUtf8(error.what());
    }
}

QString surrogateRefusal(const QString& asked)
{
    return refusal([&asked] { (void)surrogate::parseSurrogate(asked.toStdString()); });
}

QString ablationRefusal(const QString& asked)
{
    return asked.isEmpty() ? QString() : refusal([&asked] { (void)surrogate::parseAblation(asked.toStdString()); });
}

}

SurrogatePanel::SurrogatePanel(QWidget* parent)
    : QWidget(parent)
    , m_rank(numberBox(tr("Rank"), 1, 1 << 20))
    , m_model(new QLineEdit)
    , m_scale(new QLineEdit)
    , m_seed(numberBox(tr("Seed of the noise"), 0, std::numeric_limits<int>::max()))
    , m_meaning(wrapped({}, widgets::TextTone::Secondary, widgets::TextSize::Secondary))
{
    using Kind = Ablation::Kind;
    m_family = choices(tr("Surrogate family"), std::array{SurrogateFamily::Exact, SurrogateFamily::LowRank,
                                                          SurrogateFamily::Quantised, SurrogateFamily::Checkpoint});
    m_matrices = choices(tr("Matrices"), std::array{MatrixGroup::Attention, MatrixGroup::Mlp, MatrixGroup::All});
    m_dtype = new QComboBox;
    for (const DType dtype : {DType::Q8_0, DType::Q5_1, DType::Q4_0, DType::Q4_1})
        m_dtype->addItem(text(nameOf(dtype)));
    m_dtype->setAccessibleName(tr("Quantised type"));
    m_ablation = choices(tr("Ablation"),
                         std::array{Kind::None, Kind::DropRope, Kind::InvertMask, Kind::ZeroValues, Kind::NoiseQuery});
    m_rank->setValue(64);
    m_model->setAccessibleName(tr("Checkpoint"));
    m_model->setPlaceholderText(tr("a model of the same shape"));
    QPushButton* choose = button(tr("Choose…"));
    m_scale->setAccessibleName(tr("Scale of the noise"));
    m_scale->setToolTip(tr("Standard deviation of the noise as a share of W_Q's own"));
    m_scale->setAlignment(Qt::AlignRight);
    m_scale->setMaximumWidth(90);
    widgets::setFixedFont(*m_scale, widgets::TextSize::Secondary);
    m_seed->setToolTip(tr("The same seed gives the same noise; it is recorded in the run"));
    m_lowRank = parts({labelOf(tr("Rank"), m_rank), m_rank, labelOf(tr("Matrices"), m_matrices), m_matrices});
    m_checkpoint = parts({m_model, choose});
    m_noise = parts({labelOf(tr("Scale"), m_scale), m_scale, labelOf(tr("Seed"), m_seed), m_seed});

    auto* grid = new QGridLayout(this);
    grid->setContentsMargins(0, 0, 0, 0);
    grid->setHorizontalSpacing(space::medium);
    grid->setVerticalSpacing(space::small);
    grid->addWidget(labelOf(tr("Family"), m_family), 0, 0);
    grid->addWidget(m_family, 0, 1);
    for (QWidget* parameters : {m_lowRank, static_cast<QWidget*>(m_dtype)})
        grid->addWidget(parameters, 0, 2, Qt::AlignLeft);
    grid->addWidget(m_checkpoint, 0, 2);
    grid->addWidget(labelOf(tr("Ablation"), m_ablation), 1, 0);
    grid->addWidget(m_ablation, 1, 1);
    grid->addWidget(m_noise, 1, 2, Qt::AlignLeft);
    grid->addWidget(m_meaning, 2, 0, 1, 3);
    grid->setColumnStretch(2, 1);
    show(RunSettings());

    for (QComboBox* box : {m_family, m_matrices, m_dtype, m_ablation})
        connect(box, &QComboBox::currentIndexChanged, this, &SurrogatePanel::announce);
    for (QSpinBox* box : {m_rank, m_seed})
        connect(box, &QSpinBox::valueChanged, this, &SurrogatePanel::announce);
    for (QLineEdit* field : {m_model, m_scale})
        connect(field, &QLineEdit::textChanged, this, &SurrogatePanel::announce);
    connect(choose, &QPushButton::clicked, this, &SurrogatePanel::checkpointWanted);
}

QString SurrogatePanel::surrogate() const
{
    const QString family = m_family->currentText();
    if (!m_lowRank->isHidden())
        return u"%1:%2:%3"_s.arg(family).arg(m_rank->value()).arg(m_matrices->currentText());
    if (!m_dtype->isHidden())
        return u"%1:%2"_s.arg(family, m_dtype->currentText());
    return m_checkpoint->isHidden() ? family : u"%1:%2"_s.arg(family, m_model->text().trimmed());
}

QString SurrogatePanel::ablation() const
{
    if (m_ablation->currentIndex() == 0)
        return {};
    return m_noise->isHidden() ? m_ablation->currentText()
                               : u"%1:%2"_s.arg(m_ablation->currentText(), m_scale->text().trimmed());
}

// In words, what is measured.
QString SurrogatePanel::meaning() const
{
    QString sentence = tr("In place of each block stands the block itself: its program with the model's own weights.");
    if (!m_lowRank->isHidden()) {
        const QStringList matrices{tr("attention"), tr("MLP"), tr("attention and MLP")};
        sentence = tr("In place of each block stands one whose %1 matrices are cut to rank %2 by singular value "
                      "decompositions; the run keeps how far they are from the originals.")
                       .arg(matrices.at(m_matrices->currentIndex()))
                       .arg(m_rank->value());
    } else if (!m_dtype->isHidden()) {
        sentence = tr("In place of each block stands one whose matrices are rounded to %1 and back.")
                       .arg(m_dtype->currentText());
    } else if (!m_checkpoint->isHidden()) {
        sentence = tr("In place of each block stands the same block of another model of the same shape; how the two "
                      "differ is said before anything is measured.");
    }
    const QStringList damages{{},
                              tr("without rotary positions"),
                              tr("with its mask inverted"),
                              tr("with W_V set to zero"),
                              tr("with noise added to W_Q")};
    const QString& damage = damages.at(m_ablation->currentIndex());
    return damage.isEmpty() ? sentence : sentence + u' ' + tr("It is broken on purpose: %1.").arg(damage);
}

void SurrogatePanel::refresh()
{
    const QString family = m_family->currentText();
    const auto is = [&family](SurrogateFamily other) { return family == text(surrogate::nameOf(other)); };
    m_lowRank->setVisible(is(SurrogateFamily::LowRank));
    m_dtype->setVisible(is(SurrogateFamily::Quantised));
    m_checkpoint->setVisible(is(SurrogateFamily::Checkpoint));
    m_noise->setVisible(m_ablation->currentText() == text(surrogate::nameOf(Ablation::Kind::NoiseQuery)));
    m_meaning->setText(meaning());
    markInvalid(m_model, !m_checkpoint->isHidden() && m_model->text().trimmed().isEmpty());
    markInvalid(m_scale, !ablationRefusal(ablation()).isEmpty());
}

void SurrogatePanel::announce()
{
    if (m_isSilent)
        return;
    refresh();
    emit changed();
}

void SurrogatePanel::setCheckpoint(const QString& model)
{
    m_model->setText(model);
}

void SurrogatePanel::show(const RunSettings& settings)
{
    m_isSilent = true;
    const auto select = [](QComboBox* box, const QString& value) {
        box->setCurrentIndex(std::max(0, box->findText(value)));
    };
    const QString family = settings.surrogate.section(u':', 0, 0);
    const QString parameters = settings.surrogate.section(u':', 1);
    select(m_family, family);
    if (family == text(surrogate::nameOf(SurrogateFamily::LowRank))) {
        m_rank->setValue(parameters.section(u':', 0, 0).toInt());
        select(m_matrices, parameters.section(u':', 1, 1));
    } else if (family == text(surrogate::nameOf(SurrogateFamily::Quantised))) {
        select(m_dtype, parameters);
    } else if (family == text(surrogate::nameOf(SurrogateFamily::Checkpoint))) {
        m_model->setText(parameters);
    }
    select(m_ablation, settings.ablation.section(u':', 0, 0));
    const QString scale = settings.ablation.section(u':', 1);
    m_scale->setText(scale.isEmpty() ? u"0.01"_s : scale); // the engine's default
    m_seed->setValue(static_cast<int>(std::min<quint64>(settings.seed, std::numeric_limits<int>::max())));
    refresh();
    m_isSilent = false;
}

void SurrogatePanel::fill(RunSettings& settings) const
{
    settings.surrogate = surrogate();
    settings.ablation = ablation();
    settings.seed = m_noise->isHidden() ? 0 : static_cast<quint64>(m_seed->value());
}

QString SurrogatePanel::problem() const
{
    if (!m_checkpoint->isHidden() && m_model->text().trimmed().isEmpty())
        return tr("Choose the model whose blocks stand in for these.");
    const QString refused = surrogateRefusal(surrogate());
    return refused.isEmpty() ? ablationRefusal(ablation()) : refused;
}

}
