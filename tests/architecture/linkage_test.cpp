// Asks readelf which libraries the programs load: the command line and the window must not load LibTorch.

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace {

std::vector<std::string> linesOf(const std::string& tool, const std::string& program)
{
    const std::string command = tool + " '" + std::string(std::getenv("BLOCKCERT_BIN")) + "/" + program + "'";
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
    std::vector<std::string> lines;
    std::array<char, 1024> line{};
    while (std::fgets(line.data(), line.size(), pipe.get()) != nullptr)
        lines.emplace_back(line.data());
    return lines;
}

// What the program itself asks for.
std::vector<std::string> librariesOf(const std::string& program)
{
    std::vector<std::string> libraries;
    for (const std::string& line : linesOf("readelf -dW", program)) {
        const std::size_t begin = line.find("Shared library: [");
        if (begin != std::string::npos)
            libraries.push_back(line.substr(begin + 17, line.find(']', begin) - begin - 17));
    }
    return libraries;
}

// The same with all that these libraries ask for.
std::vector<std::string> allLibrariesOf(const std::string& program)
{
    return linesOf("ldd", program);
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

// Nothing that could open a connection is in the process that reads other people's files.
TEST(Linkage, TheCommandLineLoadsNoNetworkLibrary)
{
    const auto libraries = allLibrariesOf("blockcert");
    ASSERT_TRUE(loads(libraries, "libc.so")) << "ldd found nothing";
    for (const char* word : {"curl", "ssl.so", "gnutls", "ldap", "krb5", "nghttp2"})
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
    EXPECT_FALSE(loads(allLibrariesOf("blockcert-engine"), "curl"));
}
#endif
