// Asks readelf which libraries the programs load: the command line and the window must not load LibTorch.

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace {

std::vector<std::string> librariesOf(const std::string& program)
{
    const std::string path = std::string(std::getenv("BLOCKCERT_BIN")) + "/" + program;
    std::vector<std::string> libraries;
    if (!std::filesystem::exists(path))
        return libraries;
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(("readelf -dW '" + path + "'").c_str(), "r"), ::pclose);
    std::array<char, 1024> line{};
    while (std::fgets(line.data(), line.size(), pipe.get()) != nullptr) {
        const std::string text = line.data();
        const std::size_t begin = text.find("Shared library: [");
        if (begin != std::string::npos)
            libraries.push_back(text.substr(begin + 17, text.find(']', begin) - begin - 17));
    }
    return libraries;
}

bool loads(const std::vector<std::string>& libraries, const std::string& word)
{
    for (const std::string& library : libraries)
        if (library.find(word) != std::string::npos)
            return true;
    return false;
}

}

TEST(Linkage, TheCommandLineLoadsNeitherLibTorchNorQt)
{
    const auto libraries = librariesOf("blockcert");
    ASSERT_TRUE(loads(libraries, "libc.so")) << "readelf found nothing";
    for (const char* word : {"torch", "c10", "Qt6", "cuda"})
        EXPECT_FALSE(loads(libraries, word)) << word;
}

#ifdef BLOCKCERT_HAS_WORKBENCH
TEST(Linkage, TheWindowLoadsNoLibTorchAndNoHdf5)
{
    const auto libraries = librariesOf("blockcert-workbench");
    ASSERT_TRUE(loads(libraries, "Qt6Widgets")) << "readelf found nothing";
    for (const char* word : {"torch", "c10", "cuda", "hdf5"})
        EXPECT_FALSE(loads(libraries, word)) << word;
}
#endif

#ifdef BLOCKCERT_HAS_ENGINE
TEST(Linkage, TheEngineLoadsTheCpuLibrariesOnly)
{
    const auto libraries = librariesOf("blockcert-engine");
    ASSERT_TRUE(loads(libraries, "libtorch_cpu.so")) << "readelf found nothing";
    for (const char* word : {"libtorch.so", "torch_cuda", "torch_python", "Qt6"})
        EXPECT_FALSE(loads(libraries, word)) << word;
}
#endif
