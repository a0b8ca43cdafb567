// The user's own words about runs: tags, notes, marks on tokens. Kept under XDG data, never inside a run.
#pragma once

#include "engine/base/strict_json.h"
#include "widgets/values.h"

#include <QObject>
#include <QString>
#include <QStringList>
#include <QTimer>

#include <map>
#include <tuple>

namespace blockcert::workbench {

enum class TokenMark : std::uint8_t { None, Expected, Bug, NeedsPrompt };

[[nodiscard]] QString markName(TokenMark mark); // "expected", "bug", "needs prompt"; empty for None

struct TokenNote {
    TokenMark mark = TokenMark::None;
    QString note;

    friend bool operator==(const TokenNote&, const TokenNote&) = default;
};

struct RunNotes {
    using Cell = std::tuple<int, int, int>; // block, prompt, token

    QStringList tags;
    QString note;
    std::map<Cell, TokenNote> tokens;

    friend bool operator==(const RunNotes&, const RunNotes&) = default;
};

// The annotations file as JSON, and back. Entries of another form are dropped, one by one.
[[nodiscard]] Json notesToJson(const std::map<QString, RunNotes>& notes);
[[nodiscard]] std::map<QString, RunNotes> notesFromJson(const Json& json);

// GUI thread; reads and writes its file elsewhere. Keys are digests of runs, or the folder of an unfinished one.
class Annotations : public QObject {
    Q_OBJECT

public:
    // `path` is the file; it need not be there.
    explicit Annotations(const QString& path, QObject* parent = nullptr);
    ~Annotations() override; // writes what is not yet written

    [[nodiscard]] RunNotes of(const QString& key) const;
    void set(const QString& key, const RunNotes& notes);
    [[nodiscard]] TokenNote ofToken(const QString& key, const widgets::CellKey& cell) const;
    void setToken(const QString& key, const widgets::CellKey& cell, const TokenNote& note);
    [[nodiscard]] QStringList allTags() const;

signals:
    void changed();
    void failed(const QString& sentence); // the file could not be read or written

private:
    void save();

    QString m_path;
    std::map<QString, RunNotes> m_notes;
    bool m_isRead = false; // nothing is written before
    bool m_isDirty = false;
    bool m_isSaving = false;
    QTimer m_saveTimer;
};

// The key of a run: its digest, or its folder while it has none.
[[nodiscard]] QString annotationKey(const QString& digest, const QString& path);

}
