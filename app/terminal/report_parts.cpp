#include "app/terminal/report_parts.h"

#include "app/command_line/shell_word.h"

namespace blockcert::terminal {

std::string orDash(const Json& value, std::string (*shown)(double))
{
    return value.is_null() ? "–" : shown(value);
}

std::string bullets(const Json& sentences, const Page& page)
{
    std::string text;
    for (const Json& sentence : sentences)
        text += "  " + wrap("• " + visible(sentence.get<std::string>()), page.width - 2, 4) + "\n";
    return text;
}

std::string titledBullets(const Json& sentences, const std::string& title, Tone tone, const Page& page)
{
    const std::string text = bullets(sentences, page);
    return text.empty() ? "" : "\n" + page.style.paint(tone, title) + "\n" + text;
}

std::string addedToRun(const Json& result, const Page& page)
{
    const std::string run = command_line::shellWord(result.at("run").get<std::string>());
    return page.style.paint(Tone::Quiet, "written to ") + visible(result.at("path").get<std::string>()) + "\n" +
           page.style.paint(Tone::Quiet, "check it   ") + "blockcert verify " + visible(run) + "\n";
}

}
