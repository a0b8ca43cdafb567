// Our stroke icons, rendered from SVG at any scale and tinted for the appearance.
#pragma once

#include <QColor>
#include <QIcon>
#include <QRectF>

#include <cstdint>

class QPainter;

namespace blockcert::widgets {

enum class Icon : std::uint8_t {
    Open,
    Run,
    Explore,
    Verify,
    Edit,
    Bound,
    Prove,
    Report,
    Tick,     // in a disc
    Cross,    // in an octagon
    Alert,    // in a triangle
    DashRing, // dash in a dashed ring
    Search,
    Copy,
    Moon,
    Sun,
    ChevronRight,
    ChevronDown,
    Close,
    Pause,
    Stop,
    Resume,
    Folder,
    File,
    Download,
    Plus,
    Info,
    Link,
    Unlink,
    Settings,
    Filter,
    Clock,
    Stack,
    Swap,
    Hold,
    ChevronLeft,
    BrokenLink,
    ChevronUp,
    Undo,
};

enum class IconTint : std::uint8_t { Text, Secondary, Accent, OnAccent, Verified, Failed, Weaker, NotChecked };

// Follows the application's appearance by itself; disabled and selected modes included.
[[nodiscard]] QIcon themedIcon(Icon icon, IconTint tint = IconTint::Secondary);
void paintIcon(QPainter& painter, const QRectF& rect, Icon icon, const QColor& colour);

}
