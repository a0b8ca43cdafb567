#include "app/workbench/session/report_parts.h"

#include "app/workbench/process/json_reading.h"
#include "widgets/number_text.h"

#include <QAbstractItemModel>
#include <QCoreApplication>
#include <QImage>

#include <algorithm>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

namespace {

struct Text {
    Q_DECLARE_TR_FUNCTIONS(ReportParts)
};

// Where only digests were compared, the numbers are as much a claim as before.
report::Standing standingOf(CheckState state, int level)
{
    switch (state) {
    case CheckState::Verified:
        return widgets::markOf(state, level) == widgets::Mark::Unchanged ? report::Standing::Claimed
                                                                         : report::Standing::Verified;
    case CheckState::Failed: return report::Standing::Failed;
    case CheckState::WeakerThanPolicy: return report::Standing::WeakerThanPolicy;
    case CheckState::NotChecked: break;
    }
    return report::Standing::NotChecked;
}

std::string utf8(const QString& text)
{
    return text.toStdString();
}

}

report::Table tableOf(const QAbstractItemModel& model, const QString& caption, int most)
{
    report::Table table;
    table.caption = utf8(caption);
    const int rows = model.rowCount();
    const int columns = model.columnCount();
    for (int column = 0; column < columns; ++column) {
        const QVariant alignment = rows > 0 ? model.index(0, column).data(Qt::TextAlignmentRole)
                                            : model.headerData(column, Qt::Horizontal, Qt::TextAlignmentRole);
        const bool isNumber = (alignment.toInt() & Qt::AlignRight) != 0;
        table.columns.push_back({utf8(model.headerData(column, Qt::Horizontal).toString()),
                                 isNumber ? report::ColumnKind::Number : report::ColumnKind::Text});
    }
    for (int row = 0; row < std::min(rows, most); ++row) {
        std::vector<report::Cell> cells;
        for (int column = 0; column < columns; ++column)
            cells.push_back({utf8(model.index(row, column).data().toString())});
        table.rows.push_back(std::move(cells));
    }
    if (rows > most)
        table.leftOut = utf8(Text::tr("Shown are the first %1 rows in the order of the window; %2 more are left out.")
                                 .arg(most)
                                 .arg(rows - most));
    return table;
}

report::Table tableOf(const widgets::ExportTable& numbers, const QString& caption, int most)
{
    report::Table table;
    table.caption = utf8(caption);
    const auto isNumber = [&numbers](qsizetype column) {
        return std::all_of(numbers.rows.begin(), numbers.rows.end(), [column](const QStringList& row) {
            bool parses = column < row.size() && row[column].isEmpty();
            if (!parses && column < row.size())
                (void)row[column].toDouble(&parses);
            return parses;
        });
    };
    for (qsizetype column = 0; column < numbers.columns.size(); ++column)
        table.columns.push_back(
            {utf8(numbers.columns[column]), isNumber(column) ? report::ColumnKind::Number : report::ColumnKind::Text});
    for (const QStringList& row : numbers.rows) {
        if (table.rows.size() == static_cast<std::size_t>(most))
            break;
        std::vector<report::Cell> cells;
        for (const QString& text : row)
            cells.push_back({utf8(text)});
        table.rows.push_back(std::move(cells));
    }
    if (numbers.rows.size() > table.rows.size())
        table.leftOut = utf8(Text::tr("Shown are the first %1 rows; %2 more are left out. Export… in the window writes "
                                      "them all as CSV.")
                                 .arg(most)
                                 .arg(numbers.rows.size() - table.rows.size()));
    return table;
}

report::Picture pictureOf(const widgets::ViewExport& view)
{
    const QByteArray png = widgets::exportBytes(view, widgets::ExportFormat::Png);
    const QImage image = QImage::fromData(png, "PNG");
    constexpr double ratio = 2; // as the exporter draws
    return {"image/png", png.toBase64().toStdString(), image.width() / ratio, image.height() / ratio,
            utf8(view.title + u". "_s + view.caption)};
}

report::Statement standingOf(const std::optional<widgets::RunVerdict>& verdict)
{
    if (!verdict)
        return {report::Standing::Claimed,
                utf8(Text::tr("These are the numbers that the run states of itself; nothing was recomputed here when "
                              "they were frozen."))};
    return {standingOf(verdict->state, verdict->level), utf8(verdict->sentence)};
}

std::vector<report::Part> partsOf(const widgets::VerdictView& verdict)
{
    std::vector<report::Part> parts;
    parts.emplace_back(report::Statement{standingOf(verdict.state, verdict.level), utf8(verdict.sentence)});
    report::Table failed{utf8(Text::tr("What did not hold")),
                         {{utf8(Text::tr("where"))},
                          {utf8(Text::tr("check"))},
                          {utf8(Text::tr("issuer says")), report::ColumnKind::Fixed},
                          {utf8(Text::tr("recomputed here")), report::ColumnKind::Fixed}},
                         {}};
    int held = 0;
    for (const widgets::CheckRow& check : verdict.checks) {
        held += check.state == CheckState::Verified ? 1 : 0;
        if (check.state == CheckState::Failed || check.state == CheckState::WeakerThanPolicy)
            failed.rows.push_back(
                {{utf8(check.where)}, {utf8(check.title)}, {utf8(check.issuer)}, {utf8(check.recomputed)}});
    }
    constexpr std::size_t most = 40;
    if (failed.rows.size() > most) {
        failed.leftOut = utf8(Text::tr("%1 more are left out.").arg(failed.rows.size() - most));
        failed.rows.resize(most);
    }
    parts.emplace_back(report::Paragraph{
        utf8(Text::tr("%1 of %2 checks hold at level %3.").arg(held).arg(verdict.checks.size()).arg(verdict.level))});
    if (!failed.rows.empty())
        parts.emplace_back(std::move(failed));
    report::Bullets open;
    open.tone = report::Tone::Quiet;
    for (const QString& sentence : verdict.says)
        open.sentences.push_back(utf8(sentence));
    for (const QString& thing : verdict.notChecked)
        open.sentences.push_back(utf8(Text::tr("Not checked: %1.").arg(thing)));
    for (const QString& sentence : verdict.doesNotSay)
        open.sentences.push_back(utf8(sentence));
    parts.emplace_back(std::move(open));
    return parts;
}

std::vector<report::Part> partsOfCertificate(const Json& certificate)
{
    const Json& metrics = objectOf(certificate, "metrics");
    const Json& policy = objectOf(certificate, "policy");
    const Json& l2 = objectOf(metrics, "l2");
    const Json& relative = objectOf(metrics, "relative_l2");
    const Json& loss = objectOf(metrics, "loss");
    const auto share = [](const Json& coverage) {
        return utf8(widgets::coverageText(wholeOf(coverage, "covered"), wholeOf(coverage, "total")) +
                    Text::tr(" (%1 of %2)").arg(wholeOf(coverage, "covered")).arg(wholeOf(coverage, "total")));
    };
    const auto number = [](const Json& value) {
        const std::optional<double> plain = value.is_object() ? realOf(value, "value") : std::nullopt;
        return utf8(widgets::exactNumber(plain.value_or(widgets::missing)));
    };
    report::Facts facts;
    facts.rows = {
        {utf8(Text::tr("the issuer says")),
         utf8(flagOf(objectOf(certificate, "verdict"), "certified") ? Text::tr("certified")
                                                                    : Text::tr("not certified"))},
        {utf8(Text::tr("ε, largest error")), number(objectOf(l2, "epsilon"))},
        {utf8(Text::tr("mean error")), number(objectOf(l2, "mean"))},
        {utf8(Text::tr("activation coverage")), share(objectOf(l2, "coverage"))},
        {utf8(Text::tr("relative ε")), number(objectOf(relative, "epsilon"))},
        {utf8(Text::tr("relative coverage")), share(objectOf(relative, "coverage"))},
        {utf8(Text::tr("loss coverage")), number(objectOf(loss, "coverage"))},
        {"τ_act", number(objectOf(policy, "tau_act"))},
        {"α_act", number(objectOf(policy, "alpha_act"))},
        {"τ_loss", number(objectOf(policy, "tau_loss"))},
        {"α_loss", number(objectOf(policy, "alpha_loss"))},
    };
    report::Table digests{utf8(Text::tr("What it rests on")),
                          {{utf8(Text::tr("file")), report::ColumnKind::Fixed}, {"SHA-256", report::ColumnKind::Fixed}},
                          {}};
    for (const Json& file : arrayOf(objectOf(certificate, "subject"), "files"))
        digests.rows.push_back({{utf8(textOf(file, "name"))}, {utf8(textOf(file, "sha256"))}});
    for (const Json& file : arrayOf(certificate, "artifacts"))
        digests.rows.push_back({{utf8(textOf(file, "path"))}, {utf8(textOf(file, "sha256"))}});
    return {std::move(facts), std::move(digests)};
}

}
