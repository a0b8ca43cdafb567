#include "widgets/icons.h"

#include "widgets/resources.h"
#include "widgets/theme.h"

#include <QGuiApplication>
#include <QIconEngine>
#include <QPainter>
#include <QPalette>
#include <QPixmapCache>
#include <QSvgRenderer>

#include <array>
#include <memory>

namespace blockcert::widgets {

namespace {

constexpr std::array fileNames{
    "open",          "run",          "explore", "verify",       "edit",        "bound",      "prove",  "report",
    "tick",          "cross",        "alert",   "dash_ring",    "search",      "copy",       "moon",   "sun",
    "chevron_right", "chevron_down", "close",   "pause",        "stop",        "resume",     "folder", "file",
    "download",      "plus",         "info",    "link",         "unlink",      "settings",   "filter", "clock",
    "stack",         "swap",         "hold",    "chevron_left", "broken_link", "chevron_up", "undo",
};
static_assert(fileNames.size() == static_cast<std::size_t>(Icon::Undo) + 1);

QSvgRenderer& rendererOf(Icon icon)
{
    static std::array<std::unique_ptr<QSvgRenderer>, fileNames.size()> renderers;
    auto& renderer = renderers[static_cast<std::size_t>(icon)];
    if (!renderer) {
        initialiseResources();
        renderer = std::make_unique<QSvgRenderer>(
            QStringLiteral(":/blockcert/icons/%1.svg").arg(QLatin1String(fileNames[static_cast<std::size_t>(icon)])));
    }
    return *renderer;
}

QPixmap tintedPixmap(Icon icon, const QSize& devicePixels, const QColor& colour)
{
    if (devicePixels.isEmpty())
        return {}; // of a button that a small window has squeezed to nothing
    const QString key = QStringLiteral("blockcert-icon-%1-%2x%3-%4")
                            .arg(static_cast<int>(icon))
                            .arg(devicePixels.width())
                            .arg(devicePixels.height())
                            .arg(colour.rgba(), 0, 16);
    QPixmap pixmap;
    if (QPixmapCache::find(key, &pixmap))
        return pixmap;
    QImage image(devicePixels, QImage::Format_ARGB32_Premultiplied);
    image.fill(Qt::transparent);
    QPainter painter(&image);
    rendererOf(icon).render(&painter, QRectF(QPointF(), QSizeF(devicePixels)));
    painter.setCompositionMode(QPainter::CompositionMode_SourceIn);
    painter.fillRect(image.rect(), colour);
    painter.end();
    pixmap = QPixmap::fromImage(std::move(image));
    QPixmapCache::insert(key, pixmap);
    return pixmap;
}

QColor colourOf(IconTint tint, const Tokens& tokens)
{
    switch (tint) {
    case IconTint::Text: return tokens.text;
    case IconTint::Secondary: return tokens.secondary;
    case IconTint::Accent: return tokens.accent;
    case IconTint::OnAccent: return tokens.onAccent;
    case IconTint::Verified: return tokens.verified.ink;
    case IconTint::Failed: return tokens.failed.ink;
    case IconTint::Weaker: return tokens.weaker.ink;
    case IconTint::NotChecked: return tokens.notChecked.ink;
    }
    return tokens.text;
}

class ThemedIconEngine : public QIconEngine {
public:
    ThemedIconEngine(Icon icon, IconTint tint)
        : m_icon(icon)
        , m_tint(tint)
    {
    }

    void paint(QPainter* painter, const QRect& rect, QIcon::Mode mode, QIcon::State) override
    {
        paintIcon(*painter, rect, m_icon, colour(mode));
    }

    QPixmap pixmap(const QSize& size, QIcon::Mode mode, QIcon::State) override
    {
        return tintedPixmap(m_icon, size, colour(mode));
    }

    [[nodiscard]] QIconEngine* clone() const override { return new ThemedIconEngine(m_icon, m_tint); }

private:
    [[nodiscard]] QColor colour(QIcon::Mode mode) const
    {
        const Tokens& tokens = tokensOf(QGuiApplication::palette());
        return mode == QIcon::Disabled ? tokens.faint : colourOf(m_tint, tokens);
    }

    Icon m_icon;
    IconTint m_tint;
};

}

QIcon themedIcon(Icon icon, IconTint tint)
{
    return QIcon(new ThemedIconEngine(icon, tint));
}

void paintIcon(QPainter& painter, const QRectF& rect, Icon icon, const QColor& colour)
{
    const double scale = painter.device()->devicePixelRatioF();
    QPixmap pixmap = tintedPixmap(icon, (rect.size() * scale).toSize(), colour);
    if (pixmap.isNull())
        return;
    pixmap.setDevicePixelRatio(scale);
    painter.drawPixmap(rect.topLeft(), pixmap);
}

}
