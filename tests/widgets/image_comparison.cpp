#include "tests/widgets/image_comparison.h"

#include <algorithm>
#include <cmath>

namespace blockcert::widgets {

namespace {

constexpr int block = 4;
constexpr int far = 48;

struct Mean {
    double red = 0;
    double green = 0;
    double blue = 0;
};

Mean meanOf(const QImage& image, int left, int top)
{
    Mean mean;
    int count = 0;
    for (int y = top; y < std::min(top + block, image.height()); ++y)
        for (int x = left; x < std::min(left + block, image.width()); ++x) {
            const QRgb pixel = image.pixel(x, y);
            mean.red += qRed(pixel);
            mean.green += qGreen(pixel);
            mean.blue += qBlue(pixel);
            ++count;
        }
    return {mean.red / count, mean.green / count, mean.blue / count};
}

double distance(const Mean& a, const Mean& b)
{
    return std::max({std::abs(a.red - b.red), std::abs(a.green - b.green), std::abs(a.blue - b.blue)});
}

}

ImageDifference compareImages(const QImage& expected, const QImage& actual)
{
    ImageDifference difference;
    difference.sameSize = expected.size() == actual.size() && !expected.isNull();
    if (!difference.sameSize)
        return difference;
    double sum = 0;
    int farCount = 0;
    int count = 0;
    for (int top = 0; top < expected.height(); top += block)
        for (int left = 0; left < expected.width(); left += block) {
            const double d = distance(meanOf(expected, left, top), meanOf(actual, left, top));
            sum += d;
            farCount += d > far ? 1 : 0;
            ++count;
        }
    difference.mean = sum / count;
    difference.farBlocks = static_cast<double>(farCount) / count;
    return difference;
}

bool isClose(const ImageDifference& difference)
{
    return difference.sameSize && difference.mean <= 1.5 && difference.farBlocks <= 0.005;
}

QImage differenceImage(const QImage& expected, const QImage& actual)
{
    QImage image = expected.convertToFormat(QImage::Format_RGB32);
    for (int top = 0; top < image.height(); top += block)
        for (int left = 0; left < image.width(); left += block) {
            const bool inside = left < actual.width() && top < actual.height();
            const double d = inside ? distance(meanOf(expected, left, top), meanOf(actual, left, top)) : 255;
            for (int y = top; y < std::min(top + block, image.height()); ++y)
                for (int x = left; x < std::min(left + block, image.width()); ++x)
                    image.setPixelColor(x, y, d > 6 ? QColor(255, 0, 0) : image.pixelColor(x, y).lighter(150));
        }
    return image;
}

}
