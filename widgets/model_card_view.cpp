#include "widgets/model_card_view.h"

#include "widgets/fact_list.h"
#include "widgets/notice.h"
#include "widgets/number_text.h"
#include "widgets/panel.h"
#include "widgets/theme.h"

#include <QGridLayout>
#include <QLabel>
#include <QVBoxLayout>

#include <array>
#include <charconv>
#include <utility>

namespace blockcert::widgets {

namespace {

QString counted(qint64 value)
{
    return countText(value);
}

QString parametersText(qint64 parameters)
{
    if (parameters >= 1'000'000'000)
        return ModelCardView::tr("%1 billion").arg(static_cast<double>(parameters) / 1e9, 0, 'g', 3);
    if (parameters >= 1'000'000)
        return ModelCardView::tr("%1 million").arg(static_cast<double>(parameters) / 1e6, 0, 'g', 4);
    return counted(parameters);
}

QString notHashed()
{
    return ModelCardView::tr("hashed when a run begins");
}

QString whenHashed()
{
    return ModelCardView::tr(
        "Opening a model reads its headers alone. A run hashes the files before it measures, and its "
        "certificates name the digests.");
}

Fact digestFact(const QString& label, const QString& digest)
{
    if (digest.isEmpty())
        return {label, notHashed(), whenHashed(), true};
    return {label, digestText(digest), digest, false};
}

std::vector<Fact> shapeFacts(const ModelCard& card)
{
    std::vector<Fact> facts{
        {ModelCardView::tr("Architecture"), card.architecture, {}, false},
        {ModelCardView::tr("Parameters"), parametersText(card.parameters), counted(card.parameters), false},
        {ModelCardView::tr("Blocks"), counted(card.layers), {}, false},
        {ModelCardView::tr("Width (d_model)"), counted(card.dModel), {}, false},
        {ModelCardView::tr("Heads × head width"),
         QStringLiteral("%1 × %2").arg(card.heads).arg(card.headDim),
         {},
         false}};
    if (card.kvHeads != card.heads)
        facts.push_back({ModelCardView::tr("Key and value heads"), counted(card.kvHeads), {}, false});
    facts.push_back({ModelCardView::tr("MLP width"), counted(card.dFf), {}, false});
    facts.push_back({ModelCardView::tr("Vocabulary"), counted(card.vocab), {}, false});
    facts.push_back(
        {ModelCardView::tr("Context"), ModelCardView::tr("%1 tokens").arg(counted(card.context)), {}, false});
    return facts;
}

// A number that a file keeps in fp32 is shown by its shortest decimal there: 1e-5, not 9.999999747378752e-6.
double asWritten(double value)
{
    const auto single = static_cast<float>(value);
    if (static_cast<double>(single) != value)
        return value;
    std::array<char, 32> text{};
    const auto end = std::to_chars(text.begin(), text.end(), single).ptr;
    double decimal = value;
    std::from_chars(text.begin(), end, decimal);
    return decimal;
}

std::vector<Fact> detailFacts(const ModelCard& card)
{
    std::vector<Fact> facts{{ModelCardView::tr("Tied embeddings"),
                             card.tiedEmbeddings ? ModelCardView::tr("yes") : ModelCardView::tr("no"),
                             {},
                             false},
                            {ModelCardView::tr("Norm ε"), exactNumber(asWritten(card.normEpsilon)), {}, false}};
    if (isMissing(card.ropeTheta))
        facts.push_back({ModelCardView::tr("Positions"), ModelCardView::tr("learned"), {}, false});
    else
        facts.push_back(
            {ModelCardView::tr("RoPE θ"), exactNumber(card.ropeTheta),
             card.ropeScaling.isEmpty() ? QString() : ModelCardView::tr("scaling: %1").arg(card.ropeScaling), false});
    for (const DTypeShare& share : card.dtypes)
        facts.push_back({ModelCardView::tr("%1 tensors").arg(share.dtype),
                         ModelCardView::tr("%1 · %2").arg(counted(share.tensors), bytesText(share.bytes)),
                         {},
                         false});
    if (card.tokenizer) {
        const TokenizerCard& tokenizer = *card.tokenizer;
        facts.push_back({ModelCardView::tr("Tokenizer"), tokenizer.kind,
                         ModelCardView::tr("%1 entries").arg(counted(tokenizer.vocabulary)), false});
        QStringList ends;
        for (const std::int32_t id : tokenizer.eos)
            ends << QString::number(id);
        facts.push_back({ModelCardView::tr("BOS, EOS ids"),
                         ModelCardView::tr("%1, %2").arg(tokenizer.bos ? QString::number(*tokenizer.bos)
                                                                       : ModelCardView::tr("none"),
                                                         ends.isEmpty() ? ModelCardView::tr("none") : ends.join(u' ')),
                         {},
                         false});
        facts.push_back({ModelCardView::tr("Chat template"),
                         tokenizer.chatTemplate ? ModelCardView::tr("yes") : ModelCardView::tr("none"),
                         {},
                         false});
    }
    facts.push_back({ModelCardView::tr("Memory, fp32 · bf16"),
                     ModelCardView::tr("%1 · %2").arg(bytesText(card.fp32Bytes), bytesText(card.bf16Bytes)),
                     ModelCardView::tr("estimate for weights and one block's working memory"), false});
    return facts;
}

std::vector<Fact> fileFacts(const ModelCard& card)
{
    std::vector<Fact> facts;
    for (const ModelFile& file : card.files) {
        const QString digest = file.sha256.isEmpty() ? notHashed() : digestText(file.sha256);
        facts.push_back(
            {file.name, ModelCardView::tr("%1 · %2").arg(bytesText(file.size), digest),
             ModelCardView::tr("%1 bytes\n%2")
                 .arg(counted(static_cast<qint64>(file.size)), file.sha256.isEmpty() ? whenHashed() : file.sha256),
             false});
    }
    facts.push_back(digestFact(ModelCardView::tr("Configuration digest"), card.configSha256));
    return facts;
}

}

ModelCardView::ModelCardView(QWidget* parent)
    : QWidget(parent)
{
    m_title = makeLabel({}, TextSize::Headline, TextWeight::Strong);
    m_title->setMinimumWidth(40);
    m_scope = makeLabel({}, TextSize::Secondary, TextWeight::Normal, TextTone::Secondary);
    m_scope->setWordWrap(true);
    m_scope->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_warning = new Notice;
    m_shape = new FactList;
    m_details = new FactList;
    m_files = new FactList;
    auto* panel = new Panel;
    auto* grid = new QGridLayout(panel);
    grid->setContentsMargins(space::large, space::small, space::large, space::medium);
    grid->setHorizontalSpacing(space::huge);
    grid->setVerticalSpacing(space::medium);
    grid->addWidget(m_shape, 0, 0, Qt::AlignTop);
    grid->addWidget(m_details, 0, 1, Qt::AlignTop);
    grid->addWidget(makeLabel(tr("Files"), TextSize::Secondary, TextWeight::Strong), 1, 0, 1, 2);
    grid->addWidget(m_files, 2, 0, 1, 2);
    grid->setColumnStretch(0, 1);
    grid->setColumnStretch(1, 1);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(space::small);
    column->addWidget(m_title);
    column->addWidget(m_scope);
    column->addWidget(m_warning);
    column->addWidget(panel);
    setCard(nullptr);
}

void ModelCardView::setCard(std::shared_ptr<const ModelCard> card)
{
    m_card = std::move(card);
    if (parentWidget() != nullptr)
        setVisible(m_card != nullptr);
    if (!m_card)
        return;
    m_title->setText(shownName(m_card->name));
    m_scope->setText(
        shownName(tr("%1 · %2 tensors · %3").arg(m_card->container).arg(m_card->tensors.size()).arg(m_card->path)));
    QStringList problems = m_card->warnings;
    if (!m_card->tokenizerProblem.isEmpty())
        problems.prepend(m_card->tokenizerProblem);
    m_warning->setVisible(!problems.isEmpty());
    m_warning->setNotice(Notice::Tone::Warning, problems.join(u'\n'));
    m_shape->setFacts(shapeFacts(*m_card));
    m_details->setFacts(detailFacts(*m_card));
    m_files->setFacts(fileFacts(*m_card));
}

}
