#include "tests/workbench/support/bench.h"

#include "app/workbench/pages/open_page.h"
#include "app/workbench/pages/run_page.h"
#include "widgets/notice.h"

#include <QAbstractButton>
#include <QAction>
#include <QApplication>
#include <QDir>
#include <QDropEvent>
#include <QFile>
#include <QLabel>
#include <QMimeData>

#include <gtest/gtest.h>

namespace blockcert::testing {

using namespace Qt::StringLiterals;
using widgets::Notice;

Json result(Json value)
{
    return {{"result", std::move(value)}};
}

Json steps(std::initializer_list<Json> list)
{
    Json scenario = Json::array();
    for (const Json& step : list)
        scenario.push_back(step);
    return scenario;
}

Json once(Json scenario)
{
    Json scenarios = Json::array();
    scenarios.push_back(std::move(scenario));
    return scenarios;
}

Json engineScript()
{
    Json script = Json::object();
    script["open"] = once(steps({result(testing::openAnswer())}));
    script["tokenize"] = once(steps({result(testing::tokenizeAnswer())}));
    script["estimate"] = once(steps({result(testing::estimateAnswer())}));
    return script;
}

Json showScript(bool complete)
{
    Json script = Json::object();
    script["show"] = once(steps({Json{{"json", testing::showAnswer("run", complete)}}}));
    return script;
}

Json fullRun()
{
    Json scenario = Json::array();
    int done = 0;
    for (int block = 0; block < 3; ++block) {
        for (int prompt = 0; prompt < 2; ++prompt)
            scenario.push_back(testing::cellProgress(block, prompt, ++done));
        scenario.push_back(testing::blockProgress(block));
    }
    scenario.push_back(result(testing::certifyAnswer("run")));
    return scenario;
}

Json stoppedRunScript()
{
    Json script = engineScript();
    script["certify"] = Json::array({steps({testing::cellProgress(0, 0, 1), Json{{"sleep", 60000}}}), fullRun()});
    return script;
}

Json stoppedShowScript()
{
    Json scenarios = Json::array();
    for (const bool complete : {false, true})
        scenarios.push_back(steps({Json{{"json", testing::showAnswer("run", complete)}}}));
    return {{"show", scenarios}};
}

QString wordsOf(const QWidget& widget)
{
    QString words;
    for (const QLabel* label : widget.findChildren<QLabel*>())
        words += label->text() + u'\n';
    return words;
}

void press(QWidget& widget, const QString& caption)
{
    for (QAbstractButton* button : widget.findChildren<QAbstractButton*>())
        if (button->text() == caption && button->isVisibleTo(&widget)) {
            ASSERT_TRUE(button->isEnabled()) << caption.toStdString();
            button->click();
            return;
        }
    ADD_FAILURE() << "no button " << caption.toStdString();
}

workbench::EnginePatience shortPatience()
{
    workbench::EnginePatience patience;
    patience.cancelMs = 200;
    patience.terminateMs = 100;
    patience.restartDelayMs = 10;
    return patience;
}

Workbench::Workbench(const Json& engine, const Json& tool)
    : m_engine(engine.dump())
    , m_tool(tool.dump())
{
    qputenv("BLOCKCERT_FAKE_SCRIPT", m_tool.scriptPath().toUtf8());
    qputenv("BLOCKCERT_FAKE_STATE", m_tool.statePath().toUtf8());
    workbench::Preferences preferences;
    preferences.setEngineCommandLine(
        u"\"%1\" \"%2\" \"%3\""_s.arg(programPath(u"fake_engine"_s), m_engine.scriptPath(), m_engine.statePath()));
    preferences.setToolPath(programPath(u"fake_blockcert"_s));
    preferences.setRunFolder(m_runs.path());
    preferences.setSavedLab({}); // of the test before
}

Workbench::~Workbench()
{
    window.reset();
    session.reset();
}

void Workbench::start()
{
    session = std::make_unique<workbench::Session>(shortPatience());
    window = std::make_unique<workbench::MainWindow>(*session);
    window->resize(1440, 900);
    window->show();
}

void Workbench::stop()
{
    window->close();
    window.reset();
    session.reset();
}

bool Workbench::openModel()
{
    window->openModel(u"/models/tiny"_s);
    return waitUntil([this] { return session->model.card().isReady() && session->prompts.list().isReady(); });
}

void Workbench::run()
{
    emit window->runPage().runWanted();
}

QString Workbench::noticeOn(QWidget& page)
{
    for (Notice* notice : page.findChildren<Notice*>()) {
        if (!notice->isVisibleTo(&page))
            continue;
        for (const QLabel* label : notice->findChildren<QLabel*>()) {
            if (!label->text().isEmpty())
                return label->text();
        }
    }
    return {};
}

bool Workbench::actOn(QWidget& page)
{
    for (Notice* notice : page.findChildren<Notice*>()) {
        if (notice->isVisibleTo(&page)) {
            emit notice->actionRequested();
            return true;
        }
    }
    return false;
}

void Workbench::openSample()
{
    start();
    drop(makeRunFolder(QStringLiteral("given.blockcert"), true));
    ASSERT_TRUE(waitUntil([&] { return session->run.run().isReady(); }));
}

QString Workbench::makeRunFolder(const QString& name, bool finished)
{
    const QString path = m_runs.filePath(name);
    QDir().mkpath(path);
    for (const QString& file : finished ? QStringList{u"run.json"_s, u"SHA256SUMS"_s} : QStringList{u"run.json"_s}) {
        QFile made(path + u'/' + file);
        EXPECT_TRUE(made.open(QIODevice::WriteOnly));
    }
    return path;
}

void Workbench::drop(const QString& path)
{
    QMimeData data;
    data.setUrls({QUrl::fromLocalFile(path)});
    QDragEnterEvent enter(QPoint(400, 400), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
    QApplication::sendEvent(window.get(), &enter);
    QDropEvent event(QPointF(400, 400), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
    QApplication::sendEvent(window.get(), &event);
}

std::vector<Json> Workbench::asked(const char* method)
{
    std::vector<Json> parameters;
    for (const std::string& line : m_engine.requests())
        if (const Json request = Json::parse(line); request["method"] == method)
            parameters.push_back(request["params"]);
    return parameters;
}

void Workbench::command(const QString& text)
{
    for (QAction* action : window->actions()) {
        if (action->text() == text) {
            action->trigger();
            return;
        }
    }
    ADD_FAILURE() << "there is no command " << text.toStdString();
}

}
