// What the window's tests share: waiting without sleeping, announced warnings, scripts for the fake programs.
#pragma once

#include <QString>
#include <QStringList>
#include <QTemporaryDir>

#include <functional>
#include <string>
#include <vector>

namespace blockcert::testing {

// Runs the event loop until the condition holds; false after `milliseconds`. The limit only ends a test that fails: a
// busy machine may take many times as long as an idle one to start a program.
[[nodiscard]] bool waitUntil(const std::function<bool()>& condition, int milliseconds = 60000);

// While one lives, warnings containing its text are expected; all others fail the test.
class ExpectWarning {
public:
    explicit ExpectWarning(const QString& part);
    ~ExpectWarning();
    ExpectWarning(const ExpectWarning&) = delete;
    ExpectWarning& operator=(const ExpectWarning&) = delete;

private:
    QString m_part;
};

// A folder with a script for fake_engine or fake_blockcert.
class FakeProgram {
public:
    explicit FakeProgram(const std::string& script);

    [[nodiscard]] QString scriptPath() const { return m_folder.filePath(QStringLiteral("script.json")); }

    [[nodiscard]] QString statePath() const { return m_folder.path(); }

    [[nodiscard]] QString filePath(const QString& name) const { return m_folder.filePath(name); }

    [[nodiscard]] QStringList engineArguments() const { return {scriptPath(), statePath()}; }

    void rewrite(const std::string& script);
    // The requests fake_engine has begun, one JSON object {"method", "params"} each.
    [[nodiscard]] std::vector<std::string> requests() const;
    // The command lines fake_blockcert was called with.
    [[nodiscard]] QStringList calls() const;

private:
    QTemporaryDir m_folder;
};

// The folder of the built programs (BLOCKCERT_BIN).
[[nodiscard]] QString programPath(const QString& name);

}
