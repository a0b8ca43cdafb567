#include "tests/workbench/fake/script.h"

#include <fstream>
#include <sstream>
#include <utility>

namespace blockcert::fake {

Script::Script(const std::filesystem::path& file, std::filesystem::path stateFolder)
    : m_stateFolder(std::move(stateFolder))
{
    std::ifstream stream(file);
    std::stringstream text;
    text << stream.rdbuf();
    m_script = Json::parse(text.str());
}

Json Script::scenarioFor(const std::string& name, bool isCounted)
{
    const auto found = m_script.find(name);
    if (found == m_script.end() || found->empty())
        return Json::array();
    const std::filesystem::path counter = m_stateFolder / (name + ".calls");
    std::size_t calls = 0;
    std::ifstream(counter) >> calls;
    if (isCounted)
        std::ofstream(counter) << calls + 1;
    return found->at(std::min(calls, found->size() - 1));
}

}
