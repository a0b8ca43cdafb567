// blockcert-workbench: the window. Everything heavy happens in child processes.
#include "app/workbench/shell/main_window.h"
#include "app/workbench/shell/watched_application.h"
#include "widgets/theme.h"

#include <QApplication>
#include <QCommandLineParser>
#include <QDir>
#include <QFileInfo>
#include <QTimer>

#include <algorithm>
#include <cstdio>
#include <initializer_list>
#include <string_view>

namespace {

using namespace Qt::StringLiterals;

bool isGiven(int argc, char** argv, std::initializer_list<std::string_view> words)
{
    return std::any_of(argv + 1, argv + argc, [&](std::string_view argument) {
        return std::find(words.begin(), words.end(), argument) != words.end();
    });
}

// Qt ends the program where it finds none.
bool hasDisplay(int argc, char** argv)
{
    return qEnvironmentVariableIsSet("DISPLAY") || qEnvironmentVariableIsSet("WAYLAND_DISPLAY") ||
           qEnvironmentVariableIsSet("QT_QPA_PLATFORM") || isGiven(argc, argv, {"-platform", "--platform"});
}

void readCommandLine(QCommandLineParser& parser, const QCoreApplication& application)
{
    QCoreApplication::setApplicationName(u"blockcert-workbench"_s);
    QCoreApplication::setApplicationVersion(QString::fromLatin1(BLOCKCERT_VERSION));
    parser.setApplicationDescription(QCoreApplication::translate(
        "main", "Measures, explores and verifies surrogates of transformer blocks. See also: blockcert --help"));
    parser.addHelpOption();
    parser.addVersionOption();
    parser.addPositionalArgument(
        u"what"_s, QCoreApplication::translate("main", "a model, a run folder, a certificate.json or a prompt file"),
        u"[MODEL|RUN]"_s);
    parser.addOption({u"watchdog"_s,
                      QCoreApplication::translate("main", "Say on standard error what held the window for longer than "
                                                          "a frame (16 ms); debug builds always do.")});
    parser.process(application);
}

#ifdef QT_NO_DEBUG
constexpr bool isDebugBuild = false;
#else
constexpr bool isDebugBuild = true;
#endif

}

int main(int argc, char** argv)
{
    using namespace blockcert::workbench;

    QCommandLineParser parser;
    if (isGiven(argc, argv, {"-h", "--help", "--help-all", "-v", "--version"})) { // which needs no display
        const QCoreApplication application(argc, argv);
        readCommandLine(parser, application);
        return 0;
    }
    if (!hasDisplay(argc, argv)) {
        std::fputs("blockcert-workbench: there is no display for a window (DISPLAY and WAYLAND_DISPLAY are not set); "
                   "blockcert does the same in a terminal, see blockcert --help.\n",
                   stderr);
        return 2;
    }
    WatchedApplication application(argc, argv);
    readCommandLine(parser, application);
    if (isDebugBuild || parser.isSet(u"watchdog"_s))
        application.watch([](const GuiWork& work) {
            std::fprintf(stderr, "blockcert-workbench: %s\n", qUtf8Printable(sentenceOf(work)));
        });
    QGuiApplication::setApplicationDisplayName(QCoreApplication::translate("main", "BlockCert Workbench"));
    QGuiApplication::setDesktopFileName(u"io.github.blockcert.Workbench"_s);

    Session session;
    blockcert::widgets::applyAppearance(application, session.preferences.appearance());
    MainWindow window(session);
    window.show();
    const QStringList given = parser.positionalArguments();
    QTimer::singleShot(0, &window, [&] {
        session.engine.start();
        for (const QString& path : given)
            window.openPath(QFileInfo::exists(path) ? QFileInfo(path).absoluteFilePath() : path);
        if (given.isEmpty() && session.preferences.restoresPlace())
            window.restorePlace();
    });
    return QApplication::exec();
}
