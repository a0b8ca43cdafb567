#include "app/workbench/session/prompt_document.h"

#include "app/workbench/process/background.h"
#include "app/workbench/session/job_board.h"
#include "app/workbench/session/json_values.h"

#include <QFile>

#include <utility>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

namespace {

constexpr int typingPauseMs = 350;
constexpr qsizetype largestTyped = qsizetype{8} << 20;

}

PromptDocument::PromptDocument(JobBoard& board, QObject* parent)
    : QObject(parent)
    , m_board(board)
{
    m_timer.setSingleShot(true);
    connect(&m_timer, &QTimer::timeout, this, &PromptDocument::encode);
}

void PromptDocument::setModel(const QString& model, const std::optional<widgets::TokenizerCard>& tokenizer,
                              const QString& problem)
{
    encodeSoon(0);
    m_model = model;
    m_tokenizer = tokenizer;
    m_tokenizerProblem = problem.endsWith(u'.') ? problem.chopped(1) : problem; // it stands inside a sentence
    m_list.clear();
    emit changed();
}

void PromptDocument::setChoice(const PromptChoice& choice)
{
    if (choice == m_choice)
        return;
    const bool isTyping = choice.kind == PromptChoice::Kind::Typed && m_choice.kind == PromptChoice::Kind::Typed;
    m_choice = choice;
    encodeSoon(isTyping ? typingPauseMs : 0);
    if (isTyping)
        return; // the tokens of the text before stay until the new ones are there
    m_list.clear();
    emit changed();
}

void PromptDocument::setMaxTokens(int maxTokens)
{
    if (maxTokens == m_maxTokens)
        return;
    m_maxTokens = maxTokens;
    encodeSoon(typingPauseMs);
}

void PromptDocument::reload()
{
    encodeSoon(0);
}

void PromptDocument::encodeSoon(int milliseconds)
{
    if (m_list.isLoading())
        m_board.cancel(m_list.job);
    m_timer.start(milliseconds);
}

// Only .jsonl and typed objects can hold token ids; whether they do is found by whoever reads them.
bool PromptDocument::mayBeTokenIds() const
{
    switch (m_choice.kind) {
    case PromptChoice::Kind::Bundled: return false;
    case PromptChoice::Kind::File: return m_choice.name.endsWith(".jsonl"_L1, Qt::CaseInsensitive);
    case PromptChoice::Kind::Typed: return typedFormat(m_choice.text) == "jsonl"_L1;
    }
    return false;
}

void PromptDocument::encode()
{
    if (m_model.isEmpty())
        return;
    const bool isTyped = m_choice.kind == PromptChoice::Kind::Typed;
    const bool isNothingTyped = isTyped && m_choice.text.trimmed().isEmpty();
    if (!m_tokenizer && !isNothingTyped && !mayBeTokenIds()) {
        m_list.fail({JobFault::Origin::Program,
                     tr("This model has no tokenizer that can be used (%1). Choose or type prompts that are token "
                        "ids: lines of JSON such as {\"id\": \"a\", \"token_ids\": [1, 2, 3]}.")
                         .arg(m_tokenizerProblem.isEmpty() ? tr("it has no tokenizer file") : m_tokenizerProblem),
                     u"unsupported"_s, 4, false});
        emit changed();
        return;
    }
    if (isNothingTyped) {
        m_list.clear();
        emit changed();
        return;
    }
    if (isTyped && m_choice.text.size() > largestTyped) {
        m_list.fail({JobFault::Origin::Program,
                     tr("The typed prompts are longer than 8 MB; save them as a file and choose that."), u"resource"_s,
                     7, false});
        emit changed();
        return;
    }
    Json parameters = {{"model", m_model.toStdString()}, {"max_tokens", m_maxTokens}};
    QString source = m_choice.name;
    if (isTyped) { // a file for `blockcert tokenize`; the engine is sent the text
        const QString format = typedFormat(m_choice.text);
        parameters["content"] = m_choice.text.toStdString();
        parameters["format"] = format.toStdString();
        parameters["name"] = "typed";
        source = m_typedFolder.filePath(u"typed-%1.%2"_s.arg(++m_typedFiles).arg(format));
        runInBackground<bool>(
            this,
            [source, text = m_choice.text.toUtf8(), last = std::exchange(m_typedFile, source)] {
                if (!last.isEmpty())
                    QFile::remove(last);
                QFile file(source);
                return file.open(QIODevice::WriteOnly) && file.write(text) == text.size();
            },
            [this, parameters, source](bool) { // a file that could not be written is not found by who wants it
                if (source == m_typedFile && !m_model.isEmpty() && m_choice.kind == PromptChoice::Kind::Typed)
                    ask(parameters, source);
            },
            [](const QString&) {});
        return;
    }
    parameters["prompts"] = m_choice.name.toStdString();
    ask(parameters, source);
}

void PromptDocument::ask(const Json& parameters, const QString& source)
{
    const bool isTyped = m_choice.kind == PromptChoice::Kind::Typed;
    auto job = std::make_shared<JobId>(0);
    const auto isCurrent = [this, job] { return m_list.job == *job && m_list.isLoading(); };
    const auto fail = [this, isCurrent](const JobFault& fault) {
        if (!isCurrent())
            return;
        m_list.fail(fault);
        emit changed();
    };
    JobCallbacks callbacks;
    callbacks.finished = [this, isCurrent, fail, isTyped](const JsonResult& answer) {
        if (!isCurrent())
            return;
        runInBackground<widgets::PromptList>(
            this,
            [answer, isTyped, tokenizer = m_tokenizer] {
                widgets::PromptList list = promptListOf(*answer, tokenizer);
                if (isTyped)
                    list.name = u"typed"_s;
                return list;
            },
            [this, isCurrent](widgets::PromptList list) {
                if (!isCurrent())
                    return;
                m_list.fill(std::move(list));
                emit changed();
            },
            [fail](const QString& sentence) {
                fail(
                    {JobFault::Origin::Protocol, tr("The tokens could not be shown: %1.").arg(sentence), {}, 0, false});
            });
    };
    callbacks.failed = fail;
    callbacks.cancelled = [this, isCurrent](bool) {
        if (!isCurrent())
            return;
        m_list.state = Loadable<widgets::PromptList>::State::Empty;
        emit changed();
    };
    *job = m_board.askEither(
        tr("Encode prompts"), u"tokenize"_s, parameters,
        {u"tokenize"_s, m_model, u"--prompts"_s, source, u"--max-tokens"_s, QString::number(m_maxTokens), u"--json"_s},
        this, callbacks);
    m_list.begin(*job);
    emit changed();
}

}
