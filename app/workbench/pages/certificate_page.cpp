#include "app/workbench/pages/certificate_page.h"

#include "app/workbench/process/json_reading.h"
#include "app/workbench/session/json_values.h"
#include "widgets/block_table.h"
#include "widgets/fact_list.h"
#include "widgets/help_mark.h"
#include "widgets/number_text.h"
#include "widgets/state_badge.h"

#include <QClipboard>
#include <QGridLayout>
#include <QGuiApplication>
#include <QHeaderView>
#include <QLabel>
#include <QPushButton>
#include <QTableWidget>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
using widgets::Fact;
using widgets::TextSize;
using widgets::TextTone;
using widgets::TextWeight;
namespace space = widgets::space;

namespace {

Fact fact(const QString& label, const QString& value, const QString& toolTip = {})
{
    return {label, value.isEmpty() ? u"–"_s : value, toolTip, value.isEmpty()};
}

Fact number(const QString& label, const Json& object, const char* key)
{
    const double value = numberOf(object, key);
    return {label, widgets::exactNumber(value), textOf(objectOf(object, key), "hex"), widgets::isMissing(value)};
}

Fact digest(const QString& label, const QString& hex)
{
    return {label, hex.isEmpty() ? u"–"_s : widgets::digestText(hex), hex, hex.isEmpty()};
}

Fact fraction(const QString& label, const Json& object)
{
    if (object.empty())
        return {label, u"–"_s, {}, true};
    const qint64 covered = wholeOf(object, "covered");
    const qint64 total = wholeOf(object, "total");
    return {label,
            u"%1  (%2 of %3)"_s.arg(widgets::coverageText(covered, total), widgets::countText(covered),
                                    widgets::countText(total)),
            {},
            false};
}

// Three digits as in every table; all of them on hover.
Fact coverageFact(const QString& label, double coverage)
{
    return {label, widgets::coverageText(coverage), widgets::exactNumber(coverage), widgets::isMissing(coverage)};
}

QWidget* card(const QString& title, const QString& note, std::vector<Fact> facts, QWidget* last = nullptr)
{
    auto* panel = new widgets::Panel;
    auto* layout = new QVBoxLayout(panel);
    layout->setContentsMargins(space::large, space::medium, space::large, space::medium);
    layout->setSpacing(space::tiny);
    layout->addWidget(heading(title));
    if (!note.isEmpty())
        layout->addWidget(wrapped(note, TextTone::Secondary, TextSize::Secondary));
    auto* list = new widgets::FactList;
    list->setVisible(!facts.empty());
    list->setFacts(std::move(facts));
    layout->addWidget(list);
    if (last)
        layout->addWidget(last);
    layout->addStretch(1);
    return panel;
}

std::vector<Fact> errorFacts(const Json& summary, const QString& threshold)
{
    const Json& worst = objectOf(summary, "worst");
    const Json& quantiles = objectOf(summary, "quantiles");
    return {number(CertificatePage::tr("ε, largest"), summary, "epsilon"),
            fact(CertificatePage::tr("Worst token"), worst.empty() ? QString()
                                                                   : CertificatePage::tr("prompt %1, token %2")
                                                                         .arg(wholeOf(worst, "prompt"))
                                                                         .arg(wholeOf(worst, "token"))),
            number(CertificatePage::tr("Mean"), summary, "mean"),
            number(CertificatePage::tr("Median"), quantiles, "q50"),
            number(CertificatePage::tr("90th percentile"), quantiles, "q90"),
            number(CertificatePage::tr("95th percentile"), quantiles, "q95"),
            number(CertificatePage::tr("99th percentile"), quantiles, "q99"),
            fraction(CertificatePage::tr("Covered at %1").arg(threshold), objectOf(summary, "coverage"))};
}

QWidget* promptTable(const Json& prompts)
{
    auto* table = new QTableWidget(static_cast<int>(prompts.size()), 6);
    table->setHorizontalHeaderLabels({CertificatePage::tr("Prompt"), CertificatePage::tr("Tokens"), u"ε"_s,
                                      CertificatePage::tr("Mean"), CertificatePage::tr("Activation"),
                                      CertificatePage::tr("Loss")});
    for (int at = 0; at < table->columnCount(); ++at)
        table->horizontalHeaderItem(at)->setTextAlignment((at == 0 ? Qt::AlignLeft : Qt::AlignRight) |
                                                          Qt::AlignVCenter);
    int line = 0;
    for (const Json& prompt : prompts) {
        const Json& l2 = objectOf(prompt, "l2");
        const Json& coverage = objectOf(l2, "coverage");
        const QStringList texts{
            u"%1 · %2"_s.arg(QString::number(line), textOf(prompt, "id")), // the number is what “worst token” names
            widgets::countText(wholeOf(prompt, "tokens")),
            widgets::tableNumber(numberOf(l2, "epsilon")),
            widgets::tableNumber(numberOf(l2, "mean")),
            widgets::coverageText(wholeOf(coverage, "covered"), wholeOf(coverage, "total")),
            widgets::coverageText(numberOf(objectOf(prompt, "loss"), "coverage")),
        };
        for (int at = 0; at < texts.size(); ++at) {
            auto* item = new QTableWidgetItem(texts[at]);
            if (at > 0) {
                item->setFont(widgets::fixedFont(TextSize::Secondary));
                item->setTextAlignment(Qt::AlignRight | Qt::AlignVCenter);
            }
            item->setFlags(Qt::ItemIsSelectable | Qt::ItemIsEnabled);
            table->setItem(line, at, item);
        }
        ++line;
    }
    table->verticalHeader()->hide();
    table->verticalHeader()->setDefaultSectionSize(space::tableRow);
    table->horizontalHeader()->setSectionResizeMode(QHeaderView::Stretch);
    table->setShowGrid(false);
    table->setSelectionBehavior(QAbstractItemView::SelectRows);
    table->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    constexpr int most = 12;
    table->setFixedHeight((std::min(line, most) + 1) * space::tableRow + space::small);
    return table;
}

}

CertificatePage::CertificatePage(QWidget* parent)
    : QWidget(parent)
    , m_title(new widgets::PageTitle)
    , m_badge(new widgets::StateBadge)
    , m_side(new SidePanel)
{
    auto* layout = pageLayout(this);
    QPushButton* back = button(tr("Back to the map"));
    back->setToolTip(tr("Esc"));
    connect(back, &QPushButton::clicked, this, &CertificatePage::backWanted);
    m_title->addWidget(m_badge);
    m_title->addWidget(new widgets::HelpMark({widgets::Term::Certificate}));
    m_title->addWidget(back);
    layout->addWidget(m_title);
    auto* scroll = new QScrollArea;
    scroll->setFrameShape(QFrame::NoFrame);
    scroll->setWidgetResizable(true);
    m_content = new QWidget;
    m_content->setProperty("surface", u"window"_s);
    m_contentLayout = new QVBoxLayout(m_content);
    m_contentLayout->setContentsMargins(0, 0, space::small, 0);
    m_contentLayout->setSpacing(space::medium);
    scroll->setWidget(m_content);
    layout->addWidget(scroll, 1);
}

void CertificatePage::setCertificate(const std::shared_ptr<const Json>& certificate, const QString& runPath)
{
    m_certificate = certificate;
    m_runPath = runPath;
    m_block = indexOf(objectOf(*certificate, "subject"), "block").value_or(-1);
    rebuild();
    rebuildSide();
}

void CertificatePage::rebuild()
{
    while (QLayoutItem* item = m_contentLayout->takeAt(0)) {
        if (item->widget())
            item->widget()->deleteLater();
        delete item;
    }
    const Json& certificate = *m_certificate;
    const Json& subject = objectOf(certificate, "subject");
    const Json& metrics = objectOf(certificate, "metrics");
    const Json& policy = objectOf(certificate, "policy");
    const Json& prompts = objectOf(certificate, "prompts");
    const Json& verdict = objectOf(certificate, "verdict");
    const Json& loss = objectOf(metrics, "loss");
    m_certified = flagOf(verdict, "certified");

    m_title->setText(tr("Certificate of block %1").arg(m_block),
                     tr("%1 · %2 prompts of %3, %4 tokens · says nothing about others")
                         .arg(textOf(subject, "model"))
                         .arg(wholeOf(prompts, "count"))
                         .arg(textOf(prompts, "name"), widgets::countText(wholeOf(prompts, "tokens"))));

    const Json& findings = arrayOf(verdict, "findings");
    if (!findings.empty()) {
        QStringList reasons;
        for (const Json& finding : findings)
            reasons << widgets::findingText({textOf(finding, "code"), textOf(finding, "where"),
                                             numberOf(finding, "observed"), numberOf(finding, "threshold")}) +
                           u'.';
        m_contentLayout->addWidget(card(tr("Why it is not certified"), reasons.join(u'\n'), {}));
    }

    const widgets::Thresholds thresholds = thresholdsOf(policy);
    auto* grid = new QWidget;
    auto* gridLayout = new QGridLayout(grid);
    gridLayout->setContentsMargins(0, 0, 0, 0);
    gridLayout->setSpacing(space::medium);
    gridLayout->addWidget(card(tr("Error ‖ŷ − y‖₂"), tr("Per token, surrogate against recorded output"),
                               errorFacts(objectOf(metrics, "l2"), widgets::exactNumber(thresholds.tauAct))),
                          0, 0);
    gridLayout->addWidget(card(tr("Relative error ‖ŷ − y‖ / ‖y‖"),
                               tr("The same, divided by the recorded output's norm"),
                               errorFacts(objectOf(metrics, "relative_l2"), widgets::exactNumber(thresholds.tauRel))),
                          0, 1);
    std::vector<Fact> coverage{fraction(tr("Path coverage"), objectOf(metrics, "path")),
                               coverageFact(tr("Loss coverage"), numberOf(loss, "coverage")),
                               fraction(tr("Predicted tokens within τ_loss"), objectOf(loss, "tokens")),
                               number(tr("Largest loss difference"), loss, "max_difference")};
    if (const QString why = textOf(loss, "why"); !why.isEmpty())
        coverage.push_back(fact(tr("Why there is no loss coverage"), why));
    gridLayout->addWidget(card(tr("Paths and losses"),
                               tr("Masks and positions agree; losses of the model with this block "
                                  "replaced"),
                               std::move(coverage), lossesRow()),
                          1, 0);
    gridLayout->addWidget(
        card(tr("Policy"), tr("What had to hold for this block to be certified"),
             {number(u"τ_act"_s, policy, "tau_act"), number(u"τ_rel"_s, policy, "tau_rel"),
              number(u"τ_loss"_s, policy, "tau_loss"), number(u"α_act"_s, policy, "alpha_act"),
              number(u"α_loss"_s, policy, "alpha_loss"),
              fact(tr("Decides"), thresholds.relativeDecides ? tr("relative error") : tr("error ‖ŷ − y‖₂"))}),
        1, 1);
    m_contentLayout->addWidget(grid);

    m_contentLayout->addWidget(heading(tr("Prompts")));
    m_contentLayout->addWidget(promptTable(arrayOf(metrics, "prompts")));
    m_contentLayout->addStretch(1);
    refreshBadge();
}

void CertificatePage::setVerdict(const std::optional<widgets::RunVerdict>& verdict)
{
    m_verdict = verdict;
    refreshBadge();
}

// Losses without a word of their own were not measured, and nothing rests on them.
bool CertificatePage::hasLosses() const
{
    return !widgets::isMissing(numberOf(objectOf(objectOf(*m_certificate, "metrics"), "loss"), "coverage"));
}

widgets::Mark CertificatePage::found() const
{
    return m_verdict ? m_verdict->markOf(m_block, hasLosses()) : widgets::Mark::NotChecked;
}

// Says of the losses alone whether they were recomputed: what the block's own badge cannot say.
QWidget* CertificatePage::lossesRow()
{
    auto* line = new QWidget;
    auto* layout = row();
    line->setLayout(layout);
    m_lossMark = new widgets::StateBadge;
    m_lossMark->setForm(widgets::StateBadge::Form::Glyph);
    m_losses = wrapped({}, TextTone::Secondary, TextSize::Secondary);
    layout->addWidget(m_lossMark, 0, Qt::AlignTop);
    layout->addWidget(m_losses, 1);
    m_lossLine = line;
    return line;
}

void CertificatePage::refreshBadge()
{
    using widgets::Mark;
    if (!m_certificate)
        return;
    const Mark mark = found();
    if (mark == Mark::Failed) {
        m_badge->setMark(Mark::Failed);
        m_badge->setWord(tr("Refuted at level %1").arg(m_verdict->level));
    } else if (!m_certified) {
        m_badge->setMark(Mark::WeakerThanPolicy);
        m_badge->setWord(tr("Issuer says: not certified"));
    } else {
        m_badge->setMark(mark);
        m_badge->setWord(mark == Mark::Verified ? tr("Certified, verified at level %1").arg(m_verdict->levelOf(m_block))
                         : mark == Mark::ButLosses
                             ? tr("Certified, verified at level %1 but for losses").arg(m_verdict->levelOf(m_block))
                             : tr("Issuer says: certified"));
    }
    m_badge->setToolTip(
        mark == Mark::ButLosses ? widgets::plainToolTip(widgets::lossesText(m_verdict->levelOf(m_block))) : QString());
    const int level = m_verdict ? m_verdict->levelOf(m_block) : -1;
    const bool areRecomputed = mark == Mark::Verified;
    m_lossLine->setVisible(hasLosses());
    m_lossMark->setMark(areRecomputed ? Mark::Verified : mark == Mark::ButLosses ? Mark::ButLosses : Mark::NotChecked);
    m_losses->setText(areRecomputed ? tr("The losses behind these were recomputed here, from the model.")
                      : level >= 4  ? tr("The losses behind these are the issuer's word: at level 4 they could not be "
                                          "told from rounding.")
                      : level >= 3  ? tr("Counted again here from losses that are the issuer's word; level 4 "
                                          "recomputes them.")
                                    : tr("The losses behind these are the issuer's word; level 4 recomputes them."));
}

void CertificatePage::rebuildSide()
{
    QVBoxLayout* side = m_side->content();
    while (QLayoutItem* item = side->takeAt(0)) {
        if (item->widget())
            item->widget()->deleteLater();
        delete item;
    }
    const Json& certificate = *m_certificate;
    const Json& subject = objectOf(certificate, "subject");
    const Json& baseline = objectOf(certificate, "baseline");
    const Json& surrogate = objectOf(certificate, "surrogate");
    const Json& replay = objectOf(certificate, "replay");
    const Json& tool = objectOf(certificate, "tool");
    const auto section = [side](const QString& title, const QString& note, std::vector<Fact> facts) {
        side->addWidget(heading(title));
        if (!note.isEmpty())
            side->addWidget(wrapped(note, TextTone::Secondary, TextSize::Secondary));
        auto* list = new widgets::FactList;
        list->setFacts(std::move(facts));
        side->addWidget(list);
        side->addSpacing(space::medium);
    };
    QPushButton* verify = button(tr("Verify this certificate"), widgets::ButtonRole::Primary);
    connect(verify, &QPushButton::clicked, this, [this] {
        emit verifyWanted(u"%1/block_%2/certificate.json"_s.arg(m_runPath).arg(m_block, 2, 10, QLatin1Char('0')));
    });
    QPushButton* copy = button(tr("Copy as JSON"));
    connect(copy, &QPushButton::clicked, this,
            [this] { QGuiApplication::clipboard()->setText(QString::fromStdString(m_certificate->dump(2))); });
    auto* buttons = new QWidget;
    auto* buttonRow = row();
    buttons->setLayout(buttonRow);
    buttonRow->addWidget(copy, 1);
    buttonRow->addWidget(verify, 1);
    side->addWidget(buttons);
    side->addSpacing(space::medium);
    std::vector<Fact> about{fact(tr("Model"), textOf(subject, "model")),
                            fact(tr("Architecture"), textOf(subject, "architecture")),
                            fact(tr("Block"), tr("%1 (of 0 to %2)").arg(m_block).arg(wholeOf(subject, "layers") - 1)),
                            digest(tr("Configuration"), textOf(subject, "config_sha256"))};
    for (const Json& file : arrayOf(subject, "files"))
        about.push_back(digest(textOf(file, "name"), textOf(file, "sha256")));
    section(tr("Subject"), {}, std::move(about));
    section(tr("How"), {},
            {fact(tr("Baseline"), textOf(baseline, "dtype")), fact(tr("Surrogate"), textOf(surrogate, "family")),
             fact(tr("Weights"), flagOf(surrogate, "embedded") ? tr("embedded") : tr("by reference")),
             fact(tr("Replay"), textOf(replay, "dtype")), number(tr("Comparison ρ"), replay, "comparison_tolerance")});
    std::vector<Fact> artifacts;
    for (const Json& artifact : arrayOf(certificate, "artifacts"))
        artifacts.push_back(digest(
            tr("%1 (%2)").arg(textOf(artifact, "path").section(u'/', -1), widgets::bytesText(sizeOf(artifact, "size"))),
            textOf(artifact, "sha256")));
    section(tr("Artifacts"), tr("SHA-256 of what the numbers can be recomputed from"), std::move(artifacts));
    std::vector<Fact> environment{fact(tr("Created"), textOf(certificate, "created")),
                                  fact(tr("Tool"), u"%1 %2"_s.arg(textOf(tool, "name"), textOf(tool, "version")))};
    const Json& machine = objectOf(certificate, "environment");
    for (const auto& [label, key] : {std::pair{tr("Device"), "device"},
                                     {tr("Processor"), "processor"},
                                     {tr("Instructions"), "isa"},
                                     {u"LibTorch"_s, "libtorch"},
                                     {u"BLAS"_s, "blas"},
                                     {tr("Tiling"), "tiling"},
                                     {tr("System"), "operating_system"}})
        environment.push_back(fact(label, textOf(machine, key)));
    section(tr("Issuer says"), tr("Nobody can recompute these; believe them as far as you believe who issued this."),
            std::move(environment));

    side->addStretch(1);
}

}
