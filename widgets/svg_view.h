// A figure that lies in a file, on white paper: what the file holds, whatever appearance the window has.
#pragma once

#include "widgets/view_export.h"

#include <QByteArray>
#include <QWidget>

#include <memory>

class QSvgRenderer;

namespace blockcert::widgets {

// GUI thread. A picture that is no SVG is shown as nothing.
class SvgView : public QWidget {
    Q_OBJECT

public:
    explicit SvgView(QWidget* parent = nullptr);
    ~SvgView() override;
    void setSvg(const QByteArray& svg, const QString& title, const QString& caption);

    [[nodiscard]] ViewExport exported() const;
    [[nodiscard]] QSize sizeHint() const override;

    [[nodiscard]] bool hasHeightForWidth() const override { return true; }

    [[nodiscard]] int heightForWidth(int width) const override;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    std::unique_ptr<QSvgRenderer> m_renderer;
    QByteArray m_svg;
    QString m_title;
    QString m_caption;
};

}
