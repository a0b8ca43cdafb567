#include "widgets/svg_view.h"

#include "widgets/theme.h"

#include <QPainter>
#include <QSvgRenderer>

#include <algorithm>

namespace blockcert::widgets {

SvgView::SvgView(QWidget* parent)
    : QWidget(parent)
    , m_renderer(std::make_unique<QSvgRenderer>())
{
    QSizePolicy policy(QSizePolicy::Expanding, QSizePolicy::Preferred);
    policy.setHeightForWidth(true);
    setSizePolicy(policy);
}

SvgView::~SvgView() = default;

void SvgView::setSvg(const QByteArray& svg, const QString& title, const QString& caption)
{
    m_svg = svg;
    m_title = title;
    m_caption = caption;
    m_renderer->load(svg);
    setAccessibleName(title);
    setAccessibleDescription(caption);
    updateGeometry();
    update();
}

QSize SvgView::sizeHint() const
{
    return m_renderer->isValid() ? m_renderer->defaultSize() : QSize(400, 200);
}

int SvgView::heightForWidth(int width) const
{
    const QSize size = sizeHint();
    return size.width() > 0 ? std::min(width, size.width()) * size.height() / size.width() : 0;
}

void SvgView::paintEvent(QPaintEvent*)
{
    if (!m_renderer->isValid())
        return;
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const QSizeF natural = m_renderer->defaultSize();
    const QSizeF size = natural.scaled(QSizeF(width(), height()), Qt::KeepAspectRatio).boundedTo(natural);
    const QRectF paper(QPointF(0, 0), size);
    painter.setPen(tokensOf(*this).line);
    painter.setBrush(Qt::white);
    painter.drawRoundedRect(paper.adjusted(0.5, 0.5, -0.5, -0.5), space::corner, space::corner);
    m_renderer->render(&painter, paper.adjusted(2, 2, -2, -2));
}

ViewExport SvgView::exported() const
{
    ViewExport view;
    view.name = QStringLiteral("figure");
    view.title = m_title;
    view.caption = m_caption;
    view.size = sizeHint();
    view.isComplete = true;
    view.svg = [svg = m_svg] { return svg; };
    view.paint = [svg = m_svg, size = view.size](QPainter& painter, bool) {
        QSvgRenderer renderer(svg);
        renderer.render(&painter, QRectF(QPointF(0, 0), size));
    };
    view.table = [] { return ExportTable(); };
    return view;
}

}
