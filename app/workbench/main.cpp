// blockcert-workbench: the window. Everything heavy happens in child processes.
#include "app/workbench/shell/main_window.h"
#include "widgets/theme.h"

#include <QApplication>
#include <QCommandLineParser>
#include <QDir>
#include <QFileInfo>
#include <QTimer>

int main(int argc, char** argv)
{
    using namespace Qt::StringLiterals;
    using namespace blockcert::workbench;

    QApplication application(argc, argv);
    QCoreApplication::setApplicationName(u"blockcert-workbench"_s);
    QCoreApplication::setApplicationVersion(QString::fromLatin1(BLOCKCERT_VERSION));
    QGuiApplication::setApplicationDisplayName(QCoreApplication::translate("main", "BlockCert Workbench"));
    QGuiApplication::setDesktopFileName(u"io.github.blockcert.Workbench"_s);

    QCommandLineParser parser;
    parser.setApplicationDescription(QCoreApplication::translate(
        "main", "Measures, explores and verifies surrogates of transformer blocks. See also: blockcert --help"));
    parser.addHelpOption();
    parser.addVersionOption();
    parser.addPositionalArgument(
        u"what"_s, QCoreApplication::translate("main", "a model, a run folder, a certificate.json or a prompt file"),
        u"[MODEL|RUN]"_s);
    parser.process(application);

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
