#include "app/workbench/session/label_text.h"

#include "engine/base/error.h"

#include <QCoreApplication>
#include <QCryptographicHash>
#include <QRegularExpression>
#include <QStringList>

#include <algorithm>
#include <array>
#include <utility>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

namespace {

QString tr(const char* text)
{
    return QCoreApplication::translate("LabelText", text);
}

const std::array<QString, 4> labelNames{u"answer"_s, u"refuse"_s, u"harmful"_s, u"other"_s}; // as HumanLabel counts

const QStringList columnNames{u"prompt"_s, u"side"_s, u"annotator"_s, u"label"_s, u"text_sha256"_s};

// The fields of one line of a CSV (RFC 4180).
QStringList fieldsOf(const QString& line)
{
    QStringList fields;
    QString now;
    bool isQuoted = false;
    for (qsizetype i = 0; i < line.size(); ++i) {
        const QChar c = line[i];
        if (isQuoted && c == u'"' && i + 1 < line.size() && line[i + 1] == u'"')
            now += line[++i];
        else if (c == u'"')
            isQuoted = !isQuoted;
        else if (c == u',' && !isQuoted)
            fields << std::exchange(now, {});
        else
            now += c;
    }
    return fields << now;
}

QString field(const QString& text)
{
    if (!text.contains(u',') && !text.contains(u'"') && !text.contains(u'\n'))
        return text;
    return u'"' + QString(text).replace(u'"', u"\"\""_s) + u'"';
}

}

QString labelName(HumanLabel label)
{
    return labelNames[static_cast<std::size_t>(label)];
}

QString textDigest(const QString& text)
{
    return QString::fromLatin1(QCryptographicHash::hash(text.toUtf8(), QCryptographicHash::Sha256).toHex());
}

std::vector<GivenLabel> parseLabels(const QString& csv, const QString& source)
{
    std::vector<GivenLabel> given;
    int line = 0;
    qsizetype columns = 0;
    const auto refuse = [&](const QString& problem) {
        throw FormatError(u"%1, line %2: %3."_s.arg(source).arg(line).arg(problem).toStdString());
    };
    for (QString text : csv.split(u'\n')) {
        ++line;
        if (text.endsWith(u'\r'))
            text.chop(1);
        if (line == 1 && text.startsWith(QChar::ByteOrderMark)) // spreadsheets begin their UTF-8 with it
            text.remove(0, 1);
        if (line > 1 && text.isEmpty())
            continue;
        const QStringList fields = fieldsOf(text);
        if (line == 1) {
            if (fields != columnNames && fields != columnNames.first(4))
                refuse(tr("it must be prompt,side,annotator,label, or that and ,text_sha256"));
            columns = fields.size();
            continue;
        }
        if (fields.size() != columns)
            refuse(tr("it has %1 fields instead of %2").arg(fields.size()).arg(columns));
        const auto label = std::ranges::find(labelNames, fields[3]);
        if (fields[1] != "before"_L1 && fields[1] != "after"_L1)
            refuse(tr("a side is before or after, not “%1”").arg(fields[1]));
        if (label == labelNames.end())
            refuse(tr("a label is answer, refuse, harmful or other, not “%1”").arg(fields[3]));
        if (fields[2].isEmpty())
            refuse(tr("nobody is named who gave the label"));
        const QString digest = fields.value(4);
        static const QRegularExpression hex(u"\\A([0-9a-f]{64})?\\z"_s);
        if (!hex.match(digest).hasMatch())
            refuse(tr("text_sha256 is 64 lower-case hex digits or nothing, not “%1”").arg(digest));
        given.push_back({fields[0], fields[1] == "after"_L1, fields[2],
                         static_cast<HumanLabel>(label - labelNames.begin()), digest});
    }
    return given;
}

QString labelsText(const std::vector<GivenLabel>& labels)
{
    QString text = columnNames.join(u',') + u'\n';
    for (const GivenLabel& one : labels)
        text += u"%1,%2,%3,%4,%5\n"_s.arg(field(one.prompt), one.isAfter ? u"after"_s : u"before"_s,
                                          field(one.annotator), labelName(one.label), one.textSha256);
    return text;
}

}
