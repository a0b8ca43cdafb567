// A sentence that stands where something happened, with at most one action: an error, a warning, a note.
#pragma once

#include <QWidget>

#include <cstdint>

class QLabel;
class QPushButton;

namespace blockcert::widgets {

class Notice : public QWidget {
    Q_OBJECT

public:
    enum class Tone : std::uint8_t { Note, Warning, Error };

    explicit Notice(QWidget* parent = nullptr);
    void setNotice(Tone tone, const QString& sentence, const QString& action = {});
    void setActionEnabled(bool enabled);
    void setClosable(bool closable);

signals:
    void actionRequested();
    void closed();

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    Tone m_tone = Tone::Note;
    QLabel* m_sentence = nullptr;
    QPushButton* m_action = nullptr;
    QPushButton* m_close = nullptr;
};

}
