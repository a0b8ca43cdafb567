#include "engine/figure/text_width.h"

#include "engine/figure/figure_text.h"
#include "engine/figure/text_runs.h"

#include <array>

namespace blockcert::figure {

namespace {

// Advance widths of U+0020 … U+007E in thousandths of the size, measured on DejaVu Sans, the widest of the fonts.
constexpr std::array<int, 95> advances = {
    318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361,  318, 337, 636, 636, 636,
    636, 636, 636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632,
    575, 775, 752, 295, 295, 656, 557, 863, 748, 787, 603, 787, 695, 635,  611, 732, 684, 989, 685,
    611, 685, 390, 337, 390, 838, 500, 500, 613, 635, 550, 635, 615, 352,  635, 634, 278, 278, 579,
    278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592, 818, 592, 592,  525, 636, 337, 636, 838};

constexpr double strongFactor = 1.125; // its bold face, mean of ordinary text

// Beyond ASCII: Latin, Greek and Cyrillic letters are as wide as ASCII ones; signs and ideographs take a full em.
double advanceOf(std::string_view character)
{
    const auto first = static_cast<unsigned char>(character.front());
    if (character.size() == 1)
        return first >= 0x20 && first < 0x7F ? advances[first - 0x20U] : 1000;
    return first < 0xD4 ? 700 : 1000;
}

}

double textWidth(std::string_view text, double size, bool strong)
{
    double sum = 0;
    for (const TextRun& run : textRuns(text))
        for (const std::string_view character : characters(run.text))
            sum += advanceOf(character) * (run.subscript ? subscriptSize : 1);
    return sum * size / 1000 * (strong ? strongFactor : 1);
}

std::string fitted(std::string_view text, double size, double width, bool strong)
{
    if (textWidth(text, size, strong) <= width)
        return std::string(text);
    std::string cut;
    const double ellipsis = textWidth("…", size, strong);
    for (const std::string_view character : characters(text)) {
        if (textWidth(cut + std::string(character), size, strong) + ellipsis > width)
            break;
        cut += character;
    }
    while (cut.ends_with(' '))
        cut.pop_back();
    return cut + "…";
}

std::string fittedInTheMiddle(std::string_view text, double size, double width)
{
    if (textWidth(text, size) <= width)
        return std::string(text);
    const std::vector<std::string_view> all = characters(text);
    std::string head;
    std::string tail;
    const auto fits = [&](const std::string& begin, const std::string& end) {
        return textWidth(begin + "…" + end, size) <= width;
    };
    // A character from either side in turn, the end first.
    for (std::size_t i = 0; i < all.size() / 2; ++i) {
        const std::string longer = std::string(all[all.size() - 1 - i]) + tail;
        if (!fits(head, longer))
            break;
        tail = longer;
        if (!fits(head + std::string(all[i]), tail))
            break;
        head += all[i];
    }
    return head + "…" + tail;
}

std::vector<std::string> wrapped(std::string_view text, double size, double width)
{
    std::vector<std::string> lines;
    std::string line;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find(' ', begin), text.size());
        const std::string word(text.substr(begin, end - begin));
        begin = end + 1;
        if (word.empty())
            continue;
        const std::string longer = line.empty() ? word : line + " " + word;
        if (!line.empty() && textWidth(longer, size) > width) {
            lines.push_back(line);
            line = fitted(word, size, width);
        } else {
            line = line.empty() ? fitted(word, size, width) : longer;
        }
    }
    if (!line.empty())
        lines.push_back(line);
    return lines;
}

}
