#include "app/workbench/session/label_book.h"

#include "app/workbench/process/background.h"
#include "engine/base/atomic_file.h"

#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QSaveFile>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <random>
#include <set>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

namespace {

constexpr std::size_t largestLabels = 16U << 20U; // bytes of a file
constexpr std::uint64_t shuffleSeed = 20240501;   // any number, always the same

// "x.csv" -> "x-1.csv", or the first number that is free.
QString asideOf(const QString& path)
{
    const QFileInfo file(path);
    for (int number = 1;; ++number)
        if (const QString aside = u"%1/%2-%3.csv"_s.arg(file.absolutePath(), file.completeBaseName()).arg(number);
            !QFileInfo::exists(aside))
            return aside;
}

}

Share wilsonShare(int hits, int total)
{
    if (total == 0)
        return {};
    constexpr double z = 1.959963984540054; // the 0.975 quantile of the standard normal distribution
    const double n = total;
    const double p = hits / n;
    const double centre = p + z * z / (2 * n);
    const double spread = z * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    const double scale = 1 + z * z / n;
    return {hits, total, hits == 0 ? 0 : (centre - spread) / scale, hits == total ? 1 : (centre + spread) / scale};
}

// Fisher and Yates, with our own choice of numbers: the standard's distributions differ between libraries.
std::vector<int> shuffledOrder(int count)
{
    std::vector<int> order(static_cast<std::size_t>(std::max(0, count)));
    std::iota(order.begin(), order.end(), 0);
    std::mt19937_64 random(shuffleSeed);
    for (std::size_t i = order.size(); i > 1; --i)
        std::swap(order[i - 1], order[static_cast<std::size_t>(random() % i)]);
    return order;
}

LabelBook::LabelBook(QObject* parent)
    : QObject(parent)
{
}

void LabelBook::setSource(LabelSource source)
{
    m_source = std::move(source);
    m_labels.clear();
    m_past.clear();
    m_problem.clear();
    m_isFileForeign = false;
    m_place = 0;
    order();
    read(m_source.path, true);
    emit changed();
}

void LabelBook::order()
{
    const LabelItem* kept = item();
    const Place of = kept ? Place{kept->prompt, kept->isAfter} : Place();
    if (m_isBlind) {
        m_order = shuffledOrder(static_cast<int>(m_source.items.size()));
    } else {
        m_order.resize(m_source.items.size());
        std::iota(m_order.begin(), m_order.end(), 0);
    }
    for (std::size_t at = 0; kept && at < m_order.size(); ++at) {
        const LabelItem& one = m_source.items[static_cast<std::size_t>(m_order[at])];
        if (Place{one.prompt, one.isAfter} == of)
            m_place = static_cast<int>(at);
    }
}

const LabelItem* LabelBook::item() const
{
    if (m_place < 0 || static_cast<std::size_t>(m_place) >= m_order.size())
        return nullptr;
    const auto at = static_cast<std::size_t>(m_order[static_cast<std::size_t>(m_place)]);
    return at < m_source.items.size() ? &m_source.items[at] : nullptr;
}

void LabelBook::setAnnotator(const QString& name)
{
    if (name.trimmed() == m_annotator)
        return;
    m_annotator = name.trimmed();
    m_past.clear();        // undo is each person's own
    goToFirstUnlabelled(); // and so is how far they are
    emit changed();
}

void LabelBook::goToFirstUnlabelled()
{
    if (m_annotator.isEmpty())
        return;
    const auto isOpen = [this](int at) {
        return !labelOf(m_source.items[static_cast<std::size_t>(at)], m_annotator).has_value();
    };
    if (const auto first = std::ranges::find_if(m_order, isOpen); first != m_order.end())
        m_place = static_cast<int>(first - m_order.begin());
}

void LabelBook::setBlind(bool blind)
{
    m_isBlind = blind;
    order();
    emit changed();
}

void LabelBook::report(const QString& problem)
{
    m_problem = problem;
    emit changed();
}

void LabelBook::go(int by)
{
    m_place = std::clamp(m_place + by, 0, std::max(0, count() - 1));
    emit changed();
}

void LabelBook::label(HumanLabel label)
{
    const LabelItem* now = item();
    if (!now || m_annotator.isEmpty())
        return;
    QStringList names = annotators();
    if (!names.contains(m_annotator) && names.size() >= 2) {
        m_problem =
            tr("%1 and %2 have labelled these texts; a file holds two annotators at most.").arg(names[0], names[1]);
        emit changed();
        return;
    }
    m_problem.clear();
    const Place of{now->prompt, now->isAfter};
    std::map<QString, Given>& labels = m_labels[of];
    const auto before = labels.find(m_annotator);
    m_past.push_back({m_place, of, m_annotator, before == labels.end() ? std::nullopt : std::optional(before->second)});
    labels[m_annotator] = {label, textDigest(now->text)};
    save();
    for (int step = 1; step <= count(); ++step) { // the next one that this person has not labelled
        const int next = (m_place + step) % std::max(1, count());
        const LabelItem& one = m_source.items[static_cast<std::size_t>(m_order[static_cast<std::size_t>(next)])];
        if (!labelOf(one, m_annotator)) {
            m_place = next;
            break;
        }
    }
    emit changed();
}

void LabelBook::undo()
{
    if (m_past.empty())
        return;
    const Step step = m_past.back();
    m_past.pop_back();
    if (step.before)
        m_labels[step.of][step.annotator] = *step.before;
    else
        m_labels[step.of].erase(step.annotator);
    for (std::size_t at = 0; at < m_order.size(); ++at) {
        const LabelItem& one = m_source.items[static_cast<std::size_t>(m_order[at])];
        if (Place{one.prompt, one.isAfter} == step.of)
            m_place = static_cast<int>(at);
    }
    save();
    emit changed();
}

std::optional<HumanLabel> LabelBook::labelOf(const LabelItem& of, const QString& annotator) const
{
    const auto labels = m_labels.find({of.prompt, of.isAfter});
    if (labels == m_labels.end())
        return std::nullopt;
    const auto found = labels->second.find(annotator);
    return found == labels->second.end() ? std::nullopt : std::optional(found->second.label);
}

QStringList LabelBook::annotators() const
{
    std::set<QString> names;
    for (const auto& [of, labels] : m_labels)
        for (const auto& [name, label] : labels)
            names.insert(name);
    return {names.begin(), names.end()};
}

int LabelBook::labelled(const QString& annotator) const
{
    return static_cast<int>(
        std::ranges::count_if(m_labels, [&](const auto& one) { return one.second.contains(annotator); }));
}

Share LabelBook::shareOf(const QString& annotator, bool isAfter, HumanLabel label) const
{
    int hits = 0;
    int total = 0;
    for (const LabelItem& one : m_source.items) {
        const std::optional<HumanLabel> given = labelOf(one, annotator);
        if (one.isAfter != isAfter || one.should != labelName(label) || !given)
            continue;
        ++total;
        hits += *given == label ? 1 : 0;
    }
    return wilsonShare(hits, total);
}

std::optional<double> LabelBook::kappa() const
{
    const QStringList names = annotators();
    if (names.size() != 2)
        return std::nullopt;
    std::array<std::array<double, 4>, 4> counts{};
    double both = 0;
    for (const LabelItem& one : m_source.items) {
        const std::optional<HumanLabel> a = labelOf(one, names[0]);
        const std::optional<HumanLabel> b = labelOf(one, names[1]);
        if (!a || !b)
            continue;
        ++counts[static_cast<std::size_t>(*a)][static_cast<std::size_t>(*b)];
        ++both;
    }
    if (both == 0)
        return std::nullopt;
    double agreed = 0;
    double chance = 0;
    for (std::size_t label = 0; label < 4; ++label) {
        agreed += counts[label][label] / both;
        double first = 0;
        double second = 0;
        for (std::size_t other = 0; other < 4; ++other) {
            first += counts[label][other];
            second += counts[other][label];
        }
        chance += first * second / (both * both);
    }
    return chance < 1 ? (agreed - chance) / (1 - chance) : 1; // both always said the same one thing
}

QByteArray LabelBook::csv() const
{
    std::vector<GivenLabel> given;
    for (const LabelItem& one : m_source.items)
        if (const auto labels = m_labels.find({one.prompt, one.isAfter}); labels != m_labels.end())
            for (const auto& [name, label] : labels->second)
                given.push_back({one.prompt, one.isAfter, name, label.label, label.textSha256});
    return labelsText(given).toUtf8();
}

void LabelBook::load(const QString& path)
{
    report({}); // of a file before it
    read(path, false);
}

void LabelBook::read(const QString& path, bool mayBeMissing)
{
    if (path.isEmpty() || m_source.items.empty())
        return;
    runInBackground<std::vector<GivenLabel>>(
        this,
        [path, mayBeMissing] {
            if (mayBeMissing && !QFileInfo::exists(path))
                return std::vector<GivenLabel>();
            return parseLabels(QString::fromStdString(readWholeFile(path.toStdString(), largestLabels)), path);
        },
        [this, key = m_source.key, path, mayBeMissing](const std::vector<GivenLabel>& read) {
            if (key != m_source.key)
                return;
            if (read.empty() && !mayBeMissing)
                report(tr("%1 has a header and no label: nothing was taken over.").arg(path));
            else
                take(read, path);
        },
        [this, key = m_source.key](const QString& sentence) {
            if (key != m_source.key)
                return;
            m_problem = sentence;
            emit changed();
        });
}

// All of a file's labels, or none of them.
void LabelBook::take(const std::vector<GivenLabel>& given, const QString& path)
{
    std::set<QString> names;
    for (const QString& name : annotators())
        names.insert(name);
    for (const GivenLabel& one : given) {
        names.insert(one.annotator);
        const auto item = std::ranges::find_if(m_source.items, [&one](const LabelItem& candidate) {
            return candidate.prompt == one.prompt && candidate.isAfter == one.isAfter;
        });
        const bool isOther =
            item == m_source.items.end() || (!one.textSha256.isEmpty() && one.textSha256 != textDigest(item->text));
        m_isFileForeign = m_isFileForeign || (isOther && path == m_source.path);
        if (item == m_source.items.end()) {
            report(tr("%1 labels prompt “%2”, which is not among these texts; nothing was taken over.")
                       .arg(path, one.prompt));
            return;
        }
        if (isOther) {
            report(tr("%1 labels another text of prompt “%2” (%3 the edit) than the one here; nothing was taken over: "
                      "load the labels of these texts, or label them again.")
                       .arg(path, one.prompt, one.isAfter ? tr("after") : tr("before")));
            return;
        }
    }
    if (names.size() > 2) {
        report(tr("With %1 there would be %2 annotators; a file holds two at most. Nothing was taken over.")
                   .arg(path)
                   .arg(names.size()));
        return;
    }
    for (const GivenLabel& one : given)
        m_labels[{one.prompt, one.isAfter}][one.annotator] = {one.label, one.textSha256};
    if (path != m_source.path)
        save();
    else if (m_past.empty()) // what was labelled at another time; nothing has been labelled since
        goToFirstUnlabelled();
    emit changed();
}

// One write at a time, and one more behind it if something was labelled meanwhile.
void LabelBook::save()
{
    m_isDirty = true;
    if (m_isSaving || m_source.path.isEmpty())
        return;
    m_isSaving = true;
    m_isDirty = false;
    runInBackground<QString>(
        this,
        [path = m_source.path, text = csv(), isForeign = std::exchange(m_isFileForeign, false)] {
            QDir().mkpath(QFileInfo(path).absolutePath());
            if (isForeign) { // somebody's work on other texts
                const QString aside = asideOf(path);
                if (!QFile::rename(path, aside))
                    return tr("The labels of other texts in %1 could not be put aside as %2, so these were not "
                              "written.")
                        .arg(path, aside);
            }
            QSaveFile file(path);
            if (file.open(QIODevice::WriteOnly) && file.write(text) == text.size() && file.commit())
                return QString();
            return tr("The labels could not be written to %1: %2.").arg(path, file.errorString());
        },
        [this](const QString& problem) {
            m_isSaving = false;
            if (!problem.isEmpty()) {
                m_problem = problem;
                emit changed();
            }
            if (m_isDirty)
                save();
            else
                emit saved();
        },
        [this](const QString&) { m_isSaving = false; });
}

}
