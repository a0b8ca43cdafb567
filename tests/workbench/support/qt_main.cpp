#include <QApplication>
#include <QTemporaryDir>

#include <gtest/gtest.h>

namespace blockcert::testing {
void handleMessage(QtMsgType type, const QMessageLogContext& context, const QString& text);
}

int main(int argc, char** argv)
{
    // Settings, data and run-time files of the tests live in a folder of their own.
    const QTemporaryDir home;
    for (const char* variable : {"HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"})
        qputenv(variable, home.path().toUtf8());
    ::testing::InitGoogleTest(&argc, argv);
    qInstallMessageHandler(blockcert::testing::handleMessage);
    QApplication application(argc, argv);
    return RUN_ALL_TESTS();
}
