// A window with its session and scripted programs behind it, for the tests of its flows.
#pragma once

#include "app/workbench/shell/main_window.h"
#include "tests/workbench/support/qt_testing.h"
#include "tests/workbench/support/samples.h"

#include <QTemporaryDir>

#include <initializer_list>
#include <memory>
#include <vector>

namespace blockcert::testing {

[[nodiscard]] Json result(Json value);
[[nodiscard]] Json steps(std::initializer_list<Json> list); // one scenario
[[nodiscard]] Json once(Json scenario);                     // the only one of a method

// What every flow needs of the engine: a model that opens, prompts that encode, an estimate.
[[nodiscard]] Json engineScript();
// `blockcert show` of the sample run.
[[nodiscard]] Json showScript(bool complete = true);
// A certify that measures three blocks on two prompts.
[[nodiscard]] Json fullRun();
// A certify whose first run stops at one cell, so that it can be ended, and whose second finishes; and what
// `blockcert show` then says of its folder.
[[nodiscard]] Json stoppedRunScript();
[[nodiscard]] Json stoppedShowScript();
[[nodiscard]] workbench::EnginePatience shortPatience();

[[nodiscard]] QString wordsOf(const QWidget& widget); // of all its labels
// The button that is in view with this caption; it must be enabled.
void press(QWidget& widget, const QString& caption);

class Workbench {
public:
    explicit Workbench(const Json& engine, const Json& tool = Json::object());
    ~Workbench();

    void start();
    void stop(); // as if the program ended
    [[nodiscard]] bool openModel();

    void run(); // as the Run button does

    // The sentence of the page's visible notice, or nothing.
    [[nodiscard]] static QString noticeOn(QWidget& page);
    // Presses the button of the page's visible notice.
    [[nodiscard]] static bool actOn(QWidget& page);
    // A folder that looks like a run.
    [[nodiscard]] QString makeRunFolder(const QString& name, bool finished);
    void drop(const QString& path);
    // Starts the program and opens the run that its script shows.
    void openSample();
    // Parameters of the engine's requests of one method, in order.
    [[nodiscard]] std::vector<Json> asked(const char* method);
    // Triggers the command of that name, as the palette does.
    void command(const QString& text);

    [[nodiscard]] FakeProgram& tool() { return m_tool; }

    [[nodiscard]] FakeProgram& engine() { return m_engine; }

    [[nodiscard]] QString runFolder() const { return m_runs.path(); }

    std::unique_ptr<workbench::Session> session;
    std::unique_ptr<workbench::MainWindow> window;

private:
    FakeProgram m_engine;
    FakeProgram m_tool;
    QTemporaryDir m_runs;
};

}
