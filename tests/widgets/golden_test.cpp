// Pictures of whole pages against the ones in golden/: BLOCKCERT_BLESS=1 rewrites them, and a person looks.
#include "tests/widgets/image_comparison.h"
#include "widgets/gallery/pages.h"
#include "widgets/theme.h"

#include <QApplication>
#include <QDir>
#include <QFontInfo>
#include <QPainter>
#include <QWidget>

#include <gtest/gtest.h>

#include <cstdlib>

namespace blockcert::widgets {

namespace {

struct Golden {
    const char* page;
    bool dark;
};

void PrintTo(const Golden& golden, std::ostream* out)
{
    *out << golden.page << (golden.dark ? " dark" : " light");
}

class GoldenTest : public testing::TestWithParam<Golden> {};

QImage render(const Golden& golden)
{
    auto& application = *qobject_cast<QApplication*>(QCoreApplication::instance());
    applyAppearance(application, golden.dark ? Appearance::Dark : Appearance::Light);
    for (const gallery::Page& page : gallery::pages()) {
        if (page.name != QString::fromLatin1(golden.page))
            continue;
        const std::unique_ptr<QWidget> widget(page.make());
        widget->setAttribute(Qt::WA_DontShowOnScreen);
        widget->show();
        QApplication::processEvents();
        // Half size: enough to look at, and a third of the bytes.
        const QImage whole = widget->grab().toImage().convertToFormat(QImage::Format_RGB32);
        return whole.scaled(whole.size() / 2, Qt::IgnoreAspectRatio, Qt::SmoothTransformation);
    }
    return {};
}

}

TEST_P(GoldenTest, LooksAsItDid)
{
    if (QFontInfo(textFont(TextSize::Body)).family() != QStringLiteral("DejaVu Sans"))
        GTEST_SKIP() << "the pictures were made with DejaVu Sans, which is not the interface font here";
    const Golden golden = GetParam();
    const QImage actual = render(golden);
    ASSERT_FALSE(actual.isNull());
    const char* source = std::getenv("BLOCKCERT_SOURCE");
    ASSERT_NE(source, nullptr) << "run by ctest, which sets BLOCKCERT_SOURCE";
    const QString name =
        QStringLiteral("%1-%2.png")
            .arg(QString::fromLatin1(golden.page), golden.dark ? QStringLiteral("dark") : QStringLiteral("light"));
    const QString path = QStringLiteral("%1/tests/widgets/golden/%2").arg(QString::fromLocal8Bit(source), name);
    if (std::getenv("BLOCKCERT_BLESS") != nullptr) {
        ASSERT_TRUE(actual.convertToFormat(QImage::Format_RGB888).save(path, "PNG", 0)) << path.toStdString();
        return;
    }
    const QImage expected = QImage(path).convertToFormat(QImage::Format_RGB32);
    ASSERT_FALSE(expected.isNull()) << "no picture " << path.toStdString() << "; BLOCKCERT_BLESS=1 makes it";
    const ImageDifference difference = compareImages(expected, actual);
    if (isClose(difference))
        return;
    QDir().mkpath(QStringLiteral("failed"));
    actual.save(QStringLiteral("failed/actual-") + name);
    expected.save(QStringLiteral("failed/expected-") + name);
    differenceImage(expected, actual).save(QStringLiteral("failed/difference-") + name);
    ADD_FAILURE() << name.toStdString() << " differs: mean " << difference.mean << ", far blocks "
                  << difference.farBlocks << "; pictures in "
                  << QDir(QStringLiteral("failed")).absolutePath().toStdString();
}

INSTANTIATE_TEST_SUITE_P(Pages, GoldenTest,
                         testing::Values(Golden{"explore", false}, Golden{"explore", true}, Golden{"explore-all", true},
                                         Golden{"verify-failed", false}, Golden{"verify-failed", true},
                                         Golden{"open", false}, Golden{"run", true}, Golden{"parts", false},
                                         Golden{"empty", true}, Golden{"coverage", false}, Golden{"charts", true}));

TEST(ImageComparison, SeesAMissingPanelAndAWrongColourButNotAShiftedGlyph)
{
    QImage expected(400, 300, QImage::Format_RGB32);
    expected.fill(Qt::white);
    {
        QPainter painter(&expected);
        painter.fillRect(20, 20, 160, 120, QColor(0x2B, 0x66, 0xD9));
        painter.drawText(220, 60, QStringLiteral("token 0"));
    }
    EXPECT_TRUE(isClose(compareImages(expected, expected)));
    QImage shifted = expected;
    {
        QPainter painter(&shifted);
        painter.fillRect(215, 45, 80, 20, Qt::white);
        painter.drawText(QPointF(220.5, 60), QStringLiteral("token 0"));
    }
    EXPECT_TRUE(isClose(compareImages(expected, shifted)));
    QImage recoloured = expected;
    QPainter(&recoloured).fillRect(20, 20, 160, 120, QColor(0xB9, 0x3A, 0x17));
    EXPECT_FALSE(isClose(compareImages(expected, recoloured)));
    QImage moved(400, 300, QImage::Format_RGB32);
    moved.fill(Qt::white);
    QPainter(&moved).drawImage(0, 12, expected);
    EXPECT_FALSE(isClose(compareImages(expected, moved)));
    EXPECT_FALSE(isClose(compareImages(expected, expected.copy(0, 0, 399, 300))));
}

}
