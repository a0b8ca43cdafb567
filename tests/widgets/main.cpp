// Starts one offscreen application for all widget tests and turns every warning of Qt into a failure.
#include <QApplication>

#include <gtest/gtest.h>

namespace {

// Two remarks of the offscreen platform itself, which say nothing about our code.
bool isOfThePlatform(const QString& message)
{
    return message.startsWith(QStringLiteral("This plugin does not support")) ||
           message.startsWith(QStringLiteral("QStandardPaths: XDG_RUNTIME_DIR"));
}

void failOnWarning(QtMsgType type, const QMessageLogContext&, const QString& message)
{
    if (type == QtDebugMsg || type == QtInfoMsg || isOfThePlatform(message))
        return;
    ADD_FAILURE() << "Qt says: " << message.toStdString();
}

}

int main(int argc, char** argv)
{
    testing::InitGoogleTest(&argc, argv);
    qInstallMessageHandler(failOnWarning);
    QApplication application(argc, argv);
    return RUN_ALL_TESTS();
}
