// Shows every view with sample values, or writes them as PNG files: widgets_gallery --dark --output DIR. With --figures
// it writes what the exporter makes of a map and of every chart.
#include "widgets/chart_figures.h"
#include "widgets/coverage_export.h"
#include "widgets/figure_view.h"
#include "widgets/gallery/pages.h"
#include "widgets/gallery/samples.h"
#include "widgets/heatmap_export.h"
#include "widgets/theme.h"
#include "widgets/token_heatmap.h"
#include "widgets/view_export.h"

#include <QApplication>
#include <QCommandLineParser>
#include <QDir>
#include <QTabWidget>
#include <QTextStream>

#include <memory>
#include <utility>
#include <vector>

using namespace blockcert::widgets;

namespace {

int writePages(const QString& folder, const QString& suffix, const QString& only)
{
    if (!QDir().mkpath(folder)) {
        QTextStream(stderr) << "Cannot make the folder " << folder << ".\n";
        return 1;
    }
    for (const gallery::Page& page : gallery::pages()) {
        if (!only.isEmpty() && page.name != only)
            continue;
        const std::unique_ptr<QWidget> widget(page.make());
        widget->setAttribute(Qt::WA_DontShowOnScreen);
        widget->show();
        QApplication::processEvents();
        const QString path = QStringLiteral("%1/%2-%3.png").arg(folder, page.name, suffix);
        if (!widget->grab().save(path)) {
            QTextStream(stderr) << "Cannot write " << path << ".\n";
            return 1;
        }
        QTextStream(stdout) << path << "\n";
    }
    return 0;
}

int writeFigures(const QString& folder)
{
    if (!QDir().mkpath(folder)) {
        QTextStream(stderr) << "Cannot make the folder " << folder << ".\n";
        return 1;
    }
    TokenHeatmap heatmap;
    heatmap.setMap(samples::tokenMap());
    heatmap.setPrompt(4);
    std::vector<ViewExport> views{heatmapExport(heatmap)};
    heatmap.setMap(samples::largeMap(2048, 32));
    heatmap.setPrompt(0);
    views.push_back(heatmapExport(heatmap));
    views.back().name += QStringLiteral("-large");
    views.push_back(
        coverageExport(samples::tokenMap(), std::make_shared<const CoverageRows>(coverageRows(*samples::tokenMap()))));
    for (const Chart chart : allCharts)
        views.push_back(figureExport(chartFigure(*samples::tokenMap(), chart, 11)));
    for (const ViewExport& view : views)
        for (const auto& [suffix, format] :
             {std::pair("svg", ExportFormat::Svg), std::pair("pdf", ExportFormat::Pdf),
              std::pair("png", ExportFormat::Png), std::pair("csv", ExportFormat::Csv)}) {
            const QString path = QStringLiteral("%1/%2.%3").arg(folder, view.name, QString::fromLatin1(suffix));
            if (const QString problem = writeExport(view, path, format); !problem.isEmpty()) {
                QTextStream(stderr) << problem << "\n";
                return 1;
            }
            QTextStream(stdout) << path << "\n";
        }
    return 0;
}

}

int main(int argc, char** argv)
{
    QApplication application(argc, argv);
    QCommandLineParser parser;
    parser.addHelpOption();
    const QCommandLineOption dark(QStringLiteral("dark"), QStringLiteral("Use the dark appearance."));
    const QCommandLineOption light(QStringLiteral("light"), QStringLiteral("Use the light appearance."));
    const QCommandLineOption output(QStringLiteral("output"),
                                    QStringLiteral("Write PNG files instead of showing a window."),
                                    QStringLiteral("folder"));
    const QCommandLineOption only(QStringLiteral("page"), QStringLiteral("Only this page."), QStringLiteral("name"));
    const QCommandLineOption figures(QStringLiteral("figures"), QStringLiteral("Write exported figures to --output."));
    parser.addOptions({dark, light, output, only, figures});
    parser.process(application);
    const Appearance appearance = parser.isSet(dark)    ? Appearance::Dark
                                  : parser.isSet(light) ? Appearance::Light
                                                        : Appearance::Desktop;
    applyAppearance(application, appearance);
    const bool isDark = &tokensOf(QApplication::palette()) == &darkTokens();
    if (parser.isSet(output) && parser.isSet(figures))
        return writeFigures(parser.value(output));
    if (parser.isSet(output))
        return writePages(parser.value(output), isDark ? QStringLiteral("dark") : QStringLiteral("light"),
                          parser.value(only));
    QTabWidget tabs;
    for (const gallery::Page& page : gallery::pages())
        tabs.addTab(page.make(), page.name);
    tabs.resize(1480, 960);
    tabs.show();
    return QApplication::exec();
}
