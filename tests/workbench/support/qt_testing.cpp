#include "tests/workbench/support/qt_testing.h"

#include <QCoreApplication>
#include <QElapsedTimer>
#include <QFile>
#include <QTimer>

#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>
#include <vector>

namespace blockcert::testing {
namespace {

std::mutex lock;
std::vector<QString> expected;

}

void handleMessage(QtMsgType type, const QMessageLogContext&, const QString& text)
{
    if (type == QtDebugMsg || type == QtInfoMsg)
        return;
    if (text == QLatin1StringView("This plugin does not support propagateSizeHints()"))
        return; // the offscreen platform says so for every window
    const std::lock_guard guard(lock);
    const bool isExpected =
        std::any_of(expected.begin(), expected.end(), [&text](const QString& part) { return text.contains(part); });
    if (!isExpected)
        ADD_FAILURE() << "Qt warned: " << text.toStdString();
}

bool waitUntil(const std::function<bool()>& condition, int milliseconds)
{
    QElapsedTimer clock;
    clock.start();
    QTimer wake;
    wake.start(5);
    while (!condition()) {
        if (clock.elapsed() > milliseconds)
            return false;
        QCoreApplication::processEvents(QEventLoop::WaitForMoreEvents);
    }
    return true;
}

ExpectWarning::ExpectWarning(const QString& part)
    : m_part(part)
{
    const std::lock_guard guard(lock);
    expected.push_back(part);
}

ExpectWarning::~ExpectWarning()
{
    const std::lock_guard guard(lock);
    expected.erase(std::find(expected.begin(), expected.end(), m_part));
}

FakeProgram::FakeProgram(const std::string& script)
{
    rewrite(script);
}

void FakeProgram::rewrite(const std::string& script)
{
    QFile file(scriptPath());
    ASSERT_TRUE(file.open(QIODevice::WriteOnly));
    file.write(QByteArray::fromStdString(script));
}

std::vector<std::string> FakeProgram::requests() const
{
    std::vector<std::string> lines;
    QFile file(filePath(QStringLiteral("requests.jsonl")));
    if (file.open(QIODevice::ReadOnly))
        for (const QByteArray& line : file.readAll().split('\n'))
            if (!line.isEmpty())
                lines.push_back(line.toStdString());
    return lines;
}

QStringList FakeProgram::calls() const
{
    QFile file(filePath(QStringLiteral("arguments.log")));
    if (!file.open(QIODevice::ReadOnly))
        return {};
    return QString::fromUtf8(file.readAll()).split(QLatin1Char('\n'), Qt::SkipEmptyParts);
}

QString programPath(const QString& name)
{
    return qEnvironmentVariable("BLOCKCERT_BIN") + QLatin1Char('/') + name;
}

}
