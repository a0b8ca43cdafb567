// The prompts that are chosen, as the exact ids the open model is fed.
#pragma once

#include "app/workbench/session/loadable.h"
#include "app/workbench/session/run_settings.h"
#include "widgets/values.h"

#include <QObject>
#include <QTemporaryDir>
#include <QTimer>

#include <memory>
#include <optional>

namespace blockcert::workbench {

class JobBoard;

// GUI thread. Encodes again, a moment after the last change, whenever model, choice or limit change.
class PromptDocument : public QObject {
    Q_OBJECT

public:
    explicit PromptDocument(JobBoard& board, QObject* parent = nullptr);

    // Without a tokenizer only prompts that are token ids can be used; of others the problem says why they cannot.
    void setModel(const QString& model, const std::optional<widgets::TokenizerCard>& tokenizer, const QString& problem);
    void setChoice(const PromptChoice& choice);
    void setMaxTokens(int maxTokens);
    void reload();

    [[nodiscard]] const PromptChoice& choice() const { return m_choice; }

    [[nodiscard]] const Loadable<widgets::PromptList>& list() const { return m_list; }

signals:
    void changed();

private:
    void encodeSoon(int milliseconds);
    void encode();
    [[nodiscard]] bool mayBeTokenIds() const;
    void ask(const Json& parameters, const QString& source);

    JobBoard& m_board;
    QString m_model;
    std::optional<widgets::TokenizerCard> m_tokenizer;
    QString m_tokenizerProblem; // why there is none
    PromptChoice m_choice;
    int m_maxTokens = 256;
    Loadable<widgets::PromptList> m_list;
    QTimer m_timer;
    QTemporaryDir m_typedFolder;
    int m_typedFiles = 0;
    QString m_typedFile; // the newest
};

}
