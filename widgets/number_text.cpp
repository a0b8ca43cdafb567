#include "widgets/number_text.h"

#include <QCoreApplication>
#include <QRegularExpression>
#include <QStringList>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace blockcert::widgets {

namespace {

struct Text {
    Q_DECLARE_TR_FUNCTIONS(NumberText)
};

constexpr char16_t thinSpace = u'\u202f';
constexpr char16_t enDash = u'–';
constexpr char16_t minus = u'−';

// |value| = 0.d₁d₂d₃… × 10^(exponent + 1): the shortest digits that read back exactly, or a rounded prefix.
struct Decimal {
    QString digits;
    int exponent = 0; // of the first digit
    bool negative = false;
};

Decimal decimalOf(double value, int significant = 0)
{
    std::array<char, 64> buffer{};
    const auto end =
        significant > 0
            ? std::to_chars(buffer.begin(), buffer.end(), value, std::chars_format::scientific, significant - 1)
            : std::to_chars(buffer.begin(), buffer.end(), value, std::chars_format::scientific);
    const QString text = QString::fromLatin1(buffer.data(), end.ptr - buffer.data());
    const qsizetype e = text.indexOf(u'e');
    Decimal result;
    result.negative = text.startsWith(u'-');
    result.digits = text.left(e).remove(u'-').remove(u'.');
    result.exponent = text.mid(e + 1).toInt();
    return result;
}

QString positional(const Decimal& d)
{
    const int length = static_cast<int>(d.digits.size());
    if (d.exponent < 0)
        return QStringLiteral("0.") + QString(-d.exponent - 1, u'0') + d.digits;
    if (d.exponent >= length - 1)
        return d.digits + QString(d.exponent - length + 1, u'0');
    return d.digits.left(d.exponent + 1) + u'.' + d.digits.mid(d.exponent + 1);
}

QString scientific(const Decimal& d)
{
    QString mantissa = d.digits.left(1);
    if (d.digits.size() > 1)
        mantissa += u'.' + d.digits.mid(1);
    return mantissa + u'e' + QString::number(d.exponent);
}

QString written(const Decimal& d, int lowest, int highest)
{
    const QString text = d.exponent >= lowest && d.exponent <= highest ? positional(d) : scientific(d);
    return d.negative ? u'-' + text : text;
}

QString notFinite(double value)
{
    return std::isnan(value) ? QString(QChar(enDash)) : value > 0 ? QStringLiteral("∞") : QStringLiteral("−∞");
}

QString withSign(const QString& text)
{
    if (text.startsWith(u'-'))
        return QChar(minus) + text.mid(1);
    return text == QLatin1String("0") ? text : u'+' + text;
}

// Significant digits of a measured quantity for people: 98.4, 6.21, 612.
QString threeDigits(double value)
{
    return positional(decimalOf(value, 3));
}

}

QString tableNumber(double value)
{
    if (!std::isfinite(value))
        return notFinite(value);
    if (value == 0)
        return QStringLiteral("0");
    return written(decimalOf(value, 3), -2, 2);
}

QString tableNumber(double value, double threshold)
{
    QString text = tableNumber(value);
    if (!std::isfinite(value))
        return text;
    const auto side = [threshold](double number) { return number > threshold; };
    constexpr int allDigits = 17;
    const auto shown = [value](int digits) { return scientific(decimalOf(value, digits)).toDouble(); };
    for (int digits = 3; digits < allDigits && side(shown(digits)) != side(value); ++digits)
        text = written(decimalOf(value, digits + 1), -2, 2);
    return text;
}

QString tickNumber(double value)
{
    if (!std::isfinite(value))
        return notFinite(value);
    if (value == 0)
        return QStringLiteral("0");
    Decimal d = decimalOf(value, 3);
    while (d.digits.size() > 1 && d.digits.endsWith(u'0'))
        d.digits.chop(1);
    return written(d, -2, 3);
}

QString exactNumber(double value)
{
    if (!std::isfinite(value))
        return notFinite(value);
    if (value == 0)
        return QStringLiteral("0");
    return written(decimalOf(value), -4, 14);
}

QString signedNumber(double value)
{
    return std::isfinite(value) ? withSign(exactNumber(value)) : notFinite(value);
}

QString signedTableNumber(double value)
{
    return std::isfinite(value) ? withSign(tableNumber(value)) : notFinite(value);
}

QString coverageText(double value)
{
    if (!std::isfinite(value))
        return notFinite(value);
    if (value >= 1)
        return QStringLiteral("1.000");
    if (value <= 0)
        return QStringLiteral("0.000");
    if (value < 1e-3)
        return QStringLiteral("<0.001");
    // Cut, not rounded, and on the decimal digits, so that 0.57 does not become 0.569.
    return positional(decimalOf(value)).append(QStringLiteral("000")).left(5);
}

QString coverageText(std::int64_t covered, std::int64_t total)
{
    if (total <= 0)
        return QString(QChar(enDash));
    if (covered >= total)
        return QStringLiteral("1.000");
    if (covered <= 0)
        return QStringLiteral("0.000");
    // Three digits by long division: exact for every count.
    QString digits = QStringLiteral("0.");
    std::int64_t rest = covered;
    for (int i = 0; i < 3; ++i) {
        rest *= 10;
        digits += QChar(static_cast<char16_t>(u'0' + rest / total));
        rest %= total;
    }
    return digits == QLatin1String("0.000") ? QStringLiteral("<0.001") : digits;
}

QString percentText(double fraction)
{
    if (!std::isfinite(fraction))
        return notFinite(fraction);
    if (fraction == 0)
        return Text::tr("0\u00a0%");
    if (fraction == 1)
        return Text::tr("100\u00a0%");
    const double tenths = std::round(std::clamp(fraction, -1e15, 1e15) * 1000); // a half away from zero
    if (tenths == 0)
        return Text::tr("less than 0.1\u00a0%");
    if (tenths == 1000 && fraction > 1)
        return Text::tr("more than 100\u00a0%");
    const auto shown = static_cast<std::int64_t>(fraction < 1 ? std::min(tenths, 999.0) : tenths);
    return Text::tr("%1%2.%3\u00a0%")
        .arg(shown < 0 ? QStringLiteral("-") : QString(), countText(std::abs(shown) / 10))
        .arg(std::abs(shown) % 10);
}

QString countText(std::int64_t count)
{
    QString text = QString::number(count);
    for (qsizetype at = text.size() - 3; at > (count < 0 ? 1 : 0); at -= 3)
        text.insert(at, QChar(thinSpace));
    return text;
}

QString bytesText(std::uint64_t bytes)
{
    if (bytes < 1000)
        return Text::tr("%1 B").arg(bytes);
    static constexpr std::array units{"kB", "MB", "GB", "TB", "PB", "EB"};
    double value = static_cast<double>(bytes) / 1000;
    std::size_t unit = 0;
    while (value >= 999.5 && unit + 1 < units.size()) {
        value /= 1000;
        ++unit;
    }
    return QStringLiteral("%1 %2").arg(threeDigits(value), QLatin1String(units[unit]));
}

QString durationText(double seconds)
{
    if (!std::isfinite(seconds) || seconds < 0)
        return QString(QChar(enDash));
    if (seconds < 1)
        return Text::tr("%1 ms").arg(qRound(seconds * 1000));
    if (seconds < 9.95)
        return Text::tr("%1 s").arg(seconds, 0, 'f', 1);
    if (seconds < 59.5)
        return Text::tr("%1 s").arg(qRound(seconds));
    const qint64 whole = qRound64(seconds);
    if (whole < 3600)
        return Text::tr("%1 min %2 s").arg(whole / 60).arg(whole % 60, 2, 10, QLatin1Char('0'));
    const qint64 minutes = (whole + 30) / 60;
    return Text::tr("%1 h %2 min").arg(minutes / 60).arg(minutes % 60, 2, 10, QLatin1Char('0'));
}

QString etaText(double lowSeconds, double highSeconds)
{
    if (!std::isfinite(lowSeconds) || !std::isfinite(highSeconds) || highSeconds < 0)
        return Text::tr("time left not known yet");
    const double low = std::max(0.0, std::min(lowSeconds, highSeconds));
    const double high = std::max(lowSeconds, highSeconds);
    // Coarse on purpose: tens of seconds, minutes, then hours and quarters.
    const auto range = [](qint64 from, qint64 to, const QString& unit) {
        return from == to ? Text::tr("about %1 %2 left").arg(to).arg(unit)
                          : Text::tr("about %1–%2 %3 left").arg(from).arg(to).arg(unit);
    };
    if (high < 10)
        return Text::tr("a few seconds left");
    if (high < 90)
        return range(std::max<qint64>(10, qRound64(low / 10) * 10), std::max<qint64>(10, qRound64(high / 10) * 10),
                     Text::tr("s"));
    if (high < 5400)
        return range(std::max<qint64>(1, qRound64(low / 60)), std::max<qint64>(1, qRound64(high / 60)),
                     Text::tr("min"));
    return range(std::max<qint64>(1, qRound64(low / 3600)), std::max<qint64>(1, qRound64(high / 3600)), Text::tr("h"));
}

QString digestText(const QString& hex)
{
    return hex.size() <= 10 ? hex : hex.left(4) + u'…' + hex.right(4);
}

QString digestText(const QString& hex, int difference)
{
    if (difference < 4 || difference >= hex.size() - 4)
        return digestText(hex);
    return hex.left(4) + u'…' + hex.mid(difference, 4) + u'…';
}

QString rateText(double perSecond, const QString& unit)
{
    if (!std::isfinite(perSecond) || perSecond <= 0)
        return {};
    if (unit == QLatin1String("bytes"))
        return Text::tr("%1/s").arg(bytesText(static_cast<std::uint64_t>(perSecond)));
    // Thousands of rows a second are a count, not a measurement.
    const QString number =
        perSecond >= 100 ? countText(static_cast<std::int64_t>(std::min(perSecond, 1e15))) : tableNumber(perSecond);
    return Text::tr("%1 %2/s").arg(number, unit);
}

QString comparisonText(double value, double threshold)
{
    if (!std::isfinite(value))
        return notFinite(value);
    const QString relation = value > threshold ? QStringLiteral(" > ") : QStringLiteral(" ≤ ");
    const Decimal exact = decimalOf(value);
    // Cut digits only while the cut number is still on the right side of the threshold.
    for (int digits = 5; digits < exact.digits.size(); ++digits) {
        Decimal cut = exact;
        cut.digits.truncate(digits);
        const double asWritten = scientific(cut).toDouble();
        if ((asWritten > threshold) == (value > threshold) && asWritten != threshold)
            return (cut.exponent >= -4 && cut.exponent < digits ? positional(cut) + u'…'
                                                                : scientific(cut).replace(u'e', QStringLiteral("…e"))) +
                   relation + exactNumber(threshold);
    }
    return exactNumber(value) + relation + exactNumber(threshold);
}

int firstDifference(const QString& a, const QString& b)
{
    if (a == b)
        return -1;
    // Of two numbers of another order or sign every digit has another worth, whatever the letters say:
    // 3.2057e-06 and 3.2057e-05 differ from the first digit on.
    bool areNumbers[2] = {false, false};
    const double values[2] = {a.toDouble(&areNumbers[0]), b.toDouble(&areNumbers[1])};
    const auto isPlain = [](double value) { return std::isfinite(value) && value != 0; };
    if (areNumbers[0] && areNumbers[1] && isPlain(values[0]) && isPlain(values[1])) {
        const Decimal left = decimalOf(values[0]);
        const Decimal right = decimalOf(values[1]);
        if (left.exponent != right.exponent || std::signbit(values[0]) != std::signbit(values[1]))
            return 0;
    }
    const auto [left, right] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
    return static_cast<int>(left - a.begin());
}

bool isNumberText(const QString& text)
{
    static const QRegularExpression number(QStringLiteral("^[+\\-−]?\\d+(?:\\x{202f}\\d{3})*(?:\\.\\d+)?(?:e[+\\-−]?"
                                                          "\\d+)?(?:[ \\x{a0}\\x{202f}]?(?:×|%|[A-Za-z]{1,3}))?$"));
    return number.match(text).hasMatch();
}

namespace {

bool isUnseen(char32_t c)
{
    switch (QChar::category(c)) {
    case QChar::Other_Control:
    case QChar::Other_Format:
    case QChar::Separator_Line:
    case QChar::Separator_Paragraph: return true;
    default: return false;
    }
}

QString codeOf(char32_t c)
{
    return c > 0xFFFF ? QStringLiteral("\\U%1").arg(static_cast<uint>(c), 8, 16, QLatin1Char('0'))
                      : QStringLiteral("\\u%1").arg(static_cast<uint>(c), 4, 16, QLatin1Char('0'));
}

template <class Keeps>
QString withCodes(const QString& text, const Keeps& keeps)
{
    QString shown;
    for (qsizetype i = 0; i < text.size(); ++i) {
        const bool isPair = text[i].isHighSurrogate() && i + 1 < text.size() && text[i + 1].isLowSurrogate();
        const char32_t c = isPair ? QChar::surrogateToUcs4(text[i], text[i + 1]) : text[i].unicode();
        if (isUnseen(c) && !keeps(c))
            shown += codeOf(c);
        else
            shown += QStringView(text).mid(i, isPair ? 2 : 1);
        i += isPair ? 1 : 0;
    }
    return shown;
}

}

QString shownName(const QString& name)
{
    return withCodes(name, [](char32_t) { return false; });
}

QString shownText(const QString& text)
{
    return withCodes(text, [](char32_t c) { return c == U'\n' || c == U'\t'; });
}

QString visiblePiece(const QString& piece)
{
    QString text;
    for (const QChar c : piece) {
        if (c == u' ')
            text += u'␣';
        else if (c == u'\n')
            text += u'⏎';
        else if (c == u'\t')
            text += u'⇥';
        else if (isUnseen(c.unicode()))
            text += codeOf(c.unicode());
        else
            text += c;
    }
    return text;
}

QString plainToolTip(const QString& text)
{
    if (text.isEmpty())
        return {};
    return QStringLiteral("<p style=\"white-space:pre-wrap\">%1</p>").arg(shownText(text).toHtmlEscaped());
}

QString evidenceWord(Evidence evidence)
{
    switch (evidence) {
    case Evidence::Measured: return Text::tr("measured");
    case Evidence::Bounded: return Text::tr("bounded");
    case Evidence::Proved: return Text::tr("proved");
    }
    return {};
}

}
