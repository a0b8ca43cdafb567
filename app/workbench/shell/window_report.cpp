// MainWindow: sending what is shown to the report, and writing the report.
#include "app/workbench/pages/certificate_page.h"
#include "app/workbench/pages/compare_view.h"
#include "app/workbench/pages/edit_board.h"
#include "app/workbench/pages/edit_page.h"
#include "app/workbench/pages/experiments_page.h"
#include "app/workbench/pages/explore_page.h"
#include "app/workbench/pages/failure_view.h"
#include "app/workbench/pages/report_page.h"
#include "app/workbench/pages/stitch_page.h"
#include "app/workbench/pages/sweep_view.h"
#include "app/workbench/pages/verify_page.h"
#include "app/workbench/process/background.h"
#include "app/workbench/session/report_parts.h"
#include "app/workbench/session/report_text.h"
#include "app/workbench/shell/main_window.h"
#include "engine/report/html.h"
#include "widgets/block_table.h"
#include "widgets/failure_table.h"
#include "widgets/figure_view.h"
#include "widgets/heatmap_export.h"
#include "widgets/status_line.h"
#include "widgets/token_heatmap.h"
#include "widgets/value_table.h"

#include <QDateTime>
#include <QFileDialog>
#include <QFileInfo>
#include <QMessageBox>
#include <QSaveFile>

#include <algorithm>
#include <utility>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

namespace {

constexpr int mostBlockRows = 40;
constexpr int mostFailureRows = 40;

QString now()
{
    return QDateTime::currentDateTimeUtc().toString(u"yyyy-MM-dd'T'HH:mm:ss'Z'"_s);
}

// Any thread.
ReportItem withPicture(const FrozenView& frozen)
{
    ReportItem item = frozen.item;
    // Behind what is said of the truth of it: one statement a run, or the first part.
    auto behind = std::find_if(item.parts.begin(), item.parts.end(), [](const report::Part& part) {
        return !std::holds_alternative<report::Statement>(part);
    });
    if (behind == item.parts.begin() && behind != item.parts.end())
        ++behind;
    if (!frozen.pages.empty()) {
        for (const widgets::ViewExport& page : frozen.pages)
            behind = item.parts.insert(behind, pictureOf(page)) + 1;
        return item;
    }
    const widgets::ViewExport view = frozen.view();
    auto at = item.parts.insert(behind, pictureOf(view));
    if (frozen.hasNumbers && view.table)
        item.parts.insert(at + 1, tableOf(view.table(), MainWindow::tr("The numbers"), mostBlockRows));
    return item;
}

// Blocks and failures as the window's tables show them, in their order.
template <class View>
void addTable(const QWidget& page, const QString& caption, int most, std::vector<report::Part>& parts)
{
    if (const auto* view = page.findChild<View*>(); view && view->model() && view->model()->rowCount() > 0)
        parts.emplace_back(tableOf(*view->model(), caption, most));
}

// What "losses claimed" in the table of blocks means, where it stands there.
void addLosses(const widgets::BlockTable& table, std::vector<report::Part>& parts)
{
    const QAbstractItemModel& model = *table.model();
    for (int row = 0; row < model.rowCount(); ++row) {
        const QModelIndex certified = model.index(row, widgets::BlockTableModel::Certified);
        if (certified.data(widgets::BlockTableModel::StateRole) == static_cast<int>(widgets::Mark::ButLosses)) {
            parts.emplace_back(report::Paragraph{
                MainWindow::tr("losses claimed: certified, and its errors were recomputed here; the losses that this "
                               "rests on as well are the issuer's word.")
                    .toStdString(),
                report::Tone::Quiet});
            return;
        }
    }
}

}

void MainWindow::addReportCommands()
{
    addCommand(tr("Send this view to the report"), u"Ctrl+Shift+R"_s, [this] { sendToReport(); });
    addExportCommands();
}

void MainWindow::connectReport()
{
    m_reportPage->setStaleness([this](const ReportSource& run) {
        const RunFacts* facts = run.path.isEmpty() ? nullptr : m_session.catalogue.of(run.path);
        return facts && !facts->digest.isEmpty() && facts->digest != run.digest;
    });
    connect(&m_session.catalogue, &RunCatalogue::changed, m_reportPage, &ReportPage::refresh);
    connect(m_reportPage, &ReportPage::exportWanted, this, &MainWindow::exportReport);
    connect(m_reportPage, &ReportPage::sourceWanted, this, &MainWindow::openRun);
    connect(&m_session.report, &ReportBook::changed, this, &MainWindow::refreshRail);
    connect(&m_explorePage->failureView(), &FailureView::contentChanged, this, &MainWindow::sendAwaited);
    connect(&m_session.diff, &Asking::changed, this, &MainWindow::sendAwaited);
}

// Freezes what is on the page: tables at once, pictures in the background.
void MainWindow::sendToReport()
{
    if (m_page == Explore && m_explorePage->shownRun() && !m_explorePage->isLive()) {
        const AskedView asked = askedView();
        if (isComing(asked)) {
            m_awaitedView = std::make_shared<FrozenView>(*frozenHead());
            m_awaited = asked;
            m_status->say(tr("What is shown here is still being made; it is sent to the report once it is there."));
            return;
        }
        if (asked.view == ExplorePage::Failures &&
            m_explorePage->failureView().content() == FailureView::Content::None) {
            m_status->say(tr("There is nothing to send yet: the blocks were not looked into."));
            return;
        }
    }
    std::optional<FrozenView> frozen = frozenPage();
    if (!frozen) {
        QMessageBox::information(this, tr("Send to the report"),
                                 tr("There is nothing on this page to send yet. Open a finished run in Explore, a "
                                    "certificate or a verdict, measure on Stitch or Edit, or choose a finished "
                                    "experiment."));
        return;
    }
    send(*std::move(frozen));
}

void MainWindow::send(FrozenView frozen)
{
    m_awaitedView.reset(); // what was sent later is what was meant
    frozen.item.when = now();
    const auto add = [this](const ReportItem& item) {
        m_session.report.add(item);
        m_status->say(tr("Sent to the report: %1").arg(item.title));
    };
    if (!frozen.view && frozen.pages.empty()) {
        add(frozen.item);
        return;
    }
    runInBackground<ReportItem>(
        this, [frozen = std::move(frozen)] { return withPicture(frozen); }, add,
        [this](const QString& sentence) { m_session.board.addProblem(sentence); });
}

MainWindow::AskedView MainWindow::askedView() const
{
    return {m_explorePage->view(), m_explorePage->failureView().part(), m_session.run.path()};
}

bool MainWindow::isComing(const AskedView& asked) const
{
    switch (asked.view) {
    case ExplorePage::Failures: return m_explorePage->failureView().content() == FailureView::Content::Coming;
    case ExplorePage::Compare: return m_session.diff.get().isLoading();
    default: return false;
    }
}

void MainWindow::sendAwaited()
{
    const AskedView now = askedView();
    const bool isOther = now.run != m_awaited.run ||
                         (m_awaited.view == ExplorePage::Failures && now.failurePart != m_awaited.failurePart);
    if (!m_awaitedView || (!isOther && isComing(m_awaited)))
        return;
    FrozenView frozen = *std::exchange(m_awaitedView, nullptr);
    const bool isThere = m_awaited.view != ExplorePage::Failures ||
                         m_explorePage->failureView().content() == FailureView::Content::There;
    if (isOther || !isThere) {
        m_status->say(isOther
                          ? tr("Nothing was sent to the report: something else was shown before the list was there.")
                          : tr("Nothing was sent to the report: the list was not made."));
        return;
    }
    freezeExplore(frozen, m_awaited);
    send(std::move(frozen));
}

std::optional<FrozenView> MainWindow::frozenPage() const
{
    switch (m_page) {
    case Explore:
    case Certificate: return frozenRun();
    case Verify: return frozenVerdict();
    case Stitch: return m_stitchPage->frozen();
    case Experiments: return m_experimentsPage->frozen();
    case Edit: return frozenEdit();
    default: return std::nullopt;
    }
}

// What Explore shows of one run or of two, or the certificate of one of its blocks.
std::optional<FrozenView> MainWindow::frozenRun() const
{
    std::optional<FrozenView> frozen = frozenHead();
    if (frozen && m_page == Explore)
        freezeExplore(*frozen, askedView());
    else if (frozen)
        freezeCertificate(frozen->item);
    return frozen;
}

std::optional<FrozenView> MainWindow::frozenHead() const
{
    const std::shared_ptr<const RunView> run = m_explorePage->shownRun();
    if (!run || m_explorePage->isLive())
        return std::nullopt;
    FrozenView frozen;
    ReportItem& item = frozen.item;
    const auto scopeOf = [](const RunView& of) {
        return tr("%1 · %2, %3 baseline, %4 surrogates").arg(of.model, of.prompts, of.baselineDtype, of.surrogate);
    };
    const Loadable<RunView>& other = m_session.other.run();
    if (m_page == Explore && other.isReady() && m_explorePage->showsBoth()) {
        item.scope = tr("A: %1. B: %2").arg(scopeOf(*run), scopeOf(*other.value));
        const auto stand = [&](const QString& side, const RunView& of) {
            item.runs.push_back({of.path, of.name, of.digest});
            report::Statement statement = standingOf(m_session.verdicts.of(of.path, of.digest));
            statement.sentence = tr("%1, %2: ").arg(side, of.name).toStdString() + statement.sentence;
            item.parts.emplace_back(std::move(statement));
        };
        stand(u"A"_s, *run);
        stand(u"B"_s, *other.value);
    } else {
        item.runs = {{run->path, run->name, run->digest}};
        item.scope = scopeOf(*run);
        item.parts.emplace_back(standingOf(m_session.verdicts.of(run->path, run->digest)));
    }
    return frozen;
}

std::optional<FrozenView> MainWindow::frozenVerdict() const
{
    if (m_verifyPage->showsTable() || !m_session.verdict.verdict().isReady())
        return std::nullopt;
    const widgets::VerdictView& verdict = *m_session.verdict.verdict().value;
    FrozenView frozen;
    ReportItem& item = frozen.item;
    item.title = tr("Verification at level %1").arg(verdict.level);
    const QString run = runOf(m_session.verdict.request().path);
    item.runs = {{run, QFileInfo(run).completeBaseName(), verdict.digest}};
    item.scope = verdict.scope;
    item.parts = partsOf(verdict);
    return frozen;
}

// What Export… writes of the lab or the sweep: its picture and its numbers.
std::optional<FrozenView> MainWindow::frozenEdit() const
{
    const bool isSweep = m_editPage->view() == EditPage::Sweep;
    if (m_editPage->view() == EditPage::Labels || m_editPage->view() == EditPage::Receipt)
        return std::nullopt;
    const widgets::ViewExport view = isSweep ? m_editPage->sweepView().exported() : m_editPage->board().exported();
    if (!view.paint)
        return std::nullopt;
    FrozenView frozen{{}, [view] { return view; }, {}, true};
    frozen.item.title = view.title;
    frozen.item.scope = view.scope.isEmpty() ? m_session.model.name() : view.scope;
    frozen.item.parts.emplace_back(report::Statement{
        report::Standing::Claimed,
        tr("Measured in the window; there is no certificate of these numbers, until the edit is issued.")
            .toStdString()});
    return frozen;
}

void MainWindow::freezeExplore(FrozenView& frozen, const AskedView& asked) const
{
    ReportItem& item = frozen.item;
    switch (static_cast<ExplorePage::View>(asked.view)) {
    case ExplorePage::Map:
        item.title = tr("Error by token and block");
        if (const auto* map = m_explorePage->findChild<widgets::TokenHeatmap*>(); map && map->isVisible()) {
            constexpr int rowsOnAPage = 62; // of A4
            constexpr int rowsBelowTheVerdict = 44;
            frozen.pages = widgets::heatmapPages(*map, rowsOnAPage, rowsBelowTheVerdict);
            item.title = frozen.pages.front().title;
        }
        if (const auto* chart = m_explorePage->findChild<widgets::FigureView*>();
            chart && chart->isVisible() && chart->figure())
            item.parts.emplace_back(*chart->figure());
        addTable<widgets::BlockTable>(*m_explorePage, item.runs.size() == 2 ? tr("Blocks, B − A") : tr("Blocks"),
                                      mostBlockRows, item.parts);
        if (const auto* blocks = m_explorePage->findChild<widgets::BlockTable*>())
            addLosses(*blocks, item.parts);
        break;
    case ExplorePage::Coverage: {
        item.title = tr("Coverage");
        frozen.view = m_explorePage->coverageExport();
        break;
    }
    case ExplorePage::Failures: {
        const FailureView& shown = m_explorePage->failureView();
        item.title = asked.failurePart == FailureView::NotCovered       ? tr("Failures, worst first")
                     : asked.failurePart == FailureView::LargestCovered ? tr("The largest covered errors, worst first")
                                                                        : tr("Blocks by their largest error");
        if (asked.failurePart == FailureView::ByBlock)
            addTable<widgets::ValueTable>(shown, {}, mostBlockRows, item.parts);
        else
            addTable<widgets::FailureTable>(shown, {}, mostFailureRows, item.parts);
        break;
    }
    case ExplorePage::Compare:
        item.title = tr("Beside %1").arg(QFileInfo(m_session.other.path()).completeBaseName());
        for (report::Part& part : m_explorePage->compareView().frozen(mostBlockRows))
            item.parts.push_back(std::move(part));
        break;
    case ExplorePage::Charts:
        item.title = tr("Charts");
        for (const auto* chart : m_explorePage->findChildren<widgets::FigureView*>())
            if (chart->isVisible() && chart->figure())
                item.parts.emplace_back(*chart->figure());
        break;
    }
}

void MainWindow::freezeCertificate(ReportItem& item) const
{
    const std::shared_ptr<const RunView> run = m_explorePage->shownRun();
    const auto& certificates = run->certificates;
    const auto found = certificates.find(m_certificatePage->block());
    item.title = tr("Certificate of block %1").arg(m_certificatePage->block());
    if (found == certificates.end())
        return;
    for (report::Part& part : partsOfCertificate(*found->second))
        item.parts.push_back(std::move(part));
}

void MainWindow::exportReport(bool pdf)
{
    const QString start = m_session.preferences.lastFolder(u"report"_s) + (pdf ? u"/report.pdf"_s : u"/report.html"_s);
    const QString path = QFileDialog::getSaveFileName(this, tr("Export the report"), start,
                                                      pdf ? tr("PDF (*.pdf)") : tr("HTML (*.html)"));
    if (path.isEmpty())
        return;
    m_session.preferences.setLastFolder(u"report"_s, QFileInfo(path).absolutePath());
    writeReport(path, pdf);
}

void MainWindow::writeReport(const QString& path, bool pdf)
{
    const report::Document document = m_reportPage->document();
    runInBackground<bool>(
        this,
        [document, path, pdf] {
            const QByteArray bytes = pdf ? pdfOf(document) : QByteArray::fromStdString(report::writeHtml(document));
            QSaveFile file(path);
            if (!file.open(QIODevice::WriteOnly) || file.write(bytes) != bytes.size() || !file.commit())
                throw FileError(
                    tr("The report could not be saved as %1 (%2).").arg(path, file.errorString()).toStdString());
            return true;
        },
        [this, path](bool) {
            m_session.report.setExported();
            m_status->say(tr("Saved %1").arg(shortPath(path)));
        },
        [this](const QString& sentence) {
            m_session.board.addProblem(sentence);
            warn(this, tr("Export the report"), sentence);
        });
}

}
