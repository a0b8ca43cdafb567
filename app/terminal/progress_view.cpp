#include "app/terminal/progress_view.h"

#include "app/terminal/number_words.h"
#include "engine/base/strict_json.h"

#include <algorithm>
#include <utility>

namespace blockcert::terminal {

namespace {

constexpr int barCells = 24;

std::string bar(double share)
{
    // Eighths of a cell, so that a slow stage is seen to move.
    static constexpr std::string_view parts[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    const int eighths = static_cast<int>(std::clamp(share, 0.0, 1.0) * barCells * 8);
    std::string text;
    for (int i = 0; i < eighths / 8; ++i)
        text += "█";
    text += parts[eighths % 8];
    for (int i = displayWidth(text); i < barCells; ++i)
        text += "·";
    return text;
}

std::string rateOf(const protocol::MeteredProgress& progress)
{
    if (!progress.rate)
        return "";
    return progress.event.unit == "bytes" ? bytes(*progress.rate) + "/s" : threeDigits(*progress.rate) + "/s";
}

// Units come in the plural: "1 file", "3 files".
std::string withUnit(std::int64_t count, std::string unit)
{
    if (count == 1 && unit.ends_with('s'))
        unit.pop_back();
    return grouped(count) + (unit.empty() ? "" : " " + unit);
}

std::string place(const Progress& event)
{
    std::string text;
    if (event.block)
        text = "block " + std::to_string(*event.block);
    if (event.prompt)
        text += (text.empty() ? "" : ", ") + std::string("prompt ") + std::to_string(*event.prompt);
    return text;
}

}

std::string amount(const Progress& event)
{
    if (event.unit == "bytes")
        return bytes(static_cast<double>(event.done)) + " / " + bytes(static_cast<double>(event.total));
    return grouped(event.done) + " / " + grouped(event.total) + (event.unit.empty() ? "" : " " + event.unit);
}

ProgressView::ProgressView(ProgressForm form, Style style, int width, bool verbose,
                           std::function<void(const std::string&)> write)
    : m_form(form)
    , m_style(style)
    , m_width(width)
    , m_verbose(verbose)
    , m_write(std::move(write))
{
}

std::string ProgressView::barLine(const protocol::MeteredProgress& progress) const
{
    const Progress& event = progress.event;
    const double share = event.total > 0 ? static_cast<double>(event.done) / static_cast<double>(event.total) : 1;
    std::string text = bar(share) + "  " + amount(event);
    if (const std::string rate = rateOf(progress); !rate.empty())
        text += "  " + rate;
    if (progress.eta)
        text += "  " + duration(*progress.eta) + " left";
    if (const std::string where = place(event); !where.empty())
        text += "  " + where;
    std::string stage = event.stage;
    stage.resize(std::max<std::size_t>(stage.size(), 8), ' ');
    // One column is left free: a full line would wrap on some terminals.
    return m_style.paint(Tone::Strong, stage) + shortened(text, m_width - displayWidth(stage) - 1);
}

void ProgressView::addToSums(const protocol::MeteredProgress& progress)
{
    const Progress& event = progress.event;
    auto sum = std::ranges::find(m_sums, event.stage, &StageSum::name);
    if (sum == m_sums.end()) {
        // A stage that was never seen: those that are over will not come back.
        writeEndedSums();
        m_sums.push_back({event.stage, event.unit, 0, 0, false});
        sum = m_sums.end() - 1;
    }
    sum->seconds += progress.elapsed - m_lastElapsed;
    m_lastElapsed = progress.elapsed;
    sum->ended = progress.stageEnds || (sum->ended && !progress.stageBegins);
    if (progress.stageEnds)
        sum->amount += event.total;
}

void ProgressView::writeEndedSums()
{
    for (const StageSum& sum : m_sums)
        if (sum.ended && (m_form == ProgressForm::Lines || m_verbose)) {
            const std::string amount =
                sum.unit == "bytes" ? bytes(static_cast<double>(sum.amount)) : withUnit(sum.amount, sum.unit);
            m_write(sum.name + ": " + amount + " in " + duration(sum.seconds) + "\n");
        }
    std::erase_if(m_sums, [](const StageSum& sum) { return sum.ended; });
}

// Sentences that the reader should know before the work is done.
void ProgressView::writeNotes(const std::string& detail)
{
    if (detail.empty())
        return;
    const Json json = parseStrictJson(detail, "progress detail");
    if (!json.contains("notes"))
        return;
    if (m_barShown)
        m_write("\r\x1b[K");
    m_barShown = false;
    for (const Json& note : json.at("notes"))
        m_write(visible(note.get<std::string>()) + "\n");
}

void ProgressView::show(const protocol::MeteredProgress& progress)
{
    const Progress& event = progress.event;
    writeNotes(event.detail);
    if (m_form == ProgressForm::Bar) {
        m_write("\r\x1b[K" + barLine(progress));
        m_barShown = true;
    } else if (m_verbose && !event.detail.empty() && !progress.stageEnds) {
        m_write(event.stage + ": " + amount(event) + (place(event).empty() ? "" : ", " + place(event)) + "\n");
    }
    addToSums(progress);
}

void ProgressView::finish()
{
    if (m_barShown)
        m_write("\r\x1b[K");
    m_barShown = false;
    writeEndedSums();
}

}
